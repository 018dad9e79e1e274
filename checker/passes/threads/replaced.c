/* Functions of the runtime that a module replaces for everybody: memory allocators (ALC06). */
#include <string.h>

#include "passes/flow/flow.h"

void pass_replaced(struct program *p);

static const char replaced_setters[] = "PyMem_SetAllocator,PyObject_SetArenaAllocator";
static const char replaced_getters[] = "PyMem_GetAllocator,PyObject_GetArenaAllocator";

struct replaced_kept {
    bool any;                  /* somebody asks for the old allocator: the new one may hand on */
    VEC(const char *) targets; /* where it is kept, when that outlives the function */
};

static void
replaced_find_kept(const struct program *p, struct replaced_kept *kept)
{
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        SCAN_CALLS(b, call)
        {
            if (scan_call_is(call, replaced_getters)) {
                const char *target = call_arg(b, call, (int)call->nargs - 1);
                kept->any = true;
                if (target && strstr(target, "var:")) {
                    vec_push(&kept->targets, target);
                }
            }
        }
    }
}

/* Is it the old one that is put back? */
static bool
replaced_restores(const struct body *b, const struct fact_call *call,
                  const struct replaced_kept *kept)
{
    for (size_t i = 0; i < kept->targets.n; i++) {
        if (str_same(call_arg(b, call, (int)call->nargs - 1), kept->targets.at[i])) {
            return true;
        }
    }
    return false;
}

void
pass_replaced(struct program *p)
{
    struct replaced_kept kept = {0};
    replaced_find_kept(p, &kept);
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        bool told = false;
        SCAN_CALLS(b, call)
        {
            if (b->entry && !told && scan_call_is(call, replaced_setters) &&
                !replaced_restores(b, call, &kept)) {
                struct fact_flaw *flaw =
                    program_flaw(p, &call->at, b, "allocator-replaced", call->callee);
                flaw->number = kept.any;
                told = true;
            }
        }
    }
    vec_free(&kept.targets);
}
