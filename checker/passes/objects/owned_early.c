/* Is an object, or a module's state, not there for others yet, or no longer? */
#include <string.h>

#include "passes/objects/owned.h"

enum { OWNED_MAX_CALLERS = 6 };

/* The object is not there for others yet, or no longer. */
static const char early_bindings[] = "tp_new,tp_init,tp_vectorcall,tp_alloc,tp_dealloc,tp_clear,tp_"
                                     "traverse,tp_finalize,tp_free,exec,create,"
                                     "pyinit,modexport,m_clear,m_free,m_traverse";

bool
owned_sets_up(const char *binding)
{
    return str_list_has(early_bindings, binding);
}

/* Does the function run only while an object or module is set up or torn down? */
static bool
early_is_setup(const struct body *b, int depth)
{
    if (b->binding) {
        return owned_sets_up(b->binding);
    }
    if (!flow_runs(b)) {
        return true;
    }
    bool all = b->callers.n && !b->address_taken && depth < OWNED_MAX_CALLERS;
    for (size_t i = 0; all && i < b->callers.n; i++) {
        all = b->callers.at[i] != b && early_is_setup(b->callers.at[i], depth + 1);
    }
    return all;
}

static bool
early_is_allocator(const char *callee)
{
    return callee && (strstr(callee, "tp_alloc") || strstr(callee, "PyObject_New") ||
                      strstr(callee, "PyObject_GC_New") || str_starts(callee, "PyType_Generic") ||
                      str_same(callee, "PyObject_Init"));
}

static bool
early_allocates(struct program *p, const struct body *b, int depth)
{
    SCAN_CALLS(b, call)
    {
        const struct body *helper = scan_body(p, call->id);
        if (early_is_allocator(call->callee) ||
            (helper && depth < 2 && str_same(call->result, "stored") &&
             early_allocates(p, helper, depth + 1))) {
            return true;
        }
    }
    SCAN_ACCESSES(b, a)
    {
        if (a->path && (str_ends(a->path, "->tp_alloc") || str_ends(a->path, "->tp_new"))) {
            return true;
        }
    }
    return false;
}

/* Was the struct that the path hangs on allocated by this very function, by a helper of it, or by
 * everybody that calls it? */
static bool
early_is_fresh(struct program *p, const struct body *b, const char *base, long seq, int depth)
{
    const char *value = scan_resolve(b, base, seq);
    const char *maker = value_of(value, "call"), *number = value_of(value, "param");
    const struct body *helper = maker ? program_body(p, maker) : NULL;
    if (!number) {
        return helper ? early_allocates(p, helper, 0) : early_is_allocator(maker);
    }
    bool all = b->callers.n && !b->binding && !b->address_taken && depth < OWNED_MAX_CALLERS;
    for (size_t i = 0; all && i < b->callers.n; i++) {
        const struct body *caller = b->callers.at[i];
        SCAN_CALLS(caller, call)
        {
            if (all && str_same(call->id, b->fact->id)) {
                all = caller != b &&
                      early_is_fresh(p, caller, call_arg(caller, call, number[0] - '0'), call->seq,
                                     depth + 1);
            }
        }
    }
    return all;
}

bool
owned_is_early(struct program *p, const struct body *b, const char *root, long seq)
{
    return early_is_setup(b, 0) || (root && early_is_fresh(p, b, root, seq, 0));
}
