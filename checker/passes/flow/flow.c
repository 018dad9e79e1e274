/* Structured walk over blocks and events; see flow.h. */
#include "passes/flow/flow.h"

#include <string.h>

static const char flow_noreturn[] =
    "exit,_exit,_Exit,quick_exit,abort,Py_FatalError,_Py_FatalErrorFunc,Py_Exit,longjmp,siglongjmp,"
    "__builtin_unreachable,pthread_exit,PyThread_exit_thread,__assert_fail";

static const struct fact_call *
flow_as_call(const struct fact *e)
{
    return e->kind == FACT_call ? (const struct fact_call *)(const void *)e : NULL;
}

static const struct fact_jump *
flow_as_jump(const struct fact *e)
{
    return e->kind == FACT_jump ? (const struct fact_jump *)(const void *)e : NULL;
}

long
flow_block_of(const struct fact *e)
{
    switch (e->kind) {
    case FACT_call:
        return ((const struct fact_call *)(const void *)e)->block;
    case FACT_access:
        return ((const struct fact_access *)(const void *)e)->block;
    case FACT_jump:
        return ((const struct fact_jump *)(const void *)e)->block;
    default:
        return 0;
    }
}

long
flow_seq_of(const struct fact *e)
{
    switch (e->kind) {
    case FACT_call:
        return ((const struct fact_call *)(const void *)e)->seq;
    case FACT_access:
        return ((const struct fact_access *)(const void *)e)->seq;
    case FACT_jump:
        return ((const struct fact_jump *)(const void *)e)->seq;
    default:
        return 0;
    }
}

const struct fact_block *
flow_block(const struct body *b, long id)
{
    if (id >= 0 && (size_t)id < b->blocks.n && b->blocks.at[id]->id == id) {
        return b->blocks.at[id];
    }
    for (size_t i = 0; i < b->blocks.n; i++) {
        if (b->blocks.at[i]->id == id) {
            return b->blocks.at[i];
        }
    }
    return NULL;
}

bool
flow_inside(const struct body *b, long id, long outer)
{
    for (size_t hops = 0; hops <= b->blocks.n; hops++) {
        if (id == outer) {
            return true;
        }
        const struct fact_block *block = flow_block(b, id);
        if (!block || block->parent == id) {
            return false;
        }
        id = block->parent;
    }
    return false;
}

/* The nearest block around `id` (or it itself) that a break or continue belongs to; -1: none. */
static long
flow_loop_around(const struct body *b, long id, bool is_break)
{
    for (size_t hops = 0; hops <= b->blocks.n; hops++) {
        const struct fact_block *block = flow_block(b, id);
        if (!block) {
            break;
        }
        if (str_same(block->kind, "loop") || (is_break && str_same(block->kind, "switch"))) {
            return id;
        }
        if (block->parent == id) {
            break;
        }
        id = block->parent;
    }
    return -1;
}

static const struct fact_jump *
flow_label(const struct body *b, const char *name)
{
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_jump *jump = flow_as_jump(b->events.at[i]);
        if (jump && str_same(jump->kind, "label") && str_same(jump->value, name)) {
            return jump;
        }
    }
    return NULL;
}

bool
flow_leaves(const struct body *b, const struct fact_jump *jump, long block)
{
    if (!flow_inside(b, jump->block, block) || str_same(jump->kind, "label")) {
        return false;
    }
    if (str_same(jump->kind, "goto")) {
        const struct fact_jump *label = flow_label(b, jump->value);
        return label && !flow_inside(b, label->block, block);
    }
    bool is_break = str_same(jump->kind, "break");
    if (is_break || str_same(jump->kind, "continue")) {
        long loop = flow_loop_around(b, jump->block, is_break);
        /* The loop itself is the block, or lies inside it: the jump stays. */
        return loop >= 0 && loop != block && !flow_inside(b, loop, block);
    }
    return !str_same(jump->kind, "throw") || !flow_caught(b, jump->seq, block); /* or return */
}

bool
flow_caught(const struct body *b, long seq, long within)
{
    for (size_t i = 0; i < b->blocks.n; i++) {
        const struct fact_block *block = b->blocks.at[i];
        if (str_same(block->kind, "catch") && block->first > seq &&
            (within < 0 || flow_inside(b, block->id, within))) {
            return true;
        }
    }
    return false;
}

static unsigned
flow_join(unsigned a, unsigned b)
{
    return a == FLOW_DEAD ? b : b == FLOW_DEAD || a == b ? a : FLOW_UNKNOWN;
}

static void
flow_reach_label(struct flow *flow, const char *label, unsigned state)
{
    if (!label) {
        return;
    }
    void **slot = map_slot(&flow->labels, label);
    unsigned *known = *slot;
    if (!known) {
        *slot = known = arena_alloc(&flow->arena, sizeof(*known));
        *known = FLOW_DEAD;
    }
    *known = flow_join(*known, state);
}

