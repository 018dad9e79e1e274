/* Which locks are held where.
 *
 * A body is walked in execution order; branches that end in a jump give back the set they started
 * with, so `if (bad) { unlock(); return; }` does not lose the lock for what follows. A function
 * that locks without unlocking (or the reverse) passes that on to its callers; a function whose
 * callers all hold a lock starts with it.
 *
 * Names: a static lock by its name, a member as "->name", a critical section as
 * "critical(TEXT)", a once function as "once". */
#include <stdlib.h>
#include <string.h>

#include "passes/flow.h"
#include "passes/link.h"

struct lock_point {
    long seq;
    bool behind;      /* from behind the event on; else the event itself is inside already */
    const char *held; /* comma list; NULL: none */
};

struct lock_state {
    VEC(struct lock_point) points;
    const char *at_entry; /* held by every caller */
    const char *acquires; /* still held at the end */
    const char *releases; /* given back without having been taken here */
    bool busy, done, at_entry_known;
};

/* A C++ guard object and the locks it gives back at the end of its scope. */
struct lock_guard {
    const char *local; /* "local:guard" */
    const char *locks; /* comma list */
};

/* What is held at every goto to a label so far. */
struct lock_label {
    const char *name, *held;
};

struct lock_walk {
    struct program *p;
    struct body *b;
    struct lock_state *state;
    const struct api_table *table;
    const char *held;
    bool unreached; /* behind a return or goto that nothing goes around */
    VEC(struct lock_guard) guards;
    VEC(struct lock_label) labels;
};

static struct lock_state *locks_state(struct program *p, struct body *b);

static const char *
locks_remove(struct program *p, const char *list, const char *name)
{
    if (!list || !name || !str_list_has(list, name)) {
        return list;
    }
    struct str s = {0};
    STR_WORDS_EACH(list, word)
    {
        if (word.n != strlen(name) || strncmp(word.at, name, word.n) != 0) {
            str_addf(&s, "%s%.*s", s.n ? "," : "", (int)word.n, word.at);
        }
    }
    const char *kept = s.n ? facts_intern(p->facts, s.s) : NULL;
    str_free(&s);
    return kept;
}

static const char *
locks_union(struct program *p, const char *a, const char *b)
{
    STR_WORDS_EACH(b, word)
    {
        link_add_word(p, &a, intern_n(&p->facts->strings, word.at, word.n));
    }
    return a;
}

/* The last member of a path, or the plain name of a static. */
static const char *
locks_name(struct lock_walk *w, const char *value)
{
    const char *inner = value_of(value, "addr");
    inner = inner ? inner : value_of(value, "field");
    inner = inner ? inner : value;
    if (!inner) {
        return "lock";
    }
    const char *id = value_of(inner, "var");
    const struct fact_variable *v = program_variable(w->p, id);
    if (v) {
        return v->name;
    }
    const char *arrow = strrchr(inner, '>'), *dot = strrchr(inner, '.');
    const char *member = arrow > dot ? arrow + 1 : dot ? dot + 1 : NULL;
    struct str s = {0};
    str_addf(&s, "%s%s", member ? "->" : "", member ? member : inner);
    for (size_t i = 0; i < s.n; i++) {
        if (s.s[i] == ',') {
            s.s[i] = ';';
        }
    }
    const char *kept = facts_intern(w->p->facts, s.s);
    str_free(&s);
    return kept;
}

static const char *
locks_critical_name(struct lock_walk *w, const char *text)
{
    struct str s = {0};
    str_addf(&s, "critical(%s)", text ? text : "");
    for (size_t i = 0; i < s.n; i++) {
        if (s.s[i] == ',') {
            s.s[i] = ';';
        }
    }
    const char *kept = facts_intern(w->p->facts, s.s);
    str_free(&s);
    return kept;
}

static void
locks_acquire(struct lock_walk *w, const char *name)
{
    link_add_word(w->p, &w->held, name);
}

static void
locks_release(struct lock_walk *w, const char *name)
{
    if (!str_list_has(w->held, name)) {
        link_add_word(w->p, &w->state->releases, name);
    }
    w->held = locks_remove(w->p, w->held, name);
}

static struct lock_guard *
locks_guard(struct lock_walk *w, const char *local)
{
    for (size_t i = w->guards.n; local && i-- > 0;) {
        if (str_same(w->guards.at[i].local, local)) {
            return &w->guards.at[i];
        }
    }
    return NULL;
}

static void
locks_give_back(struct lock_walk *w, const char *locks)
{
    STR_WORDS_EACH(locks, word)
    {
        w->held = locks_remove(w->p, w->held, intern_n(&w->p->facts->strings, word.at, word.n));
    }
}

/* `std::lock_guard guard(m);`, and those that are told not to lock yet. */
static void
locks_guard_begins(struct lock_walk *w, const struct fact_call *c)
{
    struct lock_guard guard = {.local = c->into};
    int n = str_starts(c->callee, "scoped_lock") ? (int)c->nargs : 1;
    for (int i = 0; i < n; i++) {
        const char *value = call_arg(w->b, c, i);
        bool tag = value && strstr(value, "_lock_t"); /* std::adopt_lock comes first there */
        if (!tag) {
            link_add_word(w->p, &guard.locks, locks_name(w, value));
        }
    }
    const char *how = n == 1 && c->nargs > 1 ? call_arg(w->b, c, 1) : NULL;
    if (!how || !strstr(how, "defer_lock")) {
        w->held = locks_union(w->p, w->held, guard.locks);
    }
    vec_push(&w->guards, guard);
}

