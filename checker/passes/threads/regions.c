/* Code that runs without an attached thread state (NOG01-03, NOG05, NOG09, NOG11), and jumps out of
 * regions that must be closed (NOG02). Critical sections are in sections.c. */
#include <string.h>

#include "passes/flow/flow.h"
#include "passes/program/shim_names.h"
#include "passes/threads/regions.h"

/* Where a path stands. OVER: attached by this function itself on top of what the caller had. */
enum {
    AT_CALLER = FLOW_START, /* as the caller had it: attached, unless shown otherwise */
    AT_DETACHED = 1,
    AT_OVER_CALLER = 2,
    AT_OVER_DETACHED = 3,
    AT_DETACHED_AGAIN = 4 /* detached on top of AT_OVER_CALLER */
};

const char regions_save[] = "PyEval_SaveThread,PyEval_ReleaseThread";
const char regions_restore[] = "PyEval_RestoreThread,PyEval_AcquireThread";
const char regions_ensure[] =
    "PyGILState_Ensure,PyThreadState_Ensure,PyThreadState_EnsureFromView,PyThreadState_Swap,"
    "ExtShim_Interp_Enter";
static const char regions_release[] =
    "PyGILState_Release,PyThreadState_Release,ExtShim_Interp_Leave";
static const char regions_refcount[] =
    "Py_INCREF,Py_DECREF,Py_XINCREF,Py_XDECREF,Py_NewRef,Py_XNewRef,Py_CLEAR,Py_SETREF,Py_XSETREF,"
    "Py_IncRef,Py_DecRef,_Py_NewRef,_Py_XNewRef";
static const char regions_memory[] =
    "PyMem_Malloc,PyMem_Calloc,PyMem_Realloc,PyMem_Free,PyObject_Malloc,PyObject_Calloc,"
    "PyObject_Realloc,PyObject_Free";

/* What is known about one function: does it need its caller to be attached? */
struct need {
    enum { NEED_UNKNOWN, NEED_BUSY, NEED_NO, NEED_YES } answer;
    const struct fact_call *call; /* the API call that needs it */
    const struct body *in;        /* the function it stands in */
};

struct regions {
    struct map needs; /* function id -> struct need */
    struct need *current;
    bool report;
    const struct region_start *start; /* of a thread that Python does not know, else NULL */
    bool told;                        /* one finding for a start function */
};

static struct need *regions_need(struct program *p, struct regions *r, struct body *b);

static bool
regions_scoped(const struct fact_call *call, const char *name)
{
    return call->callee && strstr(call->callee, name) && !strchr(call->callee, '~');
}

static unsigned
regions_attach(unsigned state)
{
    return state == AT_DETACHED ? AT_OVER_DETACHED
           : state == AT_CALLER ? AT_OVER_CALLER
                                : FLOW_UNKNOWN;
}

static unsigned
regions_detach(unsigned state)
{
    return state == AT_OVER_DETACHED ? AT_DETACHED
           : state == AT_OVER_CALLER ? AT_CALLER
                                     : FLOW_UNKNOWN;
}

static unsigned
regions_save_state(unsigned state)
{
    return state == AT_CALLER        ? AT_DETACHED
           : state == AT_OVER_CALLER ? AT_DETACHED_AGAIN
                                     : FLOW_UNKNOWN;
}

static unsigned
regions_restore_state(unsigned state)
{
    return state == AT_DETACHED         ? AT_CALLER
           : state == AT_DETACHED_AGAIN ? AT_OVER_CALLER
           : state == AT_CALLER         ? AT_OVER_CALLER
                                        : FLOW_UNKNOWN;
}

/* The state behind calls that attach or detach; sets *known when it is one. */
static unsigned
regions_change(const struct fact_call *call, unsigned state, bool *known)
{
    *known = true;
    if (scan_call_is(call, regions_save)) {
        return regions_save_state(state);
    }
    if (scan_call_is(call, regions_restore)) {
        return regions_restore_state(state);
    }
    if (scan_call_is(call, regions_ensure) || regions_scoped(call, "gil_scoped_acquire")) {
        return regions_attach(state);
    }
    if (scan_call_is(call, regions_release)) {
        return regions_detach(state);
    }
    *known = false;
    return state;
}

static bool
regions_is_detached(unsigned state)
{
    return state == AT_DETACHED || state == AT_DETACHED_AGAIN;
}

enum touch { TOUCH_NOTHING, TOUCH_API, TOUCH_REFERENCE, TOUCH_MEMORY };

