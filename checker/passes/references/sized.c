/* Arrays and tuples that are made as large as a container is, and then filled by walking it without
 * a look at their end (CON12). */
#include <string.h>

#include "passes/references/private.h"
#include "passes/references/reached.h"

static const char sized_sizes[] =
    "PyObject_Size,PyObject_Length,PyList_Size,PyList_GET_SIZE,PyDict_Size,PyDict_GET_SIZE,"
    "PySet_Size,PySet_GET_SIZE,PySequence_Size,PySequence_Length,PyMapping_Size,PyMapping_Length,"
    "PyObject_LengthHint";
static const char sized_objects[] = "PyTuple_New,PyList_New";
static const char sized_memory[] =
    "malloc,calloc,PyMem_Malloc,PyMem_Calloc,PyMem_RawMalloc,PyMem_RawCalloc,PyObject_Malloc,"
    "alloca";
static const char sized_steps[] = "PyIter_Next,PyIter_NextItem,PyDict_Next,_PySet_NextEntry";
static const char sized_stores[] = "PyTuple_SET_ITEM,PyList_SET_ITEM";

static bool
sized_same(const struct body *b, const char *x, long x_seq, const char *y, long y_seq)
{
    return x && y && str_same(scan_resolve(b, x, x_seq), scan_resolve(b, y, y_seq));
}

/* The container that the step walks: that of PyObject_GetIter() behind an iterator. */
static const char *
sized_walked(const struct body *b, const struct fact_call *step, long *seq)
{
    const char *walked = call_arg(b, step, 0);
    *seq = step->seq;
    if (!str_starts(step->callee, "PyIter_")) {
        return walked;
    }
    const struct fact_call *maker = NULL;
    SCAN_CALLS(b, call)
    {
        if (call->seq < step->seq && scan_call_is(call, "PyObject_GetIter") &&
            str_same(call->into, walked)) {
            maker = call;
        }
    }
    *seq = maker ? maker->seq : 0;
    return maker ? call_arg(b, maker, 0) : NULL;
}

/* Is the size, kept in a local or asked for in place, what the call takes? Of memory it is enough
 * that its size is worked out in some way, in the same block. */
static bool
sized_by(const struct body *b, const struct fact_call *maker, const struct fact_call *size)
{
    const char *n = call_arg(b, maker, 0);
    if (size->seq > maker->seq) {
        return false;
    }
    if (scan_call_is(maker, sized_objects)) {
        return str_same(n, size->into) ||
               (str_same(value_of(n, "call"), size->callee) && str_same(size->result, "argument"));
    }
    return !value_of(n, "const") && str_same(size->result, "stored") &&
           maker->block == size->block && maker->seq - size->seq < 12;
}

/* Does a condition in or of the loop look at the size? */
static bool
sized_is_bounded(const struct body *b, long loop, const struct fact_call *size)
{
    for (size_t i = 0; i < b->blocks.n; i++) {
        const struct fact_block *block = b->blocks.at[i];
        bool inside = flow_inside(b, block->id, loop);
        const char *cond = inside && block->cond ? block->cond : "";
        /* What is compared can be a copy of the size, or the end of the array. */
        if (strstr(cond, "lt(") || strstr(cond, "gt(") || strstr(cond, "eq(local:") ||
            strstr(cond, "ne(local:") || (size->into && strstr(cond, size->into)) ||
            str_same(cond, "expr")) {
            return true;
        }
    }
    return false;
}

static long
sized_loop(const struct body *b, long id)
{
    const struct fact_block *block = flow_block(b, id);
    for (size_t hops = 0; block && hops <= b->blocks.n; hops++) {
        if (str_same(block->kind, "loop")) {
            return block->id;
        }
        block = block->parent == block->id ? NULL : flow_block(b, block->parent);
    }
    return -1;
}

/* Where the loop stores into what was made, or NULL. */
static const struct fact *
sized_store(const struct body *b, long loop, const char *made)
{
    SCAN_CALLS(b, call)
    {
        if (scan_call_is(call, sized_stores) && str_same(call_arg(b, call, 0), made) &&
            flow_inside(b, call->block, loop) && !value_of(call_arg(b, call, 1), "const")) {
            return &call->at;
        }
    }
    SCAN_ACCESSES(b, a)
    {
        if (str_same(a->how, "write") && str_same(a->var, made) && str_starts(a->path, "->[]") &&
            flow_inside(b, a->block, loop)) {
            return &a->at;
        }
    }
    return NULL;
}

static void
sized_check(struct program *p, const struct shared_roots *roots, const struct body *b,
            const struct fact_call *maker, const struct fact_call *size)
{
    const char *container = call_arg(b, size, 0);
    SCAN_CALLS(b, step)
    {
        long seq = 0, loop = -1;
        if (step->seq > maker->seq && scan_call_is(step, sized_steps)) {
            const char *walked = sized_walked(b, step, &seq);
            loop =
                sized_same(b, walked, seq, container, size->seq) ? sized_loop(b, step->block) : -1;
        }
        const struct fact *store = loop >= 0 && !sized_is_bounded(b, loop, size)
                                       ? sized_store(b, loop, maker->into)
                                       : NULL;
        if (store && reached_value(p, roots, b, container, size->seq) &&
            roots_unlocked(p, b, step->seq, step->block)) {
            struct fact_flaw *flaw = program_flaw(p, store, b, "sized-then-filled", maker->callee);
            const char *text = flow_text(p, b, container), *into = flow_text(p, b, maker->into);
            flaw->detail = text ? text : "container";
            flaw->detail2 = into ? into : "memory";
            flaw_relate(p, flaw, &size->at, "the size is read here");
            return;
        }
    }
}

void
pass_sized(struct program *p)
{
    const struct shared_roots *roots = roots_of(p);
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (!flow_runs(b) || roots_generated(p, &b->fact->at)) {
            continue;
        }
        SCAN_CALLS(b, size)
        {
            if (!scan_call_is(size, sized_sizes) || str_same(size->origin, "macro")) {
                continue;
            }
            SCAN_CALLS(b, maker)
            {
                if (str_starts(maker->into, "local:") &&
                    (scan_call_is(maker, sized_objects) || scan_call_is(maker, sized_memory)) &&
                    sized_by(b, maker, size)) {
                    sized_check(p, roots, b, maker, size);
                }
            }
        }
    }
}
