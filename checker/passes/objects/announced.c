/* Flags and counts of users; see announced.h. */
#include "passes/objects/announced.h"

#include <limits.h>
#include <string.h>

bool
announced_refuses(const struct body *b, const struct fact_block *branch)
{
    bool leaves = false, raises = false;
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact *event = b->events.at[i];
        long block = flow_block_of(event);
        if (!flow_inside(b, block, branch->id)) {
            continue;
        }
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)event;
        leaves |= event->kind == FACT_jump &&
                  (str_same(jump->kind, "return") || str_same(jump->kind, "goto") ||
                   str_same(jump->kind, "throw"));
        const struct fact_call *call = (const struct fact_call *)(const void *)event;
        raises |= event->kind == FACT_call && str_starts(call->callee, "PyErr_");
    }
    return leaves && raises;
}

/* Does a condition of the function ask for the member; refusing: in order to turn callers away? */
static bool
announced_asks(const struct body *b, const char *member, bool refusing)
{
    size_t n = strlen(member);
    for (size_t i = 0; i < b->blocks.n; i++) {
        const char *cond = b->blocks.at[i]->cond;
        for (const char *at = cond; at && (at = strstr(at, member)) != NULL; at++) {
            bool word = strchr(",)( .[-", at[n]) != NULL; /* also the end */
            if (at > cond && (at[-1] == '>' || at[-1] == '.') && word &&
                (!refusing || announced_refuses(b, b->blocks.at[i]))) {
                return true;
            }
        }
    }
    return false;
}

static bool
announced_asks_around(const struct body *b, const char *member, bool refusing)
{
    bool asks = announced_asks(b, member, refusing);
    for (size_t i = 0; i < b->callees.n && !asks; i++) {
        asks = announced_asks(b->callees.at[i], member, refusing);
    }
    for (size_t i = 0; i < b->callers.n && !asks; i++) {
        asks = announced_asks(b->callers.at[i], member, refusing);
    }
    return asks;
}

/* Can the access set a flag, or count a user: a number that is not 0, `++`, the thread's own state?
 */
static bool
announced_sets(const struct fact_access *a)
{
    const char *number = value_of(a->value, "const"), *call = value_of(a->value, "call");
    return a->path && *a->path &&
           ((str_same(a->how, "rmw") && a->op && strchr(a->op, '+')) ||
            (str_same(a->how, "write") &&
             ((number && !str_same(number, "0")) || str_starts(call, "PyThreadState_"))) ||
            (str_starts(a->how, "atomic-") && !str_same(a->how, "atomic-load")));
}

/* Is the member given back behind seq? */
static bool
announced_ends(const struct body *b, long seq, const char *path)
{
    SCAN_ACCESSES(b, a)
    {
        if (a->seq > seq && str_same(a->path, path) && !str_same(a->how, "read") &&
            !announced_sets(a)) {
            return true;
        }
    }
    return false;
}

static bool
announced_by(struct program *p, const struct body *b, long seq, const char *field,
             const struct body *other)
{
    SCAN_ACCESSES(b, a)
    {
        bool sets =
            a->seq < seq && announced_sets(a) && (b != other || announced_ends(b, seq, a->path));
        const char *name =
            sets ? scan_field_name(arena_printf(&p->arena, "field:%s%s", a->var, a->path)) : NULL;
        if (name && !str_same(name, field) && announced_asks_around(other, name, b == other)) {
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
