/* Objects of libraries that the threads which share a Python object use at once (OBJ13). Which
 * libraries ask for a lock stands in rules/api/third_party_global_state.tsv. */
#include <string.h>

#include "passes/shared_roots.h"

struct handles {
    struct program *p;
    const struct shared_roots *roots;
    struct map seen; /* struct and field -> the flaw */
};

/* Numbers and text in a field are no state of a library. */
static bool
handles_is_state(const struct program *p, const struct root_field *where)
{
    const struct fact_member *m = roots_field_member(p, where);
    const char *type = m && m->type ? m->type : "";
    type += str_starts(type, "const ") ? strlen("const ") : 0;
    return !m || (!str_same(m->class, "scalar") && !str_same(m->class, "object-pointer") &&
                  !str_starts(type, "char") && !str_starts(type, "unsigned char") &&
                  !str_starts(type, "uint8_t") && !str_starts(type, "void"));
}

/* Does the function only look, or belong to the end of the object? */
static bool
handles_only_looks(const char *callee)
{
    static const char *const words[] = {"Get",     "get_",   "_is_",  "IsError",
                                        "isError", "ersion", "sizeof"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strstr(callee, words[i])) {
            return true;
        }
    }
    return false;
}

/* OBJ13: a library's own object, kept in a field, is used by whoever calls. Once for each field. */
static void
handles_call(struct handles *all, const struct body *b, const struct fact_call *call)
{
    struct program *p = all->p;
    const char *problem = flow_cell(p, "third_party_global_state", call->callee, "problem");
    if (!problem || !str_starts(problem, "objects must not") ||
        !str_same(flow_cell(p, "third_party_global_state", call->callee, "free_threaded"),
                  "hazard") ||
        handles_only_looks(call->callee)) {
        return;
    }
    /* Every one of these libraries takes its object as the first argument. */
    struct root_field where;
    const char *value = scan_resolve(b, call_arg(b, call, 0), call->seq);
    const char *address = value_of(value, "addr");
    value = address ? arena_printf(&p->arena, "field:%s", address) : value;
    if (!roots_value_field(p, all->roots, b, value, call->seq, &where) || where.initial ||
        !handles_is_state(p, &where) || !roots_unlocked(p, b, call->seq, call->block)) {
        return;
    }
    const char *key = arena_printf(&p->arena, "%s %s", where.record, where.field);
    void **slot = map_slot(&all->seen, key);
    if (!*slot) {
        struct fact_flaw *flaw = program_flaw(p, &call->at, b, "handle-unlocked", where.field);
        flaw->detail = where.record;
        flaw->detail2 = call->callee;
        flaw->class = flow_cell(p, "third_party_global_state", call->callee, "library");
        *slot = flaw;
    }
}

void
pass_handles(struct program *p)
{
    struct handles all = {.p = p, .roots = roots_of(p)};
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (!map_get(&all.roots->masks, b->fact->id)) {
            continue;
        }
        SCAN_CALLS(b, call)
        {
            handles_call(&all, b, call);
        }
    }
    map_free(&all.seen);
}