/* Methods of mutexes and of guards; false when the call is none. */
static bool
locks_method(struct lock_walk *w, const struct fact_call *c)
{
    static const char raii[] = "lock_guard,unique_lock,scoped_lock,shared_lock";
    size_t n = strcspn(c->callee, "<");
    if (str_list_has(raii, intern_n(&w->p->facts->strings, c->callee, n))) {
        locks_guard_begins(w, c);
        return true;
    }
    if (!c->on) {
        return false;
    }
    const struct lock_guard *guard = locks_guard(w, c->on);
    bool release = c->callee[0] == '~' || str_starts(c->callee, "unlock");
    if (guard && release) {
        locks_give_back(w, guard->locks);
    }
    else if (guard) {
        w->held = locks_union(w->p, w->held, guard->locks);
    }
    else if (c->callee[0] != '~' && release) {
        locks_release(w, locks_name(w, c->on));
    }
    else if (c->callee[0] != '~') {
        locks_acquire(w, locks_name(w, c->on));
    }
    return true;
}

static void
locks_call(struct lock_walk *w, const struct fact_call *c)
{
    if (locks_method(w, c)) {
        return;
    }
    const char *key = c->callee;
    const char *op = api_table_cell(w->table, key, "op");
    const char *kind = op ? api_table_cell(w->table, key, "kind") : NULL;
    if (op) {
        const char *column = api_table_cell(w->table, key, "arg");
        int index = column && column[0] >= '0' && column[0] <= '9' ? column[0] - '0' : 0;
        if (strcmp(kind, "critical") == 0) {
            return; /* regions and the macro's block say more; see locks_blocks() */
        }
        if (strcmp(kind, "once") == 0) {
            return; /* the function called once starts with "once" */
        }
        const char *name = locks_name(w, call_arg(w->b, c, index));
        if (strcmp(op, "release") == 0) {
            locks_release(w, name);
        }
        else if (strcmp(op, "wait") != 0) {
            locks_acquire(w, name);
        }
        return;
    }
    struct body *callee = c->id ? program_body(w->p, c->id) : NULL;
    if (callee && callee != w->b) {
        const struct lock_state *inner = locks_state(w->p, callee);
        if (!inner->busy && inner->done) {
            w->held = locks_union(w->p, w->held, inner->acquires);
            STR_WORDS_EACH(inner->releases, word)
            {
                locks_release(w, intern_n(&w->p->facts->strings, word.at, word.n));
            }
        }
    }
}

static void
locks_point(struct lock_walk *w, long seq, bool behind)
{
    size_t n = w->state->points.n;
    const char *before = n ? w->state->points.at[n - 1].held : NULL;
    if (before != w->held) {
        struct lock_point point = {.seq = seq, .behind = behind, .held = w->held};
        vec_push(&w->state->points, point);
    }
}

static bool
locks_is_critical(const struct fact_block *block)
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
locks_leave(struct lock_walk *w, struct lock_frames *frames, long seq)
{
    while (frames->at.n && frames->at.at[frames->at.n - 1].block->last < seq) {
        struct lock_frame frame = frames->at.at[--frames->at.n];
        if (frame.jumped) {
            w->held = frame.at_start;
        }
        if (locks_is_critical(frame.block)) {
            w->held = locks_remove(w->p, w->held, locks_critical_name(w, frame.block->cond));
        }
        locks_point(w, frame.block->last + 1, false);
    }
}

static void
locks_enter(struct lock_walk *w, struct lock_frames *frames, long id, long seq)
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
        if (locks_is_critical(frame.block)) {
            locks_acquire(w, locks_critical_name(w, frame.block->cond));
            locks_point(w, seq, false);
        }
        vec_push(&frames->at, frame);
    }
}

static bool
locks_is_branch(const struct fact_block *block)
{
    return str_same(block->kind, "then") || str_same(block->kind, "else") ||
           str_same(block->kind, "switch") || str_same(block->kind, "catch");
}

static void
locks_spin(struct lock_walk *w, const struct fact_access *a)
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
    locks_point(w, a->seq, true);
}

static struct lock_label *
locks_label(struct lock_walk *w, const char *name)
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
locks_reach_label(struct lock_walk *w, const struct fact_jump *jump)
{
    const struct lock_label *label = locks_label(w, jump->value);
    if (label && w->unreached) {
        w->held = label->held;
        locks_point(w, jump->seq, true);
    }
    w->unreached = false;
}

static void
locks_jump(struct lock_walk *w, struct lock_frames *frames, const struct fact_jump *jump)
{
    if (str_same(jump->kind, "label")) {
        locks_reach_label(w, jump);
        return;
    }
    struct lock_label *label = locks_label(w, jump->value);
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
        if (locks_is_branch(frame->block)) {
            frame->jumped = true;
            return;
        }
        loops |= str_same(frame->block->kind, "loop");
    }
    w->unreached |= !loops;
}

static void
locks_walk(struct lock_walk *w)
{
    struct lock_frames frames = {{0}};
    for (size_t i = 0; i < w->b->events.n; i++) {
        const struct fact *event = w->b->events.at[i];
        long seq = flow_seq_of(event);
        locks_leave(w, &frames, seq);
        locks_enter(w, &frames, flow_block_of(event), seq);
        if (event->kind == FACT_call) {
            locks_call(w, (const struct fact_call *)(const void *)event);
            locks_point(w, seq, true);
        }
        else if (event->kind == FACT_access) {
            locks_spin(w, (const struct fact_access *)(const void *)event);
        }
        else if (event->kind == FACT_jump) {
            locks_jump(w, &frames, (const struct fact_jump *)(const void *)event);
        }
    }
    vec_free(&frames.at);
}

static struct lock_state *
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
        locks_walk(&w);
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
