/* Locks and the interpreter: who waits for whom (LCK07-10), and locks that are taken in two orders
 * (LCK15). */
#include <string.h>

#include "passes/locks/lock_paths.h"

void pass_lock_held(struct program *p);

enum { HELD_DEPTH = 3 };

const struct lock_op *
lock_taken_in(struct lock_paths *paths, const struct body *caller, const struct fact_call *call,
              const char *value, const struct body **in, int depth)
{
    struct program *p = paths->p;
    const struct body *callee = call->id ? scan_body(p, call->id) : NULL;
    if (!callee || callee == caller || depth > HELD_DEPTH) {
        return NULL;
    }
    const struct lock_ops *ops = &paths->ops[callee->index];
    for (size_t i = 0; i < ops->all.n; i++) {
        const struct lock_op *op = &ops->all.at[i];
        const char *named = lock_in_caller(p, caller, call, callee, op->value);
        if (!named || !str_same(named, value)) {
            continue;
        }
        *in = callee;
        return op->what == LOCK_TAKE ? op : NULL; /* given back first: it is the caller's */
    }
    SCAN_CALLS(callee, c)
    {
        const struct body *inner = c->id ? scan_body(p, c->id) : NULL;
        if (!inner || inner == callee || inner == caller) {
            continue;
        }
        /* What the value is called in there: only statics and what is passed on keep a name. */
        const struct lock_op *op = NULL;
        if (str_starts(value, "var:") || str_starts(value, "field:var:")) {
            op = lock_taken_in(paths, callee, c, value, in, depth + 1);
        }
        if (op) {
            return op;
        }
    }
    return NULL;
}

static bool
held_is_attached(const struct lock_hold *hold)
{
    return hold->attach == PATH_ATTACHED || hold->attach == PATH_OVER ||
           hold->attach == PATH_OVER_ATTACHED;
}

static bool
held_runs(const struct lock_hold *hold)
{
    return (hold->b->entry & (ENTRY_RUN | ENTRY_FOREIGN)) && !hold->b->test_code;
}

static const char *
held_kind(const struct lock_hold *hold)
{
    return hold->op.kind == LOCK_PYMUTEX    ? "pymutex"
           : hold->op.kind == LOCK_PYTHREAD ? "pythread"
                                            : "native";
}

static struct fact_flaw *
held_flaw(struct lock_paths *paths, const struct fact *where, const struct lock_hold *hold,
          const char *what, const struct fact_call *done)
{
    struct fact_flaw *flaw =
        program_flaw(paths->p, where, hold->b, what, lock_text(paths->p, hold->b, hold->op.value));
    flaw->symbol = flaw->subject;
    flaw->detail = done->callee;
    flaw->class = held_kind(hold);
    return flaw;
}

/* One finding for a lock in a function, however often it is taken there. */
static bool
held_is_first(const struct lock_paths *paths, size_t at, bool self)
{
    const struct lock_hold *hold = &paths->holds.at[at];
    for (size_t i = 0; i < at; i++) {
        const struct lock_hold *other = &paths->holds.at[i];
        bool done = other->runs || other->attaches;
        if (other->b == hold->b && str_same(other->op.value, hold->op.value) && done == self) {
            return false;
        }
    }
    return true;
}

/* LCK07, LCK08: a thread that holds the lock runs Python code. */
static void
held_self(struct lock_paths *paths, size_t at)
{
    const struct lock_hold *hold = &paths->holds.at[at];
    const struct fact_call *done = hold->runs ? hold->runs : hold->attaches;
    bool pymutex = hold->op.kind == LOCK_PYMUTEX;
    bool attached = held_is_attached(hold);
    if (str_starts(hold->op.value, "call:") || str_starts(hold->op.value, "local:")) {
        return; /* nobody else has it yet */
    }
    if (!done || !held_is_first(paths, at, true) || (!pymutex && !attached) ||
        (pymutex && !hold->runs)) {
        return;
    }
    const struct fact_call *at_call = hold->through ? hold->through : done;
    struct fact_flaw *flaw = held_flaw(paths, &at_call->at, hold,
                                       pymutex ? "mutex-runs-python" : "lock-runs-python", done);
    const char *how = flow_cell(paths->p, "runs_python", done->callee, "how");
    flaw->detail2 = how ? how : "attach";
    flaw->number = hold->through != NULL;
    flaw_relate(paths->p, flaw, &hold->op.call->at, "the lock is taken here");
}

/* LCK09, LCK10: this thread waits for the lock with the interpreter in its hands, and who has the
 * lock waits for the interpreter. */
