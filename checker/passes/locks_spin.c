/* Spin locks: a loop that turns a static word from 0 to 1, and the store that turns it back. */
#include <string.h>

#include "passes/flow.h"
#include "passes/link.h"

static bool
spin_is_word(const struct program *p, const struct fact_access *a)
{
    return (!a->path || !*a->path) && a->var && program_variable(p, a->var) != NULL;
}

/* Does the call behind the access store 1: __sync_bool_compare_and_swap(&w, 0, 1) and the like? */
static bool
spin_sets_one(const struct body *b, const struct fact_access *a)
{
    SCAN_CALLS(b, call)
    {
        if (call->seq <= a->seq) {
            continue;
        }
        if (call->callee && strstr(call->callee, "test_and_set")) {
            return true;
        }
        for (int i = 1; i < 3; i++) {
            if (str_same(call_arg(b, call, i), "const:1")) {
                return true;
            }
        }
        return false;
    }
    return str_same(a->value, "const:1");
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
    if ((!str_same(a->how, "atomic-cas") && !str_same(a->how, "atomic-rmw")) ||
        !spin_is_word(p, a)) {
        return false;
    }
    const struct fact_block *block = flow_block(b, a->block);
    return block && str_same(block->kind, "loop") && spin_sets_one(b, a) && spin_is_stored(p, a);
}

bool
locks_spin_given(const struct program *p, const struct fact_access *a)
{
    return str_same(a->how, "atomic-store") && spin_is_word(p, a);
}
