/* One function along its paths, once for each lock: what is done while it is held, and paths that
 * end with it (LCK11, LCK12). */
#include <string.h>

#include "passes/locks/lock_paths.h"

struct walk_return {
    const struct fact_jump *jump;
    size_t hold; /* in paths->holds, plus one */
    bool held;
};

struct walk {
    struct lock_paths *paths;
    struct lock_ops *ops;
    const char *value;
    const struct fact_block *slow; /* `if (!try_lock) { wait without the GIL }` */
    size_t first;                  /* of the operations on this lock */
    size_t hold;                   /* in paths->holds, plus one; 0: none */
    VEC(struct walk_return) returns;
    unsigned begins; /* how the function begins, and stays when `fixed` */
    bool fixed;
    bool gives; /* the function gives this lock back somewhere */
    bool twice; /* said so already */
};

static unsigned
walk_state(unsigned lock, unsigned attach)
{
    return lock | attach << 2;
}

static const struct lock_op *
walk_op(const struct walk *w, const struct fact_call *call)
{
    for (size_t i = 0; i < w->ops->all.n; i++) {
        const struct lock_op *op = &w->ops->all.at[i];
        if (op->call == call && str_same(op->value, w->value)) {
            return op;
        }
    }
    return NULL;
}

static struct lock_hold *
walk_hold(struct walk *w)
{
    return w->hold ? &w->paths->holds.at[w->hold - 1] : NULL;
}

/* The block behind a try in which the lock is waited for when others have it. */
static const struct fact_block *
walk_slow_block(const struct walk *w, const struct body *b, const struct lock_op *tried)
{
    for (size_t i = 0; i < w->ops->all.n; i++) {
        const struct lock_op *op = &w->ops->all.at[i];
        const struct fact_block *block = flow_block(b, op->call->block);
        if (op->what != LOCK_TAKE || !str_same(op->value, w->value) ||
            op->call->seq < tried->call->seq) {
            continue;
        }
        for (; block && block->parent != block->id; block = flow_block(b, block->parent)) {
            bool names = block->cond &&
                         flow_mentions(block->cond, arena_printf(&w->paths->p->arena, "call:%s",
                                                                 tried->call->callee));
            if (names && str_same(block->kind, "then") && block->first > tried->call->seq) {
                return block;
            }
        }
    }
    return NULL;
}

static unsigned
walk_take(struct walk *w, struct body *b, const struct lock_op *op, unsigned attach)
{
    bool attached = attach == PATH_ATTACHED || attach == PATH_OVER || attach == PATH_OVER_ATTACHED;
    struct lock_hold hold = {.b = b, .op = *op, .attach = attach};
    if (op->helper && op->detached && attached) {
        hold.attach = PATH_DETACHED;
    }
    vec_push(&w->paths->holds, hold);
    w->hold = w->paths->holds.n;
    return walk_state(PATH_HELD, attach);
}

static struct fact_flaw *
walk_flaw(struct walk *w, const struct fact *where, const struct body *b, const char *what)
{
    struct program *p = w->paths->p;
    struct lock_hold *hold = walk_hold(w);
    struct fact_flaw *flaw = program_flaw(p, where, b, what, lock_text(p, b, w->value));
    flaw->symbol = flaw->subject;
    flaw->class = hold && hold->op.kind == LOCK_PYMUTEX    ? "pymutex"
                  : hold && hold->op.kind == LOCK_PYTHREAD ? "pythread"
                                                           : "native";
    if (hold) {
        flaw_relate(p, flaw, &hold->op.call->at, "the lock is taken here");
    }
    return flaw;
}

/* Does the value's root get another value between two places? */
static bool
walk_is_rewritten(const struct body *b, const char *value, long from, long until)
{
    const char *inner = value_of(value, "field");
    inner = inner ? inner : value;
    if (strchr(inner, '[') || strstr(inner, "call:")) {
        return true;
    }
    SCAN_ACCESSES(b, a)
    {
        bool between = a->seq > from && a->seq < until && str_same(a->how, "write");
        if (between && flow_mentions(inner, a->var)) {
            return true;
        }
    }
    return false;
}

static void
walk_twice(struct walk *w, const struct body *b, const struct fact_call *call,
           const struct lock_op *again, const struct body *in)
{
    const struct lock_hold *hold = walk_hold(w);
    /* A method of a C++ template and those of its instances can be one body: each event is there
     * once for each of them. */
    bool alike = hold && hold->op.call != call && hold->op.call->seq == call->seq;
    if (!hold || alike || w->twice || again->recursive || hold->op.recursive ||
        (again->shared && hold->op.shared) || lock_is_signal(w->paths, b, &hold->op) ||
        walk_is_rewritten(b, w->value, hold->op.call->seq, call->seq)) {
        return;
    }
    w->twice = true;
    struct fact_flaw *flaw = walk_flaw(w, &call->at, b, "lock-twice");
    flaw->detail =
        in ? arena_printf(&w->paths->p->arena,
                          "'%s' takes it again in the thread that has it, which waits for itself",
                          in->fact->name)
           : "taken here by the thread that has it already, which waits for itself";
}

