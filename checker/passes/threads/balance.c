/* Attaching and detaching in pairs: a handle of PyGILState_Ensure() or PyThreadState_Ensure() that
 * a path does not give back (THD04), a saved thread state that a path does not restore, and halves
 * of Py_BLOCK_THREADS and Py_BEGIN_ALLOW_THREADS that do not meet (NOG06). Jumps out of
 * Py_BEGIN_ALLOW_THREADS are in regions.c. */
#include <string.h>

#include "passes/flow/flow.h"

void pass_balance(struct program *p);

/* Where a path stands with respect to one opening call. */
enum { AT_BEFORE = FLOW_START, AT_HELD = 1, AT_GIVEN_BACK = 2 };

struct balance_pair {
    const char *open, *close, *what;
};
static const struct balance_pair balance_pairs[] = {
    {"PyGILState_Ensure,PyThreadState_Ensure,PyThreadState_EnsureFromView",
     "PyGILState_Release,PyThreadState_Release", "gilstate-unbalanced"},
    {"PyEval_SaveThread", "PyEval_RestoreThread,PyEval_AcquireThread,PyThreadState_Swap",
     "nogil-unbalanced"},
};

struct balance {
    const struct balance_pair *pair;
    const struct fact_call *open;
    const char *handle; /* "local:state" */
};

static const struct fact_call *
balance_as_call(const struct fact *e)
{
    return e->kind == FACT_call ? (const struct fact_call *)(const void *)e : NULL;
}

/* Is the handle handed to anything but the closing call? Then whoever has it gives it back. */
static bool
balance_escapes(const struct body *b, const struct balance *bal)
{
    SCAN_ACCESSES(b, a)
    {
        bool named = str_same(a->var, bal->handle);
        if ((named && str_same(a->how, "addr")) ||
            (!named && !str_same(a->how, "read") && flow_mentions(a->value, bal->handle))) {
            return true;
        }
    }
    SCAN_CALLS(b, call)
    {
        for (int i = 0; i < call->nargs; i++) {
            const char *value = call_arg(b, call, i);
            if (value && !scan_call_is(call, bal->pair->close) && strstr(value, bal->handle)) {
                return true;
            }
        }
    }
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)b->events.at[i];
        if (b->events.at[i]->kind == FACT_jump && str_same(jump->kind, "return") &&
            flow_mentions(jump->value, bal->handle)) {
            return true;
        }
    }
    return false;
}

static bool
balance_closes(const struct body *b, const struct balance *bal, const struct fact_call *call)
{
    return scan_call_is(call, bal->pair->close) && str_same(call_arg(b, call, 0), bal->handle);
}

/* How many calls close it, in blocks inside of `block`. */
static int
balance_closers(const struct body *b, const struct balance *bal, long block)
{
    int n = 0;
    SCAN_CALLS(b, call)
    {
        n += balance_closes(b, bal, call) && flow_inside(b, call->block, block);
    }
    return n;
}

/* The innermost loop around a block; -1: none. */
static long
balance_loop(const struct body *b, long id)
{
    for (size_t hops = 0; hops <= b->blocks.n; hops++) {
        const struct fact_block *block = flow_block(b, id);
        if (!block || str_same(block->kind, "loop")) {
            return block ? id : -1;
        }
        if (block->parent == id) {
            break;
        }
        id = block->parent;
    }
    return -1;
}

/* `if (token == NULL) return -1;`: attaching failed, there is nothing to give back. */
static bool
balance_failed(const struct body *b, const struct balance *bal, long id)
{
    for (size_t hops = 0; hops <= b->blocks.n; hops++) {
        const struct fact_block *block = flow_block(b, id);
        if (!block || block->parent == id) {
            return false;
        }
        if (block->cond && strstr(block->cond, bal->handle)) {
            return true;
        }
        id = block->parent;
    }
    return false;
}

