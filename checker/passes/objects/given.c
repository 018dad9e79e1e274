/* Objects that come out of arguments and containers; see given.h. */
#include "passes/objects/given.h"

#include <string.h>

#include "passes/program/type_scan.h"
#include "passes/references/private.h"

enum { GIVEN_MAX_HOPS = 6 };

/* Fill in the variables whose addresses they are handed. */
static const char given_parsers[] =
    "PyArg_ParseTuple,PyArg_ParseTupleAndKeywords,PyArg_Parse,PyArg_UnpackTuple,"
    "_PyArg_ParseTuple_SizeT,_PyArg_ParseTupleAndKeywords_SizeT,_PyArg_Parse_SizeT,"
    "_PyArg_ParseStack,_PyArg_ParseStackAndKeywords";
static const char given_fillers[] =
    "PyDict_GetItemRef,PyDict_GetItemStringRef,PyDict_Next,PyMapping_GetOptionalItem,"
    "PyMapping_GetOptionalItemString,PyObject_GetOptionalAttr,PyObject_GetOptionalAttrString,"
    "PyWeakref_GetRef";
/* Hand out what their first argument holds. */
static const char given_getters[] =
    "PyTuple_GetItem,PyTuple_GET_ITEM,PyList_GetItem,PyList_GetItemRef,PyList_GET_ITEM,"
    "PySequence_GetItem,PySequence_ITEM,PySequence_Fast_GET_ITEM,PyDict_GetItem,"
    "PyDict_GetItemWithError,PyDict_GetItemString,PyObject_GetItem,PyMapping_GetItemString,"
    "PyObject_GetAttr,PyObject_GetAttrString,PyWeakref_GetObject,PyWeakref_GET_OBJECT";

/* Is there a converter ("O&") among what the call reads? It may make the object. */
static bool
given_converts(const struct body *b, const struct fact_call *call)
{
    for (int i = 0; i < call->nargs && i < 4; i++) {
        const char *format = value_of(call_arg(b, call, i), "string");
        if (format && strchr(format, '&')) {
            return true;
        }
    }
    return false;
}

/* Does the call that is handed the address of a local put somebody's object there? */
static bool
given_fills(struct program *p, const struct body *b, const struct fact_access *a)
{
    const char *name = value_of(a->context, "arg");
    SCAN_CALLS(b, call)
    {
        if (call->seq <= a->seq) {
            continue;
        }
        if (!name || !str_starts(name, call->callee)) {
            return false;
        }
        return (scan_call_is(call, given_parsers) && !given_converts(b, call)) ||
               (scan_call_is(call, given_fillers) &&
                !private_value(p, b, call_arg(b, call, 0), call->seq, 0));
    }
    return false;
}

/* The call that hands out the object which is stored at seq, if it reads what others can reach. */
static bool
given_is_handed_out(struct program *p, const struct body *b, const char *value, long seq)
{
    const char *api = value_of(value, "call");
    bool item = str_same(value, "index:expr->ob_item[]"); /* a macro such as PyTuple_GET_ITEM() */
    const struct fact_call *last = NULL;
    SCAN_CALLS(b, call)
    {
        if (call->seq >= seq) {
            break;
        }
        if (scan_call_is(call, given_getters) && (item || str_same(call->callee, api))) {
            last = call;
        }
    }
    return last && !private_value(p, b, call_arg(b, last, 0), last->seq, 0);
}

/* The last event before seq that says what the local holds. */
static const struct fact_access *
given_last(const struct body *b, const char *local, long seq)
{
    const struct fact_access *last = NULL;
    SCAN_ACCESSES(b, a)
    {
        bool whole = a->seq < seq && (!a->path || !*a->path) && (!last || a->seq > last->seq);
        if (whole && str_same(a->var, local) &&
            (str_same(a->how, "write") || str_same(a->how, "addr"))) {
            last = a;
        }
    }
    return last;
}

const char *
given_source(struct program *p, const struct body *b, const char *value, long seq)
{
    for (int hops = 0; hops < GIVEN_MAX_HOPS && str_starts(value, "local:"); hops++) {
        const struct fact_access *last = given_last(b, value, seq);
        if (!last || !str_same(last->class, "object-pointer")) {
            return NULL;
        }
        if (str_same(last->how, "addr")) {
            return given_fills(p, b, last) ? value : NULL;
        }
        if (str_starts(last->value, "index:param:")) {
            return str_same(strchr(last->value, '-'), "->[]") ? last->value : NULL;
        }
        if (given_is_handed_out(p, b, last->value, last->seq)) {
            return last->value;
        }
        value = last->value;
        seq = last->seq;
    }
    return NULL;
}
