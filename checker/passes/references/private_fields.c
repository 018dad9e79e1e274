/* Members of structs that live for one call. */
#include <stdlib.h>
#include <string.h>

#include "passes/references/private.h"

/* Is the parameter, in every call, the address of a caller's local struct (or the caller's own such
 * parameter)? Then the struct lives for one call only. */
static bool
fields_struct(const struct body *b, long index, int depth)
{
    if (b->binding || b->address_taken || !b->callers.n || private_is_deep(depth)) {
        return false;
    }
    for (size_t i = 0; i < b->callers.n; i++) {
        const struct body *caller = b->callers.at[i];
        SCAN_CALLS(caller, call)
        {
            const char *given = str_same(call->id, b->fact->id) ? call_arg(caller, call, (int)index)
                                                                : "addr:local:";
            const char *outer = value_of(given, "param");
            if (!str_starts(given, "addr:local:") &&
                !(outer && caller != b &&
                  fields_struct(caller, strtol(outer, NULL, 10), depth + 1)) &&
                !(outer && caller == b && strtol(outer, NULL, 10) == index)) {
                return false;
            }
        }
    }
    return true;
}

/* The class that a member function belongs to, by its name: "Keys::share(PyObject *)". */
static const char *
fields_class(struct program *p, const struct body *b)
{
    const char *id = b->fact->id;
    size_t n = strcspn(id, "(");
    while (n > 1 && (id[n - 1] != ':' || id[n - 2] != ':')) {
        n--;
    }
    return n > 2 ? arena_copy(&p->arena, id, n - 2) : NULL;
}

/* The struct that a parameter or `this` points to. root: "param:0->x". */
static const char *
fields_record(struct program *p, const struct body *b, const char *root)
{
    size_t n = strcspn(root, ".-");
    if (str_starts(root, "this->")) {
        return fields_class(p, b);
    }
    SCAN_ACCESSES(b, a)
    {
        if (strncmp(a->var, root, n) == 0 && !a->var[n] && a->class && str_starts(a->path, "->") &&
            !strstr(a->path + 2, "->")) {
            return a->class;
        }
    }
    return NULL;
}

/* A struct of C's that no object, other struct or static variable keeps: it stands on the stack,
 * and functions hand it on. */
static bool
fields_is_transient(const struct program *p, const char *record)
{
    if (!record || flow_is_object_record(p, record)) {
        return false;
    }
    FACTS_EACH(p->facts, variable, v)
    {
        if (str_same(v->record, record)) {
            return false;
        }
    }
    bool known = false;
    FACTS_EACH(p->facts, member, m)
    {
        const char *type = str_starts(m->type, "struct ") ? m->type + 7 : m->type;
        size_t n = strlen(record);
        known |= str_same(m->record, record);
        if (str_starts(type, record) && (!type[n] || strchr(" *[", type[n]) != NULL)) {
            return false;
        }
    }
    return known;
}

bool
private_field(struct program *p, const struct body *b, const char *value)
{
    const char *root = value_of(value, "field");
    const char *number = value_of(root, "param");
    const char *step = root ? strpbrk(root, ".-") : NULL;
    bool own = str_starts(root, "local:")
                   ? step && *step == '.'
                   : (number && fields_struct(b, strtol(number, NULL, 10), 0)) ||
                         ((number || str_starts(root, "this->")) &&
                          fields_is_transient(p, fields_record(p, b, root)));
    const char *name = own && step ? step + (*step == '.' ? 1 : 2) : NULL;
    bool made = false;
    if (!name || strpbrk(name, ".-[")) {
        return false;
    }
    FACTS_EACH(p->facts, access, a)
    {
        const char *path = str_same(a->how, "write") && a->path ? a->path : "";
        const char *last = path + strspn(path, "->.");
        if (!str_same(last, name) || str_same(a->value, "null")) {
            continue;
        }
        const struct body *writer = scan_body(p, a->func);
        bool local = writer && str_starts(a->value, "local:") &&
                     private_local(p, writer, a->value, a->seq, 0);
        if (!local && !private_is_maker(p, a->value, 0)) {
            return false;
        }
        made = true;
    }
    return made;
}