static enum touch
regions_touch(const struct program *p, const struct fact_call *call)
{
    if (scan_call_is(call, regions_refcount)) {
        return TOUCH_REFERENCE;
    }
    if (scan_call_is(call, regions_memory)) {
        return TOUCH_MEMORY;
    }
    return flow_needs_state(p, call) ? TOUCH_API : TOUCH_NOTHING;
}

static void
regions_flaw_start(struct flow *flow, const struct fact_call *call, const struct need *need)
{
    struct regions *r = flow->context;
    if (!r->told) {
        struct fact_flaw *flaw = program_flaw(flow->p, &call->at, flow->b, r->start->what,
                                              need ? need->call->callee : call->callee);
        flaw->detail = r->start->by;
        flaw_relate(flow->p, flaw, r->start->at, "the function is given to it here");
        r->told = true;
    }
}

static void
regions_flaw(struct flow *flow, const struct fact_call *call, enum touch touch,
             const struct need *need)
{
    const char *what = need                       ? "nogil-indirect"
                       : touch == TOUCH_MEMORY    ? "nogil-memory"
                       : touch == TOUCH_REFERENCE ? "nogil-refcount"
                                                  : "nogil-api";
    struct regions *r = flow->context;
    if (r->start && touch != TOUCH_MEMORY) {
        regions_flaw_start(flow, call, need);
        return;
    }
    struct fact_flaw *flaw = program_flaw(flow->p, &call->at, flow->b, what, call->callee);
    if (need) {
        flaw->detail = need->call->callee;
        flaw->detail2 = need->in->fact->name;
        flaw_relate(flow->p, flaw, &need->call->at, "needs an attached thread state");
    }
}

/* `free_job(job, 0)`: does a parameter of the callee decide whether it gets to the API? */
static bool
regions_by_parameter(const struct need *need)
{
    const struct fact_block *block = flow_block(need->in, need->call->block);
    return block && block->cond && strstr(block->cond, "(param:");
}

/* A call while detached, or (when summing a function up) while the caller's state is in use. */
static void
regions_check(struct flow *flow, const struct fact_call *call, unsigned state)
{
    struct regions *r = flow->context;
    if (r->report ? !regions_is_detached(state) : state != AT_CALLER) {
        return;
    }
    enum touch touch = regions_touch(flow->p, call);
    const struct need *need = NULL;
    if (touch == TOUCH_NOTHING && call->id && !shim_is_name(call->callee)) {
        struct body *callee = program_body(flow->p, call->id);
        need = callee && callee != flow->b ? regions_need(flow->p, r, callee) : NULL;
        need = need && need->answer == NEED_YES ? need : NULL;
    }
    if ((touch == TOUCH_NOTHING && !need) || (need && r->start && regions_by_parameter(need))) {
        return;
    }
    if (r->report) {
        regions_flaw(flow, call, touch, need);
    }
    else if (r->current && !r->current->call) {
        r->current->call = need ? need->call : call;
        r->current->in = need ? need->in : flow->b;
    }
}

/* Does the block, or one around it, hold the opening half of a region macro before seq? */
static const struct fact_call *
regions_open_macro(const struct body *b, const struct fact_jump *jump)
{
    const struct fact_call *open = NULL;
    SCAN_CALLS(b, call)
    {
        const struct fact_block *block = flow_block(b, call->block);
        if (call->seq < jump->seq && scan_call_is(call, "PyEval_SaveThread") && block &&
            str_same(block->kind, "region") && flow_leaves(b, jump, call->block)) {
            open = call;
        }
    }
    return open;
}

static void
regions_jump(struct flow *flow, const struct fact_jump *jump, unsigned state)
{
    const struct regions *r = flow->context;
    if (!r->report || r->start || !regions_is_detached(state) || str_same(jump->kind, "label")) {
        return;
    }
    const struct fact_call *open = regions_open_macro(flow->b, jump);
    if (open) {
        struct fact_flaw *flaw =
            program_flaw(flow->p, &jump->at, flow->b, "nogil-escape", jump->kind);
        flaw_relate(flow->p, flaw, &open->at, "the region begins here");
    }
}

