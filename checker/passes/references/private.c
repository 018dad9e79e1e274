/* Is a container visible to one thread only? Shared by the passes about borrowed references. */
#include "passes/references/private.h"

#include <string.h>

/* Functions whose result nobody else has a reference to. */
static const char private_makers[] =
    "PyDict_New,PyDict_Copy,_PyDict_NewPresized,PyDictProxy_New,PyDict_Keys,PyDict_Values,"
    "PyDict_Items,PyList_New,PyList_GetSlice,PyList_AsTuple,PySequence_List,PySequence_Tuple,"
    "PyMapping_Keys,PyMapping_Values,PyMapping_Items,PyObject_Dir,PyTuple_New,PyTuple_Pack,"
    "PyTuple_GetSlice,Py_BuildValue,PySet_New,PyFrozenSet_New,PyUnicode_Split,PyUnicode_RSplit,"
    "PyUnicode_Splitlines,PyThreadState_GetDict,_PyThreadState_GetDict";
/* What code that is called returns is new as a rule; what it keeps, it hands out as an attribute.
 */
static const char *const private_callers[] = {"PyObject_Call", "_PyObject_Call",
                                              "PyObject_Vectorcall", "_PyObject_Vectorcall",
                                              "PyObject_FastCall"};
/* Calls that keep their first argument to themselves, whatever it is. */
static const char *const private_families[] = {"PyDict_",
                                               "PyList_",
                                               "PySet_",
                                               "PyTuple_",
                                               "PyObject_Length",
                                               "PyObject_Size",
                                               "PyMapping_",
                                               "PySequence_",
                                               "Py_INCREF",
                                               "Py_DECREF",
                                               "Py_XDECREF",
                                               "Py_XINCREF",
                                               "Py_CLEAR",
                                               "PyObject_GetItem",
                                               "PyObject_SetItem",
                                               "PyObject_DelItem",
                                               "_PyDict_",
                                               "_PyList_",
                                               "Py_TYPE",
                                               "Py_SIZE",
                                               "Py_SET_SIZE",
                                               "Py_REFCNT",
                                               "_Py_REFCNT",
                                               "Py_IS_TYPE",
                                               "PyObject_TypeCheck",
                                               "PyArg_",
                                               "_PyArg_",
                                               "PyCriticalSection",
                                               "PyObject_GetIter",
                                               "PyObject_Call",
                                               "PyObject_Vectorcall",
                                               "PyErr_"};

static bool
private_keeps(const struct fact_call *call, long index)
{
    /* The project's own helpers get the benefit of the doubt: storing an argument is rare. */
    if (!str_starts(call->callee, "Py") && !str_starts(call->callee, "_Py")) {
        return true;
    }
    if (str_starts(call->callee, "PyObject_Call") ||
        str_starts(call->callee, "PyObject_Vectorcall") || str_starts(call->callee, "PyArg_") ||
        str_starts(call->callee, "_PyArg_")) {
        return true;
    }
    for (size_t i = 0; index == 0 && i < sizeof(private_families) / sizeof(*private_families);
         i++) {
        if (str_starts(call->callee, private_families[i])) {
            return true;
        }
    }
    return str_starts(call->callee, "PyCriticalSection");
}

/* Does a project function return nothing but NULL and containers it made? */
static bool
private_makes(struct program *p, const struct body *b, int depth)
{
    bool any = false;
    for (size_t i = 0; i < b->events.n && !private_is_deep(depth); i++) {
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)b->events.at[i];
        if (b->events.at[i]->kind != FACT_jump || !str_same(jump->kind, "return") ||
            str_same(jump->value, "null")) {
            continue;
        }
        if (!private_is_maker(p, jump->value, depth + 1) &&
            !(str_starts(jump->value, "local:") &&
              private_local(p, b, jump->value, jump->seq, depth + 1))) {
            return false;
        }
        any = true;
    }
    return any;
}

bool
private_is_maker(struct program *p, const char *value, int depth)
{
    const char *maker = value_of(value, "call");
    if (!maker || str_list_has(private_makers, maker)) {
        return maker != NULL;
    }
    for (size_t i = 0; i < sizeof(private_callers) / sizeof(*private_callers); i++) {
        if (str_starts(maker, private_callers[i])) {
            return true;
        }
    }
    const struct body *b = !private_is_deep(depth) ? program_body(p, maker) : NULL;
    return b && private_makes(p, b, depth + 1);
}

/* An item of a tuple that a call just returned: `annotations = PyTuple_GET_ITEM(info, 0)`. */
static bool
private_tuple_item(struct program *p, const struct body *b, const struct fact_access *a, int depth)
{
    bool item = str_starts(a->value, "index:") && str_ends(a->value, "->ob_item[]");
    if (private_is_deep(depth) || (!item && !str_same(a->value, "call:PyTuple_GetItem"))) {
        return false;
    }
    SCAN_CALLS(b, call)
    {
        const char *tuple =
            call->at.line == a->at.line && scan_call_is(call, "PyTuple_GET_ITEM,PyTuple_GetItem")
                ? call_arg(b, call, 0)
                : NULL;
        if (str_starts(tuple, "local:")) {
            return private_local(p, b, tuple, a->seq, depth + 1);
        }
    }
    return false;
}