static unsigned
walk_apply(struct walk *w, struct body *b, const struct lock_op *op, unsigned lock, unsigned attach)
{
    if (w->slow && flow_inside(b, op->call->block, w->slow->id)) {
        return walk_state(lock, attach);
    }
    if (op->what == LOCK_GIVE) {
        const struct fact_block *block = flow_block(b, op->call->block);
        w->gives = true;
        if (block && str_same(block->kind, "catch")) {
            return walk_state(lock, attach); /* comes from the middle of the try */
        }
        if (lock == PATH_GIVEN && !op->guard && !op->helper && !w->twice) {
            w->twice = true;
            walk_flaw(w, &op->call->at, b, "lock-given-twice")->detail =
                "given back here for the second time on this path, when another thread may have it";
        }
        return walk_state(PATH_GIVEN, attach);
    }
    if (op->what == LOCK_TRY) {
        w->slow = walk_slow_block(w, b, op);
        if (!w->slow) {
            return walk_state(lock == PATH_HELD ? PATH_HELD : PATH_TRIED, attach);
        }
        /* As good as waiting without the interpreter. */
        walk_take(w, b, op, PATH_DETACHED);
        return walk_state(PATH_HELD, attach);
    }
    if (lock == PATH_HELD) {
        walk_twice(w, b, op->call, op, NULL);
        return walk_state(PATH_HELD, attach);
    }
    return walk_take(w, b, op, attach);
}

/* A call that is no operation on this lock, while it is held. */
static void
walk_inside(struct walk *w, struct body *b, const struct fact_call *call, unsigned attach)
{
    struct program *p = w->paths->p;
    struct lock_hold *hold = walk_hold(w);
    if (!hold) {
        return;
    }
    if (lock_attaches(p, call)) {
        if (attach == PATH_DETACHED && !hold->attaches) {
            hold->attaches = call;
            hold->in = b;
        }
        return;
    }
    if (lock_python_name(p, b, call)) {
        if (!hold->runs && attach != PATH_DETACHED && attach != PATH_UNSURE) {
            hold->runs = call;
            hold->in = b;
        }
        return;
    }
    struct body *callee = call->id ? scan_body(p, call->id) : NULL;
    if (!callee || callee == b) {
        return;
    }
    const struct body *in = NULL;
    const struct lock_op *again = lock_taken_in(w->paths, b, call, w->value, &in, 0);
    if (again) {
        walk_twice(w, b, call, again, in);
    }
    if (hold->runs || hold->attaches || attach == PATH_UNSURE) {
        return;
    }
    const struct fact_call *reached = lock_python_reached(p, callee, &in);
    if (!reached) {
        return;
    }
    bool attaches = lock_attaches(p, reached);
    if (attaches ? attach == PATH_DETACHED : attach != PATH_DETACHED) {
        *(attaches ? &hold->attaches : &hold->runs) = reached;
        hold->in = in;
        hold->through = call;
    }
}

static unsigned
walk_change(const struct program *p, const struct fact_call *call, unsigned attach)
{
    const struct body *callee = call->id ? scan_body(p, call->id) : NULL;
    bool object = callee && strstr(callee->fact->id, "::") && !strchr(callee->fact->name, '~') &&
                  str_same(call->result, "stored");
    if (lock_detaches(p, call)) {
        return object ? PATH_UNSURE : PATH_DETACHED; /* an object that ends where we do not see */
    }
    bool release = scan_call_is(call, "PyGILState_Release,PyThreadState_Release,"
                                      "ExtShim_Interp_Leave") ||
                   (call->callee && str_starts(call->callee, "~gil_scoped_acquire"));
    if (release) {
        return attach == PATH_OVER            ? PATH_DETACHED
               : attach == PATH_OVER_ATTACHED ? PATH_ATTACHED
                                              : PATH_UNSURE;
    }
    if (!lock_attaches(p, call)) {
        return attach;
    }
    bool over = scan_call_is(call, "PyGILState_Ensure,PyThreadState_Ensure,"
                                   "PyThreadState_EnsureFromView,ExtShim_Interp_Enter") ||
                strstr(call->callee, "gil_scoped_acquire") != NULL || (callee && attach);
    if (!over) {
        return PATH_ATTACHED;
    }
    return attach == PATH_DETACHED ? PATH_OVER
           : attach == PATH_UNSURE ? PATH_UNSURE
                                   : PATH_OVER_ATTACHED;
}