static void
balance_flaw(struct flow *flow, const struct fact *at, const struct fact_call *open,
             const char *what, const char *says)
{
    const char *name = open->macro && str_starts(open->macro, "Py_")
                           ? open->macro
                           : arena_printf(&flow->p->arena, "%s()", open->callee);
    struct fact_flaw *flaw = program_flaw(flow->p, at, flow->b, what, name);
    flaw->detail = says;
    if (at != &open->at) {
        flaw_relate(flow->p, flaw, &open->at, "it stands here");
    }
}

static void
balance_jump(struct flow *flow, const struct fact_jump *jump)
{
    const struct balance *bal = flow->context;
    long loop = str_same(jump->kind, "continue") ? balance_loop(flow->b, jump->block) : -1;
    bool again = loop >= 0 && flow_inside(flow->b, bal->open->block, loop) &&
                 balance_closers(flow->b, bal, loop) > 0;
    if ((str_same(jump->kind, "return") || again) && !balance_failed(flow->b, bal, jump->block)) {
        balance_flaw(flow, &jump->at, bal->open, bal->pair->what,
                     again ? "is not undone before the loop repeats it"
                           : "is not undone on the path to this return");
    }
}

static unsigned
balance_event(struct flow *flow, struct fact *e, unsigned state)
{
    const struct balance *bal = flow->context;
    const struct fact_call *call = balance_as_call(e);
    if (call == bal->open) {
        return AT_HELD;
    }
    if (call && str_same(call->into, bal->handle)) {
        return state == AT_HELD ? (unsigned)FLOW_UNKNOWN : AT_BEFORE;
    }
    if (call && (str_starts(call->callee, "Py_Finalize") ||
                 str_starts(call->callee, "Py_EndInterpreter"))) {
        return FLOW_UNKNOWN; /* nothing is left to give back to */
    }
    if (call && balance_closes(flow->b, bal, call)) {
        if (state == AT_GIVEN_BACK) {
            balance_flaw(flow, e, bal->open, bal->pair->what, "is undone a second time here");
        }
        return state == AT_HELD ? (unsigned)AT_GIVEN_BACK : FLOW_UNKNOWN;
    }
    if (e->kind == FACT_jump && state == AT_HELD) {
        balance_jump(flow, (const struct fact_jump *)(const void *)e);
    }
    return state;
}

/* Does the path reach the end of the function with the handle? Behind a loop that gives it back
 * inside, the end may never be reached. */
static bool
balance_open_end(const struct body *b, const struct balance *bal)
{
    for (size_t i = 0; i < b->blocks.n; i++) {
        const struct fact_block *block = b->blocks.at[i];
        if (str_same(block->kind, "loop") && balance_closers(b, bal, block->id) > 0) {
            return false;
        }
    }
    return true;
}

static void
balance_check(struct program *p, struct body *b, const struct balance_pair *pair,
              const struct fact_call *open)
{
    struct balance bal = {pair, open, open->into};
    int closers = balance_closers(b, &bal, b->blocks.n ? b->blocks.at[0]->id : 0);
    /* Without a closing call the function may attach or detach for its caller on purpose. */
    if (!closers || balance_escapes(b, &bal)) {
        return;
    }
    struct flow flow = {.p = p, .b = b, .event = balance_event, .context = &bal};
    if (flow_walk(&flow, AT_BEFORE) == AT_HELD && balance_open_end(b, &bal)) {
        balance_flaw(&flow, &open->at, open, pair->what, "is not undone where the function ends");
    }
}

/* --- Py_BLOCK_THREADS ------------------------------------------------------------------------- */

static bool
balance_is(const struct fact_call *call, const char *callee, const char *macro)
{
    return str_same(call->callee, callee) && str_same(call->macro, macro);
}

/* Is there a call behind `from`, in the block of the region that `end` closes, that detaches? */
static bool
balance_detaches_again(const struct body *b, const struct fact_call *from,
                       const struct fact_call *end)
{
    SCAN_CALLS(b, call)
    {
        if (call->seq > from->seq && call->seq < end->seq &&
            scan_call_is(call, "PyEval_SaveThread")) {
            return true;
        }
    }
    return false;
}

struct balance_blocked {
    const struct fact_call *open; /* the RestoreThread of Py_BLOCK_THREADS */
};