static bool
regions_attaches(struct program *p, const struct body *b, const struct fact_call *call,
                 void *context)
{
    (void)p;
    (void)b;
    (void)context;
    return scan_call_is(call, regions_ensure) || scan_call_is(call, regions_restore) ||
           scan_call_is(call, "PyEval_AcquireLock,PyEval_InitThreads,Py_BytesMain,Py_RunMain") ||
           regions_scoped(call, "gil_scoped_acquire") || str_same(call->origin, "indirect") ||
           str_starts(call->callee, "Py_Initialize") ||
           str_starts(call->callee, "Py_NewInterpreter");
}

/* A start function attaches through helpers of the project, guards of C++ and function pointers
 * among them, and through whatever begins an interpreter. */
static bool
regions_may_attach(struct flow *flow, const struct fact_call *call)
{
    struct body *callee = call->id ? program_body(flow->p, call->id) : NULL;
    return regions_attaches(flow->p, flow->b, call, NULL) ||
           (callee && scan_reach(flow->p, callee, regions_attaches, NULL, NULL));
}

static unsigned
regions_guarded(enum guard guard, unsigned state, bool ends)
{
    if (guard == GUARD_UNKNOWN) {
        return FLOW_UNKNOWN;
    }
    if (ends) {
        return guard == GUARD_ATTACHES ? regions_restore_state(state) : regions_detach(state);
    }
    return guard == GUARD_ATTACHES ? regions_attach(state) : regions_save_state(state);
}

static unsigned
regions_event(struct flow *flow, struct fact *e, unsigned state)
{
    if (e->kind == FACT_jump) {
        regions_jump(flow, (const struct fact_jump *)(const void *)e, state);
        return state;
    }
    if (e->kind != FACT_call) {
        return state;
    }
    struct regions *r = flow->context;
    struct fact_call *call = (struct fact_call *)(void *)e;
    enum guard guard = regions_guard(flow, call);
    if (guard != GUARD_NONE) {
        return regions_guarded(guard, state, call->callee[0] == '~');
    }
    bool changes;
    unsigned after = regions_change(call, state, &changes);
    if (r->report && !r->start && !call->region && regions_is_detached(state)) {
        call->region = "detached";
    }
    if (changes) {
        return after;
    }
    regions_check(flow, call, state);
    return r->start && regions_may_attach(flow, call) ? (unsigned)FLOW_UNKNOWN : after;
}

/* Most functions do nothing of this: a cheap test saves the walk. */
static bool
regions_detaches(const struct body *b)
{
    SCAN_CALLS(b, call)
    {
        if (scan_call_is(call, regions_save) || (call->callee && call->callee[0] == '~')) {
            return true;
        }
    }
    return false;
}

static struct need *
regions_need(struct program *p, struct regions *r, struct body *b)
{
    void **slot = map_slot(&r->needs, b->fact->id);
    struct need *need = *slot;
    if (need) {
        return need;
    }
    *slot = need = arena_alloc(&p->arena, sizeof(*need));
    need->answer = NEED_BUSY;
    struct need *outer = r->current;
    bool report = r->report;
    r->current = need;
    r->report = false;
    struct flow flow = {.p = p, .b = b, .event = regions_event, .context = r};
    flow_walk(&flow, AT_CALLER);
    r->current = outer;
    r->report = report;
    need->answer = need->call ? NEED_YES : NEED_NO;
    return need;
}

/* NOG09: the saved thread state must not live in a static variable. */
static void
regions_saved_in_static(struct program *p, const struct body *b)
{
    SCAN_CALLS(b, call)
    {
        const char *id = scan_call_is(call, "PyEval_SaveThread,PyThreadState_Swap")
                             ? value_of(call->into, "var")
                             : NULL;
        const struct fact_variable *v = id ? program_variable(p, id) : NULL;
        if (v && !v->is_tls) {
            program_flaw(p, &call->at, b, "nogil-saved-static", v->name);
        }
    }
}

void
pass_regions(struct program *p)
{
    struct regions r = {0};
    for (size_t i = 0; i < p->bodies.n; i++) {
        struct body *b = p->bodies.at[i];
        if (!b->entry || !regions_detaches(b)) {
            continue;
        }
        r.report = true;
        struct flow flow = {.p = p, .b = b, .event = regions_event, .context = &r};
        flow_walk(&flow, AT_CALLER);
        regions_saved_in_static(p, b);
    }
    map_free(&r.needs);
}

void
regions_walk_start(struct program *p, struct body *b, const struct region_start *start)
{
    struct regions r = {.report = true, .start = start};
    struct flow flow = {.p = p, .b = b, .event = regions_event, .context = &r};
    flow_walk(&flow, AT_DETACHED);
    map_free(&r.needs);
}