static void
held_waits(struct lock_paths *paths, size_t at)
{
    const struct lock_hold *hold = &paths->holds.at[at];
    if (!held_is_attached(hold) || hold->op.kind == LOCK_PYMUTEX || !hold->op.key || hold->runs ||
        hold->attaches || !held_is_first(paths, at, false)) {
        return;
    }
    for (size_t i = 0; i < paths->holds.n; i++) {
        const struct lock_hold *other = &paths->holds.at[i];
        const struct fact_call *done = other->attaches ? other->attaches : other->runs;
        bool danger = done && held_runs(other) && str_same(other->op.key, hold->op.key) &&
                      !(other->op.shared && hold->op.shared);
        if (danger && !held_is_attached(other)) {
            struct fact_flaw *flaw =
                held_flaw(paths, &hold->op.call->at, hold, "lock-waits-attached", done);
            flaw->detail2 = other->b->fact->name;
            flaw_relate(paths->p, flaw, &done->at,
                        "waits for the interpreter here, with the lock held");
            return;
        }
    }
}

/* Do both places stand under a third lock, which keeps them apart? */
static bool
held_have_gate(struct program *p, const struct lock_pair *a, const struct lock_pair *b)
{
    const char *x = locks_at(p, a->b, a->call->seq), *y = locks_at(p, b->b, b->call->seq);
    int common = 0;
    STR_WORDS_EACH(x, word)
    {
        common += str_list_has(y, intern_n(&p->facts->strings, word.at, word.n));
    }
    return common > 2; /* the two locks themselves may be among them */
}

static bool
held_pair_runs(const struct lock_pair *pair)
{
    return pair->first && pair->second && (pair->b->entry & (ENTRY_RUN | ENTRY_FOREIGN)) &&
           !pair->b->test_code;
}

/* Does the function compare two things for their order, as those do that sort the locks? */
static bool
held_compares(const struct body *b)
{
    for (size_t i = 0; i < b->blocks.n; i++) {
        const char *cond = b->blocks.at[i]->cond;
        if (cond && (strstr(cond, "lt(") || strstr(cond, "gt("))) {
            return true;
        }
    }
    return false;
}

static void
held_order_flaw(struct lock_paths *paths, const struct lock_pair *pair,
                const struct lock_pair *other)
{
    struct program *p = paths->p;
    struct fact_flaw *flaw = program_flaw(p, &pair->call->at, pair->b, "lock-order",
                                          lock_text(p, pair->b, pair->second_value));
    flaw->symbol = flaw->subject;
    flaw->detail = lock_text(p, pair->b, pair->first_value);
    flaw->detail2 = other->b->fact->name;
    if (other != pair) {
        flaw_relate(p, flaw, &other->call->at, "taken in the other order here");
    }
}

/* The same member of two objects that come from outside: `a.merge(b)` beside `b.merge(a)`. */
static bool
held_is_two_objects(const struct lock_pair *pair)
{
    const char *a = value_of(pair->first_value, "field"),
               *b = value_of(pair->second_value, "field");
    if (!str_same(pair->first, pair->second) || !a || !b || str_same(a, b) ||
        held_compares(pair->b)) {
        return false;
    }
    const char *a_path = strstr(a, "->"), *b_path = strstr(b, "->");
    bool roots = (str_starts(a, "param:") || str_starts(a, "this")) && str_starts(b, "param:");
    return roots && a_path && b_path && str_same(a_path, b_path) && !strstr(a_path + 2, "->");
}

static void
held_orders(struct lock_paths *paths)
{
    for (size_t i = 0; i < paths->pairs.n; i++) {
        const struct lock_pair *pair = &paths->pairs.at[i];
        if (!held_pair_runs(pair)) {
            continue;
        }
        if (held_is_two_objects(pair)) {
            held_order_flaw(paths, pair, pair);
            continue;
        }
        for (size_t k = 0; k < i; k++) {
            const struct lock_pair *other = &paths->pairs.at[k];
            if (held_pair_runs(other) && str_same(pair->first, other->second) &&
                str_same(pair->second, other->first) && !str_same(pair->first, pair->second) &&
                !held_have_gate(paths->p, pair, other)) {
                held_order_flaw(paths, pair, other);
                break;
            }
        }
    }
}

void
pass_lock_held(struct program *p)
{
    struct lock_paths paths = {.p = p};
    paths.ops = arena_alloc(&p->arena, (p->bodies.n + 1) * sizeof(*paths.ops));
    bool any = false;
    for (size_t i = 0; i < p->bodies.n; i++) {
        struct body *b = p->bodies.at[i];
        if (b->entry && lock_ops_any(p, b)) {
            lock_ops_of(p, b, &paths.ops[b->index]);
            any |= paths.ops[b->index].all.n > 0;
        }
    }
    for (size_t i = 0; any && i < p->bodies.n; i++) {
        struct body *b = p->bodies.at[i];
        if ((b->entry & (ENTRY_RUN | ENTRY_FOREIGN)) && paths.ops[b->index].all.n) {
            lock_walk_body(&paths, b);
        }
    }
    for (size_t i = 0; i < paths.holds.n; i++) {
        if (held_runs(&paths.holds.at[i])) {
            held_self(&paths, i);
            held_waits(&paths, i);
        }
    }
    held_orders(&paths);
    for (size_t i = 0; i < p->bodies.n; i++) {
        vec_free(&paths.ops[i].all);
    }
    vec_free(&paths.holds);
    vec_free(&paths.pairs);
}