static void
walk_pairs(struct walk *w, struct body *b, const struct fact_call *call)
{
    const struct lock_hold *hold = walk_hold(w);
    for (size_t i = 0; hold && i < w->ops->all.n; i++) {
        const struct lock_op *op = &w->ops->all.at[i];
        if (op->call == call && op->what == LOCK_TAKE && op->call != hold->op.call) {
            struct lock_pair pair = {.b = b,
                                     .call = call,
                                     .first = hold->op.key,
                                     .second = op->key,
                                     .first_value = hold->op.value,
                                     .second_value = op->value};
            vec_push(&w->paths->pairs, pair);
        }
    }
}

static unsigned
walk_event(struct flow *flow, struct fact *e, unsigned state)
{
    struct walk *w = flow->context;
    bool unknown = state == FLOW_UNKNOWN;
    unsigned lock = unknown ? PATH_FREE : state & PATH_LOCK_BITS;
    unsigned attach = !unknown ? state >> 2 : w->fixed ? w->begins : (unsigned)PATH_UNSURE;
    if (e->kind == FACT_jump) {
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)e;
        if (str_same(jump->kind, "return")) {
            bool held = !unknown && lock == PATH_HELD && w->hold;
            struct walk_return one = {jump, held ? w->hold : 1, held};
            vec_push(&w->returns, one);
        }
        return state;
    }
    if (e->kind != FACT_call) {
        return state;
    }
    const struct fact_call *call = (const struct fact_call *)(const void *)e;
    const struct lock_op *op = walk_op(w, call);
    if (op) {
        bool waits = op->what == LOCK_TAKE;
        return unknown && !waits
                   ? (op->what == LOCK_GIVE ? walk_apply(w, flow->b, op, 0, attach) : state)
                   : walk_apply(w, flow->b, op, lock, attach);
    }
    bool slow = w->slow && flow_inside(flow->b, call->block, w->slow->id);
    if (lock == PATH_HELD && !unknown && !slow) {
        walk_inside(w, flow->b, call, attach);
        walk_pairs(w, flow->b, call);
    }
    if (unknown) {
        return state;
    }
    return walk_state(lock, walk_change(flow->p, call, attach));
}

/* LCK11: the last way out has given the lock back, an earlier one has not. */
static void
walk_leaks(struct walk *w, const struct body *b, unsigned end)
{
    const struct lock_hold *hold = walk_hold(w);
    bool open = end != FLOW_DEAD && (end == FLOW_UNKNOWN || (end & PATH_LOCK_BITS) != PATH_GIVEN);
    const struct walk_return *last = w->returns.n ? &w->returns.at[w->returns.n - 1] : NULL;
    if (!hold || hold->op.guard || !w->gives || open ||
        (end == FLOW_DEAD && (!last || last->held))) {
        return;
    }
    if (w->ops->all.at[w->first].what == LOCK_GIVE || lock_outlives(w->paths, b, &hold->op)) {
        return;
    }
    for (size_t i = 0; i < w->returns.n; i++) {
        const struct lock_hold *taken = &w->paths->holds.at[w->returns.at[i].hold - 1];
        if (w->returns.at[i].held &&
            !lock_is_refused(w->paths, b, &taken->op, w->returns.at[i].jump->block)) {
            walk_flaw(w, &w->returns.at[i].jump->at, b, "lock-leak");
            return;
        }
    }
}

static bool
walk_is_fixed(const struct program *p, const struct body *b)
{
    SCAN_CALLS(b, call)
    {
        if (lock_attaches(p, call) || lock_detaches(p, call)) {
            return false;
        }
    }
    return true;
}

static void
walk_lock(struct lock_paths *paths, struct body *b, size_t first)
{
    struct lock_ops *ops = &paths->ops[b->index];
    struct walk w = {.paths = paths, .ops = ops, .first = first, .value = ops->all.at[first].value};
    struct flow flow = {.p = paths->p, .b = b, .event = walk_event, .context = &w};
    enum lock_attach begins = lock_attach_of(paths->p, b);
    unsigned attach = begins == LOCK_ATTACHED   ? PATH_ATTACHED
                      : begins == LOCK_DETACHED ? PATH_DETACHED
                                                : PATH_UNSURE;
    w.begins = attach;
    w.fixed = walk_is_fixed(paths->p, b);
    unsigned end = flow_walk(&flow, walk_state(PATH_FREE, attach));
    walk_leaks(&w, b, end);
    vec_free(&w.returns);
}

void
lock_walk_body(struct lock_paths *paths, struct body *b)
{
    const struct lock_ops *ops = &paths->ops[b->index];
    for (size_t i = 0; i < ops->all.n && i < 32; i++) {
        bool seen = false;
        for (size_t k = 0; k < i; k++) {
            seen |= str_same(ops->all.at[k].value, ops->all.at[i].value);
        }
        if (!seen) {
            walk_lock(paths, b, i);
        }
    }
}