static unsigned
balance_blocked_event(struct flow *flow, struct fact *e, unsigned state)
{
    const struct balance_blocked *blocked = flow->context;
    const struct fact_call *call = balance_as_call(e);
    if (call == blocked->open) {
        return AT_HELD;
    }
    bool end = call && balance_is(call, "PyEval_RestoreThread", "Py_END_ALLOW_THREADS") &&
               call->seq > blocked->open->seq;
    if (end) {
        /* Here the two states that a join makes one are both of interest. */
        if (state != AT_BEFORE && state != AT_GIVEN_BACK &&
            !balance_detaches_again(flow->b, blocked->open, call)) {
            balance_flaw(flow, e, blocked->open, "nogil-unbalanced",
                         "has attached the thread already where this attaches it again");
        }
        return AT_GIVEN_BACK;
    }
    return state;
}

/* PyEval_SaveThread() in a region that is detached already: Python ends the process. */
struct balance_saved {
    const struct fact_call *last;
};

static unsigned
balance_saved_event(struct flow *flow, struct fact *e, unsigned state)
{
    struct balance_saved *saved = flow->context;
    const struct fact_call *call = balance_as_call(e);
    if (!call) {
        return state;
    }
    if (scan_call_is(call, "PyEval_SaveThread")) {
        if (state == AT_HELD) {
            balance_flaw(flow, e, saved->last, "nogil-unbalanced",
                         "has detached the thread already where this detaches it again");
        }
        saved->last = call;
        return AT_HELD;
    }
    bool attaches = call->callee && (str_starts(call->callee, "PyEval_") ||
                                     strstr(call->callee, "Ensure") != NULL ||
                                     strstr(call->callee, "ThreadState") != NULL ||
                                     strstr(call->callee, "ExtShim_Interp") != NULL ||
                                     strstr(call->callee, "gil_scoped") != NULL);
    return attaches ? (unsigned)AT_BEFORE : state;
}

static void
balance_check_regions(struct program *p, struct body *b, bool whole)
{
    int saves = 0;
    SCAN_CALLS(b, call)
    {
        saves += scan_call_is(call, "PyEval_SaveThread");
        if (whole && balance_is(call, "PyEval_RestoreThread", "Py_BLOCK_THREADS")) {
            struct balance_blocked blocked = {call};
            struct flow flow = {
                .p = p, .b = b, .event = balance_blocked_event, .context = &blocked};
            flow_walk(&flow, AT_BEFORE);
        }
    }
    if (saves > 1) {
        struct balance_saved saved = {NULL};
        struct flow flow = {.p = p, .b = b, .event = balance_saved_event, .context = &saved};
        flow_walk(&flow, AT_BEFORE);
    }
}

/* A C++ unit of which a class is unknown loses statements, jumps among them. */
static bool
balance_is_whole(const struct program *p, const struct body *b)
{
    size_t unit = (size_t)b->fact->at.unit;
    const struct fact *f =
        unit < p->facts->by_kind[FACT_unit].n ? p->facts->by_kind[FACT_unit].at[unit] : NULL;
    const struct fact_unit *of = (const struct fact_unit *)(const void *)f;
    return !of || str_same(of->status, "ok") || !str_same(of->lang, "c++");
}

void
pass_balance(struct program *p)
{
    for (size_t i = 0; i < p->bodies.n; i++) {
        struct body *b = p->bodies.at[i];
        bool detaches = false;
        SCAN_CALLS(b, call)
        {
            bool by_macro = call->macro && strstr(call->macro, "ALLOW_THREADS") != NULL;
            bool saves = scan_call_is(call, "PyEval_SaveThread");
            detaches |= saves;
            for (size_t k = 0; k < sizeof(balance_pairs) / sizeof(*balance_pairs); k++) {
                if (!by_macro && !str_same(call->macro, "Py_UNBLOCK_THREADS") && b->entry &&
                    str_starts(call->into, "local:") && scan_call_is(call, balance_pairs[k].open)) {
                    balance_check(p, b, &balance_pairs[k], call);
                }
            }
        }
        if (detaches && b->entry) {
            balance_check_regions(p, b, balance_is_whole(p, b));
        }
    }
}
