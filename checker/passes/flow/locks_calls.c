/* What a call takes or gives back: lock functions of the table, methods and guards of C++, and
 * functions of the project. */
#include <string.h>

#include "passes/flow/locks.h"
#include "passes/program/link.h"

static struct lock_guard *
calls_guard(struct lock_walk *w, const char *local)
{
    for (size_t i = w->guards.n; local && i-- > 0;) {
        if (str_same(w->guards.at[i].local, local)) {
            return &w->guards.at[i];
        }
    }
    return NULL;
}

void
locks_give_back(struct lock_walk *w, const char *locks)
{
    STR_WORDS_EACH(locks, word)
    {
        w->held = locks_remove(w->p, w->held, intern_n(&w->p->facts->strings, word.at, word.n));
    }
}

/* `std::lock_guard guard(m);`, and those that are told not to lock yet. */
static void
calls_guard_begins(struct lock_walk *w, const struct fact_call *c)
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
calls_method(struct lock_walk *w, const struct fact_call *c)
{
    static const char raii[] = "lock_guard,unique_lock,scoped_lock,shared_lock";
    size_t n = strcspn(c->callee, "<");
    if (str_list_has(raii, intern_n(&w->p->facts->strings, c->callee, n))) {
        calls_guard_begins(w, c);
        return true;
    }
    if (!c->on) {
        return false;
    }
    const struct lock_guard *guard = calls_guard(w, c->on);
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

void
locks_call(struct lock_walk *w, const struct fact_call *c)
{
    if (calls_method(w, c)) {
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
