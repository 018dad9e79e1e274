/* Which code runs in a forked child only: `if (pid == 0) {...}`, a case of `switch (fork())` that
 * ends in exec or _exit, what follows `if (pid != 0) return`, and functions that only such places
 * call. */
#include "passes/flow/forked.h"

#include <string.h>

enum { FORKED_DEPTH = 4 };

static const char forked_makers[] = "fork,vfork,_Fork,clone,forkpty";
static const char forked_ends[] =
    "execv,execve,execvp,execvpe,execl,execlp,execle,fexecve,posix_spawn,_exit,_Exit";

/* Does the condition say TEST(what fork() gave)? */
static bool
forked_tests(struct program *p, const struct body *b, const struct fact_block *block,
             const char *test)
{
    size_t n = strlen(test);
    if (!block->cond || strncmp(block->cond, test, n) != 0) {
        return false;
    }
    const char *at = block->cond + n;
    const char *tested = intern_n(&p->facts->strings, at, strcspn(at, ",)"));
    const char *maker = value_of(tested, "call");
    SCAN_CALLS(b, call)
    {
        bool stored = call->seq < block->first && call->into && str_same(call->into, tested);
        maker = stored ? call->callee : maker;
    }
    return maker && str_list_has(forked_makers, maker);
}

/* Is there a jump of one of these kinds directly in the block, between two places? */
static bool
forked_jump(const struct body *b, long block, long after, long until, const char *kinds)
{
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)b->events.at[i];
        if (jump->at.kind == FACT_jump && jump->block == block && jump->seq > after &&
            jump->seq <= until && str_list_has(kinds, jump->kind)) {
            return true;
        }
    }
    return false;
}

/* Is it in the branch of the child, or behind a branch in which the parent went home? */
static bool
forked_by_test(struct program *p, const struct body *b, long seq, long block)
{
    for (size_t i = 0; i < b->blocks.n; i++) {
        const struct fact_block *at = b->blocks.at[i];
        bool then = str_same(at->kind, "then"), other = str_same(at->kind, "else");
        bool inside = flow_inside(b, block, at->id);
        if (inside && then && forked_tests(p, b, at, "zero(")) {
            return true;
        }
        if (inside && other &&
            (forked_tests(p, b, at, "nonzero(") || forked_tests(p, b, at, "gt("))) {
            return true;
        }
        if (!then || at->last >= seq || !flow_inside(b, block, at->parent) ||
            (!forked_tests(p, b, at, "nonzero(") && !forked_tests(p, b, at, "gt("))) {
            continue;
        }
        if (forked_jump(b, at->id, at->first - 1, at->last, "return")) {
            return true;
        }
    }
    return false;
}

/* A case of a switch on fork() that leads to exec or _exit without a break. */
static bool
forked_by_case(const struct body *b, long seq, long block)
{
    const struct fact_block *at = flow_block(b, block);
    while (at && !str_same(at->kind, "switch") && at->parent != at->id) {
        at = flow_block(b, at->parent);
    }
    const struct fact_call *fork = NULL;
    long end = -1;
    SCAN_CALLS(b, call)
    {
        bool close = at && call->seq < at->first && call->seq + 3 >= at->first;
        fork = close && scan_call_is(call, forked_makers) ? call : fork;
        if (end < 0 && call->seq >= seq && scan_call_is(call, forked_ends)) {
            end = call->seq;
        }
    }
    if (!fork || end < 0) {
        return false;
    }
    return !forked_jump(b, at->id, seq, end, "break,return");
}

static bool
forked_at_depth(struct program *p, const struct body *b, long seq, long block, int depth)
{
    if (forked_by_test(p, b, seq, block) || forked_by_case(b, seq, block)) {
        return true;
    }
    if (depth >= FORKED_DEPTH || !b->callers.n || b->binding || b->address_taken ||
        !str_same(b->fact->linkage, "internal")) {
        return false;
    }
    for (size_t i = 0; i < b->callers.n; i++) {
        const struct body *caller = b->callers.at[i];
        SCAN_CALLS(caller, call)
        {
            if (str_same(call->id, b->fact->id) && caller != b &&
                !forked_at_depth(p, caller, call->seq, call->block, depth + 1)) {
                return false;
            }
        }
    }
    return true;
}

bool
forked_is_child(struct program *p, const struct body *b, long seq, long block)
{
    return forked_at_depth(p, b, seq, block, 0);
}

bool
forked_child_ends(struct program *p, const struct body *b, const struct fact_call *fork)
{
    SCAN_CALLS(b, call)
    {
        if (call->seq <= fork->seq) {
            continue;
        }
        struct body *callee = program_body(p, call->id);
        if (scan_call_is(call, forked_ends) ||
            (callee && forked_is_child(p, b, call->seq, call->block) &&
             scan_reach_named(p, callee, forked_ends))) {
            return true;
        }
    }
    return false;
}