/* The annotations in the namespace of a class that is being made: the class body filled them. */
static bool
private_annotations(struct program *p, const struct body *b, const struct fact_access *a, int depth)
{
    SCAN_CALLS(b, call)
    {
        if (call->seq < a->seq && str_same(call->into, a->var) && !private_is_deep(depth) &&
            scan_call_is(call, "PyDict_GetItemString") && call->at.line <= a->at.line &&
            str_same(call_arg(b, call, 1), "string:__annotations__")) {
            return private_value(p, b, call_arg(b, call, 0), call->seq, depth + 1);
        }
    }
    return false;
}

/* Is the local handed to somebody who may keep it, before seq? */
static bool
private_escapes(const struct body *b, const char *local, long seq)
{
    for (size_t i = 0; i < b->args.n; i++) {
        const struct fact_arg *arg = b->args.at[i];
        if (arg->seq >= seq || !str_same(arg->value, local)) {
            continue;
        }
        SCAN_CALLS(b, call)
        {
            if (call->seq == arg->seq && !private_keeps(call, arg->index)) {
                return true;
            }
        }
    }
    SCAN_ACCESSES(b, a)
    {
        bool to_local = str_starts(a->var, "local:") && !strstr(a->path ? a->path : "", "->");
        if (a->seq < seq && str_same(a->how, "write") && str_same(a->value, local) && !to_local) {
            return true;
        }
    }
    return false;
}

/* `x = n <= 8 ? PyDict_New() : _PyDict_NewPresized(n)`: the calls whose result the write takes. */
static bool
private_is_choice(const struct body *b, const struct fact_access *a)
{
    bool any = false;
    SCAN_CALLS(b, call)
    {
        if (call->at.line != a->at.line || !str_same(call->result, "stored") ||
            !str_same(call->into, a->var) || call->seq > a->seq) {
            continue;
        }
        if (!str_list_has(private_makers, call->callee)) {
            return false;
        }
        any = true;
    }
    return any && str_same(a->value, "expr");
}

/* The write that filled the temporary whose value another write takes. */
static const struct fact_access *
private_source(const struct body *b, const struct fact_access *store)
{
    const struct fact_access *source = store;
    SCAN_ACCESSES(b, a)
    {
        if (a->seq < store->seq && str_same(a->how, "write") && str_same(a->var, store->value) &&
            (!a->path || !*a->path)) {
            source = a;
        }
    }
    return source;
}

bool
private_local(struct program *p, const struct body *b, const char *local, long seq, int depth)
{
    bool made = false;
    SCAN_ACCESSES(b, a)
    {
        if (a->seq >= seq || !str_same(a->var, local) || (a->path && *a->path)) {
            continue;
        }
        if (str_same(a->how, "addr")) {
            return false;
        }
        if (!str_same(a->how, "write")) {
            continue;
        }
        /* Generated code passes everything through temporaries. */
        const char *value = scan_resolve(b, a->value, a->seq);
        bool maker = private_is_maker(p, value, depth) || private_tuple_item(p, b, a, depth) ||
                     private_is_choice(b, private_source(b, a)) ||
                     private_annotations(p, b, a, depth);
        if (!maker && !str_same(value, "null") && !str_same(value, "const:0")) {
            return false;
        }
        made = made || maker;
    }
    return made && !private_escapes(b, local, seq);
}

/* Was the parameter overwritten with a container of the function's own, on every way to seq?
 * `if (!(seq = PySequence_List(seq))) return NULL;` */
static bool
private_replaced(struct program *p, const struct body *b, const char *param, long seq, int depth)
{
    bool made = false;
    SCAN_ACCESSES(b, a)
    {
        bool here = a->seq < seq && str_same(a->var, param) && (!a->path || !*a->path);
        if (!here || str_same(a->how, "read")) {
            continue;
        }
        bool maker = str_same(a->how, "write") &&
                     private_is_maker(p, scan_resolve(b, a->value, a->seq), depth);
        const struct fact_block *block = flow_block(b, a->block);
        made = maker && (made || (block && str_same(block->kind, "body")));
    }
    return made && !private_escapes(b, param, seq);
}

bool
private_value(struct program *p, const struct body *b, const char *value, long seq, int depth)
{
    if (!value) {
        return false;
    }
    if (private_is_maker(p, value, depth) || str_same(value, "null")) {
        return true;
    }
    if (str_starts(value, "local:")) {
        if (private_local(p, b, value, seq, depth)) {
            return true;
        }
        const char *source = scan_resolve(b, value, seq);
        return !str_same(source, value) && str_starts(source, "param:") &&
               private_value(p, b, source, seq, depth);
    }
    const char *number = value_of(value, "param");
    if (number && private_replaced(p, b, value, seq, depth)) {
        return true;
    }
    if (number) {
        return private_param(p, b, strtol(number, NULL, 10), depth);
    }
    return str_starts(value, "deref:param:")
               ? private_pointee(p, b, value, depth)
               : str_starts(value, "field:") && private_field(p, b, value);
}

bool
private_is_called(struct program *p, const struct fact_call *call)
{
    for (size_t i = 0; i < sizeof(private_callers) / sizeof(*private_callers); i++) {
        if (str_starts(call->callee, private_callers[i])) {
            return true;
        }
    }
    const struct body *helper = scan_body(p, call->id);
    if (!helper) {
        return false;
    }
    SCAN_CALLS(helper, inner)
    {
        bool passed_on = str_same(inner->result, "returned") || str_same(inner->result, "stored");
        if (passed_on && !inner->id && private_is_called(p, inner)) {
            return true;
        }
    }
    return false;
}
