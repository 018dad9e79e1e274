/* Calls in front of the PyEval_RestoreThread() that attaches the thread: nothing was attached yet,
 * or attaching would wait for itself (NOG01, NOG05). */
#include <string.h>

#include "passes/flow/flow.h"

void pass_restores(struct program *p);

/* Only calls that need an attached thread state stand on the path so far. */
enum { AT_TOUCHED = 1 };

static const char restores_attach[] = "PyEval_RestoreThread,PyEval_AcquireThread";
static const char restores_changes[] =
    "PyEval_SaveThread,PyEval_ReleaseThread,PyEval_AcquireLock,PyEval_ReleaseLock,"
    "PyEval_InitThreads,PyGILState_Ensure,PyGILState_Release,PyThreadState_Swap,"
    "PyThreadState_Ensure,PyThreadState_EnsureFromView,PyThreadState_Release,"
    "PyThreadState_DeleteCurrent,PyEval_RestoreThread,PyEval_AcquireThread,ExtShim_Interp_Enter,"
    "ExtShim_Interp_Leave";
/* What begins, ends or copies interpreters changes what is attached, too. */
static const char *const restores_families[] = {
    "Py_Initialize", "Py_NewInterpreter", "Py_EndInterpreter", "Py_Finalize",        "Py_Main",
    "Py_RunMain",    "PyOS_AfterFork",    "PyOS_BeforeFork",   "PyInterpreterState_"};
static const char restores_counts[] =
    "Py_INCREF,Py_DECREF,Py_XINCREF,Py_XDECREF,Py_NewRef,Py_XNewRef,Py_CLEAR,Py_SETREF,Py_XSETREF,"
    "Py_IncRef,Py_DecRef";

struct restores {
    const struct fact_call *first; /* of the calls that need a thread state */
};

static bool
restores_is_change(const struct fact_call *call)
{
    if (scan_call_is(call, restores_changes) ||
        (call->callee && strstr(call->callee, "gil_scoped"))) {
        return true;
    }
    for (size_t i = 0; i < sizeof(restores_families) / sizeof(*restores_families); i++) {
        if (str_starts(call->callee, restores_families[i])) {
            return true;
        }
    }
    return false;
}

static bool
restores_test(struct program *p, const struct body *b, const struct fact_call *call, void *context)
{
    (void)p;
    (void)b;
    (void)context;
    return restores_is_change(call) || str_same(call->origin, "indirect");
}

/* Can the call change whether the thread is attached, as far as can be seen? */
static bool
restores_may_change(struct program *p, const struct body *b, const struct fact_call *call)
{
    if (restores_is_change(call) || str_same(call->origin, "indirect")) {
        return true;
    }
    struct body *callee = call->id ? program_body(p, call->id) : NULL;
    if (callee) {
        return callee == b || scan_reach(p, callee, restores_test, NULL, NULL) != NULL;
    }
    return str_same(call->origin, "project") || str_same(call->origin, "library");
}

static unsigned
restores_event(struct flow *flow, struct fact *e, unsigned state)
{
    if (e->kind != FACT_call) {
        return state;
    }
    struct restores *r = flow->context;
    const struct fact_call *call = (const struct fact_call *)(const void *)e;
    if (scan_call_is(call, restores_attach)) {
        if (state == AT_TOUCHED) {
            bool count = scan_call_is(r->first, restores_counts);
            struct fact_flaw *flaw =
                program_flaw(flow->p, &r->first->at, flow->b,
                             count ? "nogil-refcount" : "nogil-api", r->first->callee);
            flaw_relate(flow->p, flaw, &call->at, "the thread is attached only here");
        }
        return FLOW_UNKNOWN;
    }
    bool touches = scan_call_is(call, restores_counts) || flow_needs_state(flow->p, call);
    if (state == FLOW_START && touches && !restores_may_change(flow->p, flow->b, call)) {
        r->first = call;
        return AT_TOUCHED;
    }
    return restores_may_change(flow->p, flow->b, call) ? (unsigned)FLOW_UNKNOWN : state;
}

static bool
restores_attaches(const struct body *b)
{
    SCAN_CALLS(b, call)
    {
        if (scan_call_is(call, restores_attach)) {
            return true;
        }
    }
    return false;
}

void
pass_restores(struct program *p)
{
    for (size_t i = 0; i < p->bodies.n; i++) {
        struct body *b = p->bodies.at[i];
        if (restores_attaches(b)) {
            struct restores r = {0};
            struct flow flow = {.p = p, .b = b, .event = restores_event, .context = &r};
            flow_walk(&flow, FLOW_START);
        }
    }
}
