/* BRW05: borrowed references that are kept beyond the call without a reference of their own. */
#include <string.h>

#include "passes/references/borrow.h"

/* Stored without a reference these are wrong in every build. */
static const char stored_getters[] =
    "PyList_GetItem,PyList_GET_ITEM,PyTuple_GetItem,PyTuple_GET_ITEM,PyDict_GetItem,"
    "PyDict_GetItemWithError,PyDict_GetItemString,PyDict_SetDefault,PyWeakref_GetObject,"
    "PyWeakref_GET_OBJECT,PySys_GetObject,PyImport_AddModule,PyImport_AddModuleObject,PyCell_GET,"
    "PySequence_Fast_GET_ITEM,PyStructSequence_GetItem,PyStructSequence_GET_ITEM";
/* These keep the reference they are given: argument 2 must be one's own. */
static const char stored_stealers[] = "PyTuple_SET_ITEM,PyTuple_SetItem,PyList_SET_ITEM,"
                                      "PyList_SetItem,PyStructSequence_SetItem,"
                                      "PyStructSequence_SET_ITEM,PyModule_AddObject";

bool
borrowed_is_storable(const struct fact_call *call)
{
    return scan_call_is(call, stored_getters);
}

/* Do two calls ask for the same item of the same container? */
static bool
stored_is_same(const struct body *b, const struct fact_call *one, const struct fact_call *other)
{
    bool same = str_same(one->callee, other->callee) && one->nargs == other->nargs;
    for (int i = 0; same && i < one->nargs; i++) {
        const char *text = call_arg_text(b, one, i);
        same = str_same(call_arg(b, one, i), call_arg(b, other, i)) &&
               str_same(text, call_arg_text(b, other, i)) &&
               (text || !str_same(call_arg(b, one, i), "expr"));
    }
    return same;
}

/* Is anything on the line of the call inside the block? The macros among arguments may be seen
 * only behind the end of their block. */
static bool
stored_line_inside(const struct borrow *at, long block)
{
    SCAN_CALLS(at->b, call)
    {
        if (call->at.line == at->call->at.line && flow_inside(at->b, call->block, block)) {
            return true;
        }
    }
    return false;
}

/* `Py_INCREF(PyTuple_GET_ITEM(args, i)); PyTuple_SET_ITEM(t, i, PyTuple_GET_ITEM(args, i));` */
static bool
stored_again(const struct borrow *at)
{
    SCAN_CALLS(at->b, incref)
    {
        if (at->into || !flow_takes_reference(incref->callee) ||
            !stored_line_inside(at, incref->block)) {
            continue;
        }
        const char *value = call_arg(at->b, incref, 0);
        SCAN_CALLS(at->b, call)
        {
            if (call != at->call && stored_is_same(at->b, call, at->call) &&
                borrow_is_result(call, value, incref->at.line)) {
                return true;
            }
        }
    }
    return false;
}

/* Is what the reference was stored in made NULL again before the function ends? */
static bool
stored_taken_back(const struct borrow *at, const struct fact_access *store)
{
    SCAN_ACCESSES(at->b, a)
    {
        if (a->seq > store->seq && str_same(a->how, "write") && str_same(a->var, store->var) &&
            str_same(a->path, store->path) && str_same(a->value, "null")) {
            return true;
        }
    }
    return false;
}

/* A static variable, or a field of an object. Arrays and plain structs may die with the call. */
static bool
stored_outlives(const struct program *p, const struct fact_access *a)
{
    bool automatic = str_starts(a->var, "local:") || str_starts(a->var, "param:");
    if (!str_same(a->how, "write")) {
        return false;
    }
    return automatic ? str_starts(a->path, "->") && flow_is_object_record(p, a->class)
                     : program_variable(p, a->var) != NULL;
}

/* Any reference taken on the field right behind the store counts as well. */
static bool
stored_field_incref(const struct borrow *at, const struct fact_access *store)
{
    SCAN_CALLS(at->b, call)
    {
        const char *object = call_arg(at->b, call, 0);
        if (flow_takes_reference(call->callee) && object && store->path &&
            str_ends(object, store->path + strspn(store->path, "->.")) &&
            !str_starts(object, "param:")) {
            return true;
        }
    }
    return false;
}

static bool
stored_as(const struct borrow *at, const struct fact_access *a)
{
    return str_same(a->how, "write") && a->seq > at->call->seq &&
           (at->into ? str_same(a->value, at->into) && borrow_in_range(at, a->seq, a->block)
                     : borrow_is_result(at->call, a->value, a->at.line));
}

/* Is the slot it was read from overwritten without a release? Then the reference moved. */
static bool
stored_moved(const struct borrow *at)
{
    const char *container = call_arg(at->b, at->call, 0);
    SCAN_CALLS(at->b, call)
    {
        if (call->seq > at->call->seq && container && !borrow_is_given(at, call, 2) &&
            scan_call_is(call, "PyTuple_SET_ITEM,PyList_SET_ITEM") &&
            str_same(call_arg(at->b, call, 0), container)) {
            return true;
        }
    }
    return false;
}

bool
borrowed_stored(struct borrow *at)
{
    if (borrow_incref(at) || stored_again(at) || stored_moved(at)) {
        return false;
    }
    SCAN_ACCESSES(at->b, a)
    {
        bool same_call = str_same(at->call->result, "stored") && !str_starts(at->into, "local:") &&
                         borrow_is_result(at->call, a->value, a->at.line);
        if ((same_call || stored_as(at, a)) && stored_outlives(at->p, a) &&
            !stored_field_incref(at, a) && !stored_taken_back(at, a)) {
            borrow_flaw(at, "borrowed-stored")->detail2 = a->path && *a->path ? a->path : a->var;
            return true;
        }
    }
    SCAN_CALLS(at->b, call)
    {
        if (scan_call_is(call, stored_stealers) && borrow_is_given(at, call, 2)) {
            borrow_flaw(at, "borrowed-stored")->detail2 = call->callee;
            return true;
        }
    }
    return false;
}
