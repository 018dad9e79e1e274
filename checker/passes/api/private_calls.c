/* Calls of what the API does not promise: private, removed and deprecated functions (PRV07 to
 * PRV10, ABI01, ABI02), and what the limited API does not have (ABI06, ABI09). */
#include <string.h>

#include "passes/api/api_uses.h"

static const char calls_removed[] = "removed_or_deprecated";
static const char calls_private[] = "private_functions";

/* Documented despite their names, or what other rules speak about (REF05, REF06). */
static const char calls_fine[] =
    "_PyTuple_Resize,_PyBytes_Resize,_PyObject_New,_PyObject_NewVar,_PyObject_GC_New,"
    "_PyObject_GC_NewVar,_PyObject_GC_Resize,_Py_NewReference,_Py_Dealloc,_Py_SetRefcnt,"
    "_Py_NewRef,_Py_XNewRef,_Py_IsImmortal,_PyErr_BadInternalCall,_Py_FatalErrorFunc,"
    "_PyObject_CAST,_PyCFunction_CAST,_PyCFunctionFast_CAST,_Py_CAST,_Py_STATIC_CAST,_PyType_CAST,"
    "_PyObject_EXTRA_INIT,_Py_RVALUE,_Py_XDECREF,_Py_INCREF,_Py_DECREF";
static const char calls_collector[] =
    "_PyObject_GC_TRACK,_PyObject_GC_UNTRACK,_PyObject_GC_IS_TRACKED,_PyGC_FINALIZED,"
    "_PyGC_SET_FINALIZED,_PyGC_CLEAR_FINALIZED,_Py_AS_GC,_Py_FROM_GC,_PyGC_PREV,_PyGC_NEXT,"
    "_PyObject_GC_Malloc";
static const char calls_long_plain[] = "_PyLong_AsInt,_PyLong_Format,_PyLong_GCD";

/* No header declares it: the compiler made a declaration up. */
static bool
calls_is_undeclared(const struct program *p, const struct fact_call *call)
{
    return str_same(call->origin, "system") && call->at.line > 0 && !program_body(p, call->callee);
}

static bool
calls_unit_misses_headers(const struct program *p, const struct fact_call *call)
{
    int unit = call->at.unit;
    if (unit < 0 || (size_t)unit >= p->facts->by_kind[FACT_unit].n) {
        return true;
    }
    const struct fact_unit *fact =
        (const struct fact_unit *)(const void *)p->facts->by_kind[FACT_unit].at[unit];
    return str_same(fact->status, "missing-header");
}

static bool
calls_unit_is_limited(const struct program *p, const struct fact_call *call)
{
    const struct fact_unit *unit =
        (const struct fact_unit *)(const void *)p->facts->by_kind[FACT_unit].at[call->at.unit];
    return unit->limited && *unit->limited;
}

static void
calls_private_use(struct api_uses *uses, const struct body *b, const struct fact_call *call)
{
    struct program *p = uses->p;
    const char *name = call->callee;
    const char *advice = api_advice(p, calls_private, name);
    const char *risk = calls_is_undeclared(p, call) ? "gone" : "moves";
    const char *what = "private-function", *group = advice ? advice : "other private functions";
    if (str_starts(name, "_Py_atomic_") || str_starts(name, "_Py_ATOMIC")) {
        what = "private-atomics";
        group = "_Py_atomic_";
        advice = "C11 <stdatomic.h> or C++ std::atomic";
    }
    else if (str_list_has(calls_collector, name)) {
        what = "private-gc";
        group = "the garbage collector's header";
    }
    else if (str_starts(name, "_PyLong_") && !str_list_has(calls_long_plain, name)) {
        what = "private-long";
        group = "PyLongObject";
    }
    struct api_name use = {.shown = arena_printf(&p->arena, "%s()", name), .advice = advice};
    api_uses_add(uses, &call->at, b, what, group, risk, use);
}

/* Did a version up to the one of the headers remove or deprecate it? Returns whether it is known.
 */
static bool
calls_aged(struct api_uses *uses, const struct body *b, const struct fact_call *call)
{
    struct program *p = uses->p;
    const char *name = call->callee;
    if (str_starts(name, "PyWeakref_G")) {
        return true; /* BRW07 */
    }
    int now = api_version(p, &call->at);
    const char *cell = flow_cell(p, calls_removed, name, "removed_in");
    if (!cell) {
        return false;
    }
    int removed = api_minor(cell);
    int deprecated = api_minor(flow_cell(p, calls_removed, name, "deprecated_in"));
    bool gone = removed && removed <= now;
    if (gone ? !calls_is_undeclared(p, call) : (!deprecated || deprecated > now || *name == '_')) {
        return gone || *name != '_';
    }
    struct api_name use = {.shown = arena_printf(&p->arena, "%s()", name),
                           .advice = api_advice(p, calls_removed, name)};
    const char *since = gone      ? arena_printf(&p->arena, "removed in %s", cell)
                        : removed ? arena_printf(&p->arena, "deprecated, and removed in %s", cell)
                                  : "deprecated";
    api_uses_add(uses, &call->at, b, gone ? "removed-api" : "deprecated-api",
                 arena_printf(&p->arena, "%s()", name), since, use);
    return true;
}

static void
calls_limited(struct api_uses *uses, const struct body *b, const struct fact_call *call)
{
    const char *name = call->callee;
    if (!str_starts(name, "Py") || !calls_is_undeclared(uses->p, call) ||
        !calls_unit_is_limited(uses->p, call) || calls_unit_misses_headers(uses->p, call)) {
        return;
    }
    bool mutex = str_starts(name, "PyMutex_");
    struct api_name use = {.shown = arena_printf(&uses->p->arena, "%s()", name)};
    api_uses_add(uses, &call->at, b, mutex ? "limited-mutex" : "limited-missing",
                 mutex ? "PyMutex" : use.shown, "gone", use);
}

static void
calls_check(struct api_uses *uses, const struct body *b, const struct fact_call *call)
{
    const char *name = call->callee;
    bool python = str_starts(name, "Py") || str_starts(name, "_Py") || str_starts(name, "_PY");
    if (!python || str_same(call->origin, "local") || str_same(call->origin, "project") ||
        str_same(call->origin, "indirect") || program_body(uses->p, name) ||
        (call->macro && !str_same(call->macro, name) &&
         (str_starts(call->macro, "Py") || str_starts(call->macro, "_Py")))) {
        return;
    }
    if (calls_aged(uses, b, call)) {
        return;
    }
    if (*name == '_' && !str_list_has(calls_fine, name)) {
        calls_private_use(uses, b, call);
    }
    else if (*name != '_') {
        calls_limited(uses, b, call);
    }
}

void
pass_private_calls(struct program *p)
{
    struct api_uses uses = {.p = p};
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (!b->calls.n || api_is_excused(p, &b->fact->at, b)) {
            continue;
        }
        SCAN_CALLS(b, call)
        {
            if (call->callee && (call->callee[0] == 'P' || call->callee[0] == '_')) {
                calls_check(&uses, b, call);
            }
        }
    }
    api_uses_tell(&uses);
}
