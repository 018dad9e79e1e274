/* Parameters: what do callers hand over, or Python? */
#include <stdlib.h>
#include <string.h>

#include "passes/references/private.h"

/* `kwargs`, but also `py_kwargs` and `__pyx_kwds`. */
static bool
params_is_keyword_word(const char *name, size_t n)
{
    static const char *const words[] = {"kwargs", "kwds", "kw", "keywords", "kwdict", "kws"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        size_t length = strlen(words[i]);
        if (n >= length && strncmp(name + n - length, words[i], length) == 0 &&
            (n == length || name[n - length - 1] == '_')) {
            return true;
        }
    }
    return false;
}

static bool
params_keyword_name(const struct body *b, long index)
{
    const char *names = b->fact->param_names;
    for (long i = 0; names && i < index; i++) {
        names = strchr(names, ',');
        names = names ? names + 1 : NULL;
    }
    return names && params_is_keyword_word(names, strcspn(names, ","));
}

/* The third parameter of tp_new, tp_init, tp_call and METH_KEYWORDS functions is a dict that the
 * interpreter made for this one call. */
static bool
params_keywords(const struct body *b, long index)
{
    if (index == 2 && b->binding && str_list_has("tp_new,tp_init,tp_call", b->binding)) {
        return true;
    }
    /* Where callers cannot be followed, the name that everybody gives such a dict decides. */
    bool unseen = b->binding || b->address_taken || !b->callers.n;
    return unseen && params_keyword_name(b, index);
}

/* How well is the argument of a call guarded? */
enum private_guard { GUARD_NONE, GUARD_SOME_LOCK, GUARD_FULL };

/* Does the call stand where a test has said that the value is no dict? */
static bool
params_is_no_dict(const struct body *b, const struct fact_call *call, const char *value)
{
    SCAN_CALLS(b, test)
    {
        bool named = scan_call_is(test, "PyDict_Check,PyDict_CheckExact") ||
                     (test->macro && str_list_has("PyDict_Check,PyDict_CheckExact", test->macro));
        if (test->seq >= call->seq || !named || !str_same(test->result, "tested") ||
            !str_same(call_arg(b, test, 0), value)) {
            continue;
        }
        for (const struct fact_block *block = flow_block(b, call->block); block;
             block = block->parent != block->id ? flow_block(b, block->parent) : NULL) {
            if (str_same(block->kind, "else") && block->parent == test->block &&
                str_starts(block->cond, "nonzero(call:") && block->first > test->seq) {
                return true;
            }
        }
    }
    return false;
}

static enum private_guard
params_given(struct program *p, const struct body *caller, const struct fact_call *call,
             const char *value, bool *locked, int depth)
{
    if (((depth & PRIVATE_DICT) && params_is_no_dict(caller, call, value)) ||
        private_value(p, caller, value, call->seq, depth)) {
        return GUARD_FULL;
    }
    if (flow_in_critical_section(caller, call->seq, call->block, value)) {
        *locked = true;
        return GUARD_FULL;
    }
    return flow_in_critical_section(caller, call->seq, call->block, NULL) ? GUARD_SOME_LOCK
                                                                          : GUARD_NONE;
}

bool
private_param(struct program *p, const struct body *b, long index, int depth)
{
    if (params_keywords(b, index)) {
        return true;
    }
    if (b->binding || b->address_taken || !b->callers.n || private_is_deep(depth)) {
        return false;
    }
    enum private_guard worst = GUARD_FULL;
    bool locked = false;
    for (size_t i = 0; i < b->callers.n && worst != GUARD_NONE; i++) {
        const struct body *caller = b->callers.at[i];
        SCAN_CALLS(caller, call)
        {
            if (str_same(call->id, b->fact->id)) {
                enum private_guard guard = params_given(
                    p, caller, call, call_arg(caller, call, (int)index), &locked, depth + 1);
                worst = guard < worst ? guard : worst;
            }
        }
    }
    return worst == GUARD_FULL || (worst == GUARD_SOME_LOCK && locked);
}

bool
private_pointee(struct program *p, const struct body *b, const char *value, int depth)
{
    long index = strtol(value + strlen("deref:param:"), NULL, 10);
    if (b->binding || b->address_taken || !b->callers.n || private_is_deep(depth)) {
        return false;
    }
    for (size_t i = 0; i < b->callers.n; i++) {
        const struct body *caller = b->callers.at[i];
        SCAN_CALLS(caller, call)
        {
            const char *given =
                str_same(call->id, b->fact->id) ? call_arg(caller, call, (int)index) : NULL;
            const char *local = value_of(given, "addr");
            const char *made = local ? scan_resolve(caller, local, call->seq) : NULL;
            if (str_same(call->id, b->fact->id) &&
                (!str_starts(local, "local:") || !private_is_maker(p, made, depth + 1))) {
                return false;
            }
        }
    }
    return true;
}