static unsigned
flow_step_jump(struct flow *flow, const struct fact_jump *jump, unsigned state)
{
    if (str_same(jump->kind, "label")) {
        const unsigned *known = map_get(&flow->labels, jump->value ? jump->value : "");
        return known ? flow_join(state, *known) : state;
    }
    if (str_same(jump->kind, "goto")) {
        flow_reach_label(flow, jump->value, state);
    }
    else if (str_same(jump->kind, "break")) {
        flow->breaks = flow_join(flow->breaks, state);
    }
    return FLOW_DEAD;
}

static unsigned
flow_step(struct flow *flow, struct fact *e, unsigned state)
{
    const struct fact_jump *jump = flow_as_jump(e);
    if (state != FLOW_DEAD) {
        state = flow->event(flow, e, state);
    }
    if (jump && (state != FLOW_DEAD || str_same(jump->kind, "label"))) {
        return flow_step_jump(flow, jump, state);
    }
    const struct fact_call *call = flow_as_call(e);
    return call && call->callee && str_list_has(flow_noreturn, call->callee) ? FLOW_DEAD : state;
}

static unsigned flow_walk_block(struct flow *flow, long id, unsigned state, size_t *at);

/* Walks one child block; `before` is the state in front of a then that the else starts from. */
static unsigned
flow_walk_child(struct flow *flow, const struct fact_block *child, unsigned state, size_t *at)
{
    bool catches_breaks = str_same(child->kind, "loop") || str_same(child->kind, "switch");
    unsigned outer = flow->breaks;
    if (catches_breaks) {
        flow->breaks = FLOW_DEAD;
    }
    unsigned out = flow_walk_block(flow, child->id, state, at);
    if (catches_breaks) {
        /* A `do` runs at least once: those of macros run once. */
        bool skipped = !str_same(child->cond, "do");
        out = flow_join(skipped ? flow_join(out, state) : out, flow->breaks);
        flow->breaks = outer;
    }
    return out;
}

/* The child of block `id` in which the event lies; NULL: the event is directly in the block. */
static const struct fact_block *
flow_child_of(const struct body *b, long id, long event_block)
{
    const struct fact_block *block = NULL;
    for (size_t hops = 0; event_block != id && hops <= b->blocks.n; hops++) {
        block = flow_block(b, event_block);
        if (!block || block->parent == event_block) {
            return NULL;
        }
        event_block = block->parent;
    }
    return event_block == id ? block : NULL;
}

/* State behind an if statement whose then part has been left in `then_out`. */
struct flow_branch {
    bool open;
    unsigned before, out;
};

static unsigned
flow_close_branch(struct flow_branch *branch, unsigned state)
{
    if (!branch->open) {
        return state;
    }
    branch->open = false;
    return flow_join(branch->before, branch->out);
}

/* Walks the events from *at on that lie in block `id` or below it. */
static unsigned
flow_walk_block(struct flow *flow, long id, unsigned state, size_t *at)
{
    const struct body *b = flow->b;
    const struct fact_block *self = flow_block(b, id);
    bool is_switch = self && str_same(self->kind, "switch");
    unsigned first = state;
    struct flow_branch branch = {0};
    while (*at < b->events.n) {
        struct fact *e = b->events.at[*at];
        long in = flow_block_of(e);
        if (!flow_inside(b, in, id)) {
            break;
        }
        if (is_switch && state == FLOW_DEAD && !branch.open) {
            state = first; /* behind a break or return the next case begins */
        }
        const struct fact_block *child = flow_child_of(b, id, in);
        if (!child) {
            state = flow_step(flow, e, flow_close_branch(&branch, state));
            ++*at;
            continue;
        }
        bool is_else = branch.open && str_same(child->kind, "else");
        bool is_catch = str_same(child->kind, "catch");
        unsigned start = is_else ? branch.before : flow_close_branch(&branch, state);
        unsigned tried = start;
        if (is_catch && start == FLOW_DEAD) {
            start = FLOW_UNKNOWN; /* reached from somewhere in the middle of the try */
        }
        size_t from = *at;
        unsigned out = flow_walk_child(flow, child, start, at);
        *at += *at == from; /* a block whose range is wrong must not stop the walk */
        if (is_else) {
            branch.open = false;
            state = flow_join(branch.out, out);
        }
        else if (str_same(child->kind, "then")) {
            branch = (struct flow_branch){true, start, out};
        }
        else if (is_catch) {
            state = flow_join(tried, out);
        }
        else {
            state = str_same(child->kind, "else") ? flow_join(start, out) : out;
        }
    }
    return flow_close_branch(&branch, state);
}

unsigned
flow_walk(struct flow *flow, unsigned state)
{
    flow->labels = (struct map){0};
    flow->arena = (struct arena){0};
    flow->breaks = FLOW_DEAD;
    size_t at = 0;
    while (at < flow->b->events.n) {
        size_t from = at;
        long root = flow_block_of(flow->b->events.at[at]);
        for (const struct fact_block *block = flow_block(flow->b, root);
             block && block->parent != root && flow_block(flow->b, block->parent);
             block = flow_block(flow->b, root)) {
            root = block->parent;
        }
        state = flow_walk_block(flow, root, state, &at);
        at += at == from;
    }
    map_free(&flow->labels);
    arena_free(&flow->arena);
    return state;
}
