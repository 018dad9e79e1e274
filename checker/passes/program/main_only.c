/* Places that only the main interpreter reaches: behind
 * `if (PyInterpreterState_Get() != PyInterpreterState_Main()) { raise; return; }`. */
#include <string.h>

#include "passes/program/link.h"

/* Is the call PyInterpreterState_Main(), or a small function that asks for it? */
static bool
main_only_asks(const struct program *p, const char *callee)
{
    if (strcmp(callee, "PyInterpreterState_Main") == 0 ||
        strcmp(callee, "_Py_IsMainInterpreter") == 0) {
        return true;
    }
    const struct body *b = program_body(p, callee);
    if (!b || b->events.n > 8) {
        return false;
    }
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_call *c = (const struct fact_call *)(const void *)b->events.at[i];
        if (c->at.kind == FACT_call && (str_same(c->callee, "PyInterpreterState_Main") ||
                                        str_same(c->callee, "_Py_IsMainInterpreter"))) {
            return true;
        }
    }
    return false;
}

/* Does the condition hold outside the main interpreter? ne(..Get, ..Main), zero(is_main()). */
static bool
main_only_refuses(const struct program *p, const char *cond)
{
    bool negative =
        str_starts(cond, "ne(") || str_starts(cond, "zero(") || str_starts(cond, "null(");
    for (const char *at = negative ? strstr(cond, "call:") : NULL; at;
         at = strstr(at + 1, "call:")) {
        size_t n = strcspn(at + 5, ",)");
        const char *callee = intern_n(&p->facts->strings, at + 5, n);
        if (main_only_asks(p, callee)) {
            return true;
        }
    }
    return false;
}

static bool
main_only_returns(const struct body *b, const struct fact_block *block)
{
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_jump *j = (const struct fact_jump *)(const void *)b->events.at[i];
        if (j->at.kind == FACT_jump && j->seq >= block->first && j->seq <= block->last &&
            str_same(j->kind, "return")) {
            return true;
        }
    }
    return false;
}

static bool
main_only_inside(const struct program *p, const struct body *b, long seq)
{
    for (size_t i = 0; i < b->blocks.n; i++) {
        const struct fact_block *block = b->blocks.at[i];
        if (block->last < seq && str_same(block->kind, "then") && block->cond &&
            main_only_refuses(p, block->cond) && main_only_returns(b, block)) {
            return true;
        }
    }
    return false;
}

/* Every call of a static function may stand behind the check instead. */
static bool
main_only_callers(const struct program *p, const struct body *b, int depth)
{
    if (b->binding || b->address_taken || !b->callers.n || depth > 3) {
        return false;
    }
    for (size_t i = 0; i < b->callers.n; i++) {
        const struct body *caller = b->callers.at[i];
        for (size_t k = 0; k < caller->events.n; k++) {
            const struct fact_call *c =
                (const struct fact_call *)(const void *)caller->events.at[k];
            if (c->at.kind == FACT_call && str_same(c->id, b->fact->id) &&
                !main_only_inside(p, caller, c->seq) && !main_only_callers(p, caller, depth + 1)) {
                return false;
            }
        }
    }
    return true;
}

bool
main_only_at(const struct program *p, const struct body *b, long seq)
{
    return main_only_inside(p, b, seq) || main_only_callers(p, b, 0);
}
