/* Flags and counts of users; see announced.h. */
#include "passes/objects/announced.h"

#include <limits.h>
#include <string.h>

/* Does a condition of the function ask for the member? */
static bool
announced_asks(const struct body *b, const char *member)
{
    size_t n = strlen(member);
    for (size_t i = 0; i < b->blocks.n; i++) {
        const char *cond = b->blocks.at[i]->cond;
        for (const char *at = cond; at && (at = strstr(at, member)) != NULL; at++) {
            bool word = strchr(",)( .[-", at[n]) != NULL; /* also the end */
            if (at > cond && (at[-1] == '>' || at[-1] == '.') && word) {
                return true;
            }
        }
    }
    return false;
}

static bool
announced_asks_around(const struct body *b, const char *member)
{
    bool asks = announced_asks(b, member);
    for (size_t i = 0; i < b->callees.n && !asks; i++) {
        asks = announced_asks(b->callees.at[i], member);
    }
    for (size_t i = 0; i < b->callers.n && !asks; i++) {
        asks = announced_asks(b->callers.at[i], member);
    }
    return asks;
}

static bool
announced_by(struct program *p, const struct body *b, long seq, const char *field,
             const struct body *other)
{
    SCAN_ACCESSES(b, a)
    {
        bool sets = a->seq < seq &&
                    (str_same(a->how, "write") || str_same(a->how, "rmw") ||
                     str_starts(a->how, "atomic-")) &&
                    !str_same(a->how, "atomic-load") && a->path && *a->path;
        const char *name =
            sets ? scan_field_name(arena_printf(&p->arena, "field:%s%s", a->var, a->path)) : NULL;
        if (name && !str_same(name, field) && announced_asks_around(other, name)) {
            return true;
        }
    }
    return false;
}

bool
announced_to(struct program *p, const struct body *b, long seq, const char *field,
             const struct body *other)
{
    if (announced_by(p, b, seq, field, other)) {
        return true;
    }
    SCAN_CALLS(b, call)
    {
        const struct body *helper = call->seq < seq ? scan_body(p, call->id) : NULL;
        if (helper && helper != b && announced_by(p, helper, LONG_MAX, field, other)) {
            return true;
        }
    }
    for (size_t i = 0; i < b->callers.n; i++) {
        if (announced_by(p, b->callers.at[i], LONG_MAX, field, other)) {
            return true;
        }
    }
    return false;
}
