/* A body is walked in execution order; branches that end in a jump give back the set they started
 * with, so `if (bad) { unlock(); return; }` does not lose the lock for what follows. A function
 * that locks without unlocking (or the reverse) passes that on to its callers. */
#include "passes/flow/flow.h"
#include "passes/flow/locks.h"
#include "passes/program/link.h"

static void
walk_point(struct lock_walk *w, long seq, bool behind)
{
    size_t n = w->state->points.n;
    const char *before = n ? w->state->points.at[n - 1].held : NULL;
    if (before != w->held) {
        struct lock_point point = {.seq = seq, .behind = behind, .held = w->held};
        vec_push(&w->state->points, point);
    }
}

static bool
walk_is_critical(const struct fact_block *block)
{
    return str_same(block->kind, "region") && block->macro &&
           str_starts(block->macro, "Py_BEGIN_CRITICAL_SECTION");
}

/* Leaves blocks until `id` holds the position: sets of branches that jumped away are undone. */
struct lock_frame {
    const struct fact_block *block;
    const char *at_start;
    bool jumped;
};

struct lock_frames {
    VEC(struct lock_frame) at;
};

static void
walk_leave(struct lock_walk *w, struct lock_frames *frames, long seq)
{
    while (frames->at.n && frames->at.at[frames->at.n - 1].block->last < seq) {
        struct lock_frame frame = frames->at.at[--frames->at.n];
        if (frame.jumped) {
            w->held = frame.at_start;
        }
        if (walk_is_critical(frame.block)) {
            w->held = locks_remove(w->p, w->held, locks_critical_name(w, frame.block->cond));
        }
        walk_point(w, frame.block->last + 1, false);
    }
}

static void
walk_enter(struct lock_walk *w, struct lock_frames *frames, long id, long seq)
{
    if (frames->at.n && frames->at.at[frames->at.n - 1].block->id == id) {
        return; /* still in the block of the event before */
    }
    const struct fact_block *path[64];
    size_t n = 0;
    for (const struct fact_block *block = flow_block(w->b, id);
         block && n < sizeof(path) / sizeof(*path); block = flow_block(w->b, block->parent)) {
        bool open = false;
        for (size_t i = 0; i < frames->at.n; i++) {
            open |= frames->at.at[i].block == block;
        }
        if (open) {
            break;
        }
        path[n++] = block;
    }
    while (n > 0) {
        struct lock_frame frame = {.block = path[--n], .at_start = w->held};
        if (walk_is_critical(frame.block)) {
            locks_acquire(w, locks_critical_name(w, frame.block->cond));
            walk_point(w, seq, false);
        }
        vec_push(&frames->at, frame);
    }
}

static bool
walk_is_branch(const struct fact_block *block)
{
    return str_same(block->kind, "then") || str_same(block->kind, "else") ||
           str_same(block->kind, "switch") || str_same(block->kind, "catch");
}

static void
walk_spin(struct lock_walk *w, const struct fact_access *a)
{
    bool taken = locks_spin_taken(w->p, w->b, a);
    if (!taken && !locks_spin_given(w->p, a)) {
        return;
    }
    const char *name = locks_spin_name(w->p, a);
    if (taken) {
        locks_acquire(w, name);
    }
    else {
        locks_release(w, name);
    }
    walk_point(w, a->seq, true);
}

static struct lock_label *
walk_label(struct lock_walk *w, const char *name)
{
    for (size_t i = 0; i < w->labels.n; i++) {
        if (str_same(w->labels.at[i].name, name)) {
            return &w->labels.at[i];
        }
    }
    return NULL;
}

/* What the gotos to a label hold is held there when nothing comes to it from above. */
static void
walk_reach_label(struct lock_walk *w, const struct fact_jump *jump)
{
    const struct lock_label *label = walk_label(w, jump->value);
    if (label && w->unreached) {
        w->held = label->held;
        walk_point(w, jump->seq, true);
    }
    w->unreached = false;
}

static void
walk_jump(struct lock_walk *w, struct lock_frames *frames, const struct fact_jump *jump)
{
    if (str_same(jump->kind, "label")) {
        walk_reach_label(w, jump);
        return;
    }
    struct lock_label *label = walk_label(w, jump->value);
    if (str_same(jump->kind, "goto") && label) {
        label->held = link_common_words(w->p, label->held, w->held);
    }
    else if (str_same(jump->kind, "goto")) {
        struct lock_label fresh = {.name = jump->value, .held = w->held};
        vec_push(&w->labels, fresh);
    }
    bool loops = false;
    for (size_t k = frames->at.n; k > 0; k--) {
        struct lock_frame *frame = &frames->at.at[k - 1];
        if (walk_is_branch(frame->block)) {
            frame->jumped = true;
            return;
        }
        loops |= str_same(frame->block->kind, "loop");
    }
    w->unreached |= !loops;
}

static void
walk_events(struct lock_walk *w)
{
    struct lock_frames frames = {{0}};
    for (size_t i = 0; i < w->b->events.n; i++) {
        const struct fact *event = w->b->events.at[i];
        long seq = flow_seq_of(event);
        walk_leave(w, &frames, seq);
        walk_enter(w, &frames, flow_block_of(event), seq);
        if (event->kind == FACT_call) {
            locks_call(w, (const struct fact_call *)(const void *)event);
            walk_point(w, seq, true);
        }
        else if (event->kind == FACT_access) {
            walk_spin(w, (const struct fact_access *)(const void *)event);
        }
        else if (event->kind == FACT_jump) {
            walk_jump(w, &frames, (const struct fact_jump *)(const void *)event);
        }
    }
    vec_free(&frames.at);
}

struct lock_state *
locks_state(struct program *p, struct body *b)
{
    void **slot = map_slot(&p->lock_states, b->fact->id);
    if (*slot) {
        return *slot;
    }
    struct lock_state *state = arena_alloc(&p->arena, sizeof(*state));
    *slot = state;
    state->busy = true;
    struct lock_walk w = {
        .p = p, .b = b, .state = state, .table = ruleset_table(p->rules, "locks")};
    if (w.table) {
        walk_events(&w);
    }
    /* Guards end with the function; what a lock function of the project takes does not. */
    while (w.guards.n) {
        locks_give_back(&w, w.guards.at[--w.guards.n].locks);
    }
    vec_free(&w.guards);
    vec_free(&w.labels);
    state->acquires = w.held;
    state->busy = false;
    state->done = true;
    return state;
}
