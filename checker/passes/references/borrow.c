/* Where a borrowed reference goes in the function that obtains it; see borrow.h. */
#include "passes/references/borrow.h"

#include <string.h>

bool
borrow_is_result(const struct fact_call *call, const char *value, int line)
{
    if (line != call->at.line || !value) {
        return false;
    }
    return str_same(value_of(value, "call"), call->callee) ||
           (str_same(call->origin, "macro") && strstr(value, "ob_item") != NULL);
}

void
borrow_begin(struct borrow *at, struct owned_fields *fields, const struct body *b,
             const struct fact_call *call)
{
    *at = (struct borrow){.p = fields->p, .fields = fields, .b = b, .call = call};
    at->into = call->into && *call->into ? call->into : NULL;
    SCAN_ACCESSES(b, a)
    {
        bool whole = str_starts(a->var, "local:") && (!a->path || !*a->path);
        if (!whole || !str_same(a->how, "write") || a->seq <= call->seq) {
            continue;
        }
        if (!at->into && borrow_is_result(call, a->value, a->at.line)) {
            at->into = a->var;
        }
    }
}

static long
borrow_block_of(const struct borrow *at, long seq)
{
    SCAN_CALLS(at->b, call)
    {
        if (call->seq == seq) {
            return call->block;
        }
    }
    return at->call->block;
}

bool
borrow_in_range(const struct borrow *at, long seq, long block)
{
    if (seq <= at->call->seq) {
        return false;
    }
    SCAN_ACCESSES(at->b, a)
    {
        if (a->seq > at->call->seq && a->seq < seq && str_same(a->how, "write") &&
            str_same(a->var, at->into) && (!a->path || !*a->path) &&
            !borrow_is_result(at->call, a->value, a->at.line) &&
            flow_inside(at->b, block, a->block)) {
            return false;
        }
    }
    return true;
}

bool
borrow_is_given(const struct borrow *at, const struct fact_call *call, int index)
{
    const char *value = call_arg(at->b, call, index);
    return at->into ? str_same(value, at->into) && borrow_in_range(at, call->seq, call->block)
                    : borrow_is_result(at->call, value, call->at.line);
}

const struct fact_call *
borrow_incref(const struct borrow *at)
{
    SCAN_CALLS(at->b, call)
    {
        if (flow_takes_reference(call->callee) && borrow_is_given(at, call, 0)) {
            return call;
        }
    }
    return NULL;
}

/* Is the result part of a condition, and of nothing else: `if (PyDict_GetItem(d, k) != NULL)`? */
static bool
borrow_is_compared(const struct borrow *at)
{
    const struct fact_call *call = at->call;
    const char *name = arena_printf(&at->p->arena, "call:%s", call->callee);
    bool condition = false, macro = str_same(call->origin, "macro");
    for (size_t i = 0; i < at->b->blocks.n && !condition; i++) {
        const struct fact_block *block = at->b->blocks.at[i];
        /* Of a macro the condition has what it expands to: `PyList_GET_ITEM(l, i) == x`. */
        bool compared = macro && block->cond &&
                        (strstr(block->cond, "eq(") != NULL || strstr(block->cond, "ne(") != NULL);
        condition = block->cond && block->first <= call->seq + 1 && block->last >= call->seq &&
                    (compared ? strstr(block->cond, "->ob_item->[]") != NULL
                              : flow_mentions(block->cond, name));
    }
    for (size_t i = 0; condition && i < at->b->args.n; i++) {
        const struct fact_arg *arg = at->b->args.at[i];
        condition = arg->seq < call->seq || arg->seq > call->seq + 1 ||
                    !str_same(value_of(arg->value, "call"), call->callee);
    }
    return condition;
}

bool
borrow_is_used(const struct borrow *at)
{
    const char *result = at->call->result;
    if (!at->into) {
        return !str_same(result, "tested") && !str_same(result, "discarded") &&
               !borrow_is_compared(at);
    }
    if (!str_starts(at->into, "local:")) {
        return true;
    }
    for (size_t i = 0; i < at->b->args.n; i++) {
        const struct fact_arg *arg = at->b->args.at[i];
        if (flow_mentions(arg->value, at->into) &&
            borrow_in_range(at, arg->seq, borrow_block_of(at, arg->seq))) {
            return true;
        }
    }
    for (size_t i = 0; i < at->b->events.n; i++) {
        const struct fact *e = at->b->events.at[i];
        const struct fact_access *a = (const struct fact_access *)(const void *)e;
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)e;
        bool named =
            e->kind == FACT_access
                ? flow_mentions(a->value, at->into) ||
                      (str_same(a->var, at->into) &&
                       ((a->path && *a->path) || (a->context && !str_same(a->context, "tested"))))
                : e->kind == FACT_jump && flow_mentions(jump->value, at->into);
        if (named &&
            borrow_in_range(at, flow_seq_of(e), e->kind == FACT_access ? a->block : jump->block)) {
            return true;
        }
    }
    return false;
}

struct fact_flaw *
borrow_flaw(struct borrow *at, const char *what)
{
    struct fact_flaw *flaw = program_flaw(at->p, &at->call->at, at->b, what, at->call->callee);
    flaw->symbol = at->call->callee;
    const char *text = call_arg_text(at->b, at->call, 0);
    text = text && *text ? text : flow_text(at->p, at->b, call_arg(at->b, at->call, 0));
    flaw->detail = text ? text : "the container";
    return flaw;
}
