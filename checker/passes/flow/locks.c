/* Which locks are held where: at an event, and whenever a function begins. A function whose callers
 * all hold a lock starts with it. */
#include <string.h>

#include "passes/flow/locks.h"
#include "passes/program/link.h"

static const char *
locks_inside(const struct lock_state *state, long seq)
{
    const char *held = NULL;
    for (size_t i = 0; i < state->points.n && state->points.at[i].seq <= seq; i++) {
        held = state->points.at[i].held;
    }
    return held;
}

/* What is held when the call begins, whatever its function takes or gives back. */
static const char *
locks_before(const struct lock_state *state, long seq)
{
    const char *held = NULL;
    for (size_t i = 0; i < state->points.n && state->points.at[i].seq <= seq; i++) {
        bool own = state->points.at[i].seq == seq && state->points.at[i].behind;
        held = own ? held : state->points.at[i].held;
    }
    return held;
}

/* Is b passed to pthread_once() or the like, and to nothing else? */
static bool
locks_called_once(struct program *p, const struct body *b)
{
    struct str ref = {0};
    str_addf(&ref, "func:%s", b->fact->id);
    struct access_list *list = map_get(&p->accesses_of, ref.s);
    str_free(&ref);
    size_t once = 0, other = 0;
    for (size_t i = 0; list && i < list->all.n; i++) {
        const char *context = list->all.at[i]->context;
        bool is_once = context && (strstr(context, "arg:pthread_once:") ||
                                   strstr(context, "arg:ExtShim_Once_Call:") ||
                                   strstr(context, "call_once:") || strstr(context, "OnceFlag"));
        once += is_once;
        other += !is_once;
    }
    return once && !other;
}

static const char *
locks_entry_set(struct program *p, struct body *b, int depth)
{
    struct lock_state *state = locks_state(p, b);
    if (state->at_entry_known || depth > 8) {
        return state->at_entry;
    }
    state->at_entry_known = true; /* a cycle of calls starts from nothing */
    if (locks_called_once(p, b)) {
        state->at_entry = "once";
        return state->at_entry;
    }
    bool root =
        b->binding || b->address_taken || !b->callers.n || !str_same(b->fact->linkage, "internal");
    if (root && !(b->callers.n && !b->binding && !b->address_taken)) {
        return NULL;
    }
    const char *common = NULL;
    bool first = true;
    for (size_t i = 0; i < b->callers.n; i++) {
        struct body *caller = b->callers.at[i];
        if (caller == b) {
            continue; /* it still holds what it began with */
        }
        const char *outer = locks_entry_set(p, caller, depth + 1);
        struct lock_state *inner = locks_state(p, caller);
        for (size_t k = 0; k < caller->events.n; k++) {
            const struct fact_call *c = (const struct fact_call *)(void *)caller->events.at[k];
            if (c->at.kind != FACT_call || !str_same(c->id, b->fact->id)) {
                continue;
            }
            const char *held = locks_union(p, locks_before(inner, c->seq), outer);
            common = first ? held : link_common_words(p, common, held);
            first = false;
        }
    }
    state->at_entry = common;
    return common;
}

const char *
locks_at(struct program *p, const struct body *b, long seq)
{
    struct lock_state *state = map_get(&p->lock_states, b->fact->id);
    if (!state) {
        return NULL;
    }
    return locks_union(p, locks_inside(state, seq), state->at_entry);
}

void
locks_run(struct program *p)
{
    struct body_cursor last = {0};
    for (size_t i = 0; i < p->bodies.n; i++) {
        locks_state(p, p->bodies.at[i]);
    }
    for (size_t i = 0; i < p->bodies.n; i++) {
        locks_entry_set(p, p->bodies.at[i], 0);
    }
    FACTS_EACH(p->facts, call, c)
    {
        const struct body *b = program_body_again(p, &last, c->func);
        c->locks = b ? locks_at(p, b, c->seq) : NULL;
    }
    FACTS_EACH(p->facts, access, a)
    {
        const struct body *b = program_body_again(p, &last, a->func);
        a->locks = b ? locks_at(p, b, a->seq) : NULL;
    }
}

void
locks_free(struct program *p)
{
    for (size_t i = 0; i < p->lock_states.cap; i++) {
        struct lock_state *state = p->lock_states.cells[i].value;
        if (state) {
            vec_free(&state->points);
        }
    }
    map_free(&p->lock_states);
}
