/* Spin locks: a loop that turns a word from 0 to 1, and the store that turns it back. The word is a
 * static variable or, where it is an atomic_flag, also a member (of a lock class, for one). */
#include <string.h>

#include "passes/flow/flow.h"
#include "passes/program/link.h"

/* The path to the word; in the C libraries atomic_flag is a struct, into which its macros reach. */
static struct str_word
spin_path(const struct fact_access *a)
{
    struct str_word path = {a->path ? a->path : "", a->path ? strlen(a->path) : 0};
    if (str_ends(path.at, "._Value")) {
        path.n -= strlen("._Value");
    }
    else if (str_ends(path.at, ".__val")) {
        path.n -= strlen(".__val");
    }
    return path;
}

static bool
spin_is_static(const struct program *p, const struct fact_access *a)
{
    return a->var && spin_path(a).n == 0 && program_variable(p, a->var) != NULL;
}

/* Does a method of std::atomic_flag, or a macro of C11 for atomic_flag, work on it? */
static bool
spin_is_flag(const struct fact_access *a, const char *method, const char *macro)
{
    return str_same(a->op, method) ||
           (str_same(a->class, "atomic_flag") && str_same(a->how, macro));
}

static const struct fact_call *
spin_next_call(const struct body *b, const struct fact_access *a)
{
    SCAN_CALLS(b, call)
    {
        if (call->seq > a->seq) {
            return call;
        }
    }
    return NULL;
}

/* Does the call behind the access store 1: __sync_bool_compare_and_swap(&w, 0, 1) and the like? */
static bool
spin_sets_one(const struct body *b, const struct fact_access *a)
{
    if (str_same(a->value, "const:1")) {
        return true; /* C11's and gcc's operations, which are no calls */
    }
    const struct fact_call *call = spin_next_call(b, a);
    if (!call) {
        return false;
    }
    if (call->callee && strstr(call->callee, "test_and_set")) {
        return true;
    }
    /* w.exchange(true) */
    if (str_same(call->callee, "exchange") && str_same(call_arg(b, call, 0), "const:1")) {
        return true;
    }
    for (int i = 1; i < 3; i++) {
        if (str_same(call_arg(b, call, i), "const:1")) {
            return true;
        }
    }
    return false;
}

static bool
spin_is_stored(const struct program *p, const struct fact_access *word)
{
    const struct access_list *list = map_get(&p->accesses_of, word->var);
    for (size_t i = 0; list && i < list->all.n; i++) {
        if (str_same(list->all.at[i]->how, "atomic-store")) {
            return true;
        }
    }
    return false;
}

bool
locks_spin_taken(const struct program *p, const struct body *b, const struct fact_access *a)
{
    const struct fact_block *block = flow_block(b, a->block);
    if (!block || !str_same(block->kind, "loop")) {
        return false;
    }
    if (spin_is_flag(a, "test_and_set", "atomic-rmw")) {
        return true;
    }
    bool changes = str_same(a->how, "atomic-cas") || str_same(a->how, "atomic-rmw");
    return changes && spin_is_static(p, a) && spin_sets_one(b, a) && spin_is_stored(p, a);
}

/* A word that no loop takes is given back without effect. */
bool
locks_spin_given(const struct program *p, const struct fact_access *a)
{
    return spin_is_flag(a, "clear", "atomic-store") ||
           (str_same(a->how, "atomic-store") && spin_is_static(p, a));
}

const char *
locks_spin_name(struct program *p, const struct fact_access *a)
{
    if (spin_is_static(p, a)) {
        return program_variable(p, a->var)->name;
    }
    struct str_word path = spin_path(a);
    size_t first = path.n;
    while (first > 0 && !strchr(".>", path.at[first - 1])) {
        first--;
    }
    const char *member = arena_copy(&p->arena, path.at + first, path.n - first);
    return intern(&p->facts->strings, arena_printf(&p->arena, "->%s", member));
}
