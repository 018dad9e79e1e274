/* Critical sections: jumps out of them (LCK01) and halves that do not match (LCK02). */
#include <string.h>

#include "passes/flow/flow.h"

static bool
sections_is_begin(const struct fact_call *call)
{
    return str_starts(call->callee, "PyCriticalSection") && strstr(call->callee, "_Begin");
}

static bool
sections_is_end(const struct fact_call *call)
{
    return str_starts(call->callee, "PyCriticalSection") && str_ends(call->callee, "_End");
}

static bool
sections_is_pair(const struct fact_call *call)
{
    return str_starts(call->callee, "PyCriticalSection2");
}

/* The end in the same block behind the begin; NULL when there is none. Sections nest. */
static const struct fact_call *
sections_end_of(const struct body *b, const struct fact_call *begin)
{
    int depth = 0;
    SCAN_CALLS(b, call)
    {
        if (call->seq <= begin->seq || call->block != begin->block) {
            continue;
        }
        if (sections_is_begin(call)) {
            depth++;
        }
        else if (sections_is_end(call) && depth-- == 0) {
            return call;
        }
    }
    return NULL;
}

/* Was the section ended by hand on the path to the jump? */
static bool
sections_ended_before(const struct body *b, const struct fact_call *begin,
                      const struct fact_jump *jump)
{
    SCAN_CALLS(b, call)
    {
        if (sections_is_end(call) && call->seq > begin->seq && call->seq < jump->seq &&
            flow_inside(b, jump->block, call->block)) {
            return true;
        }
    }
    return false;
}

static void
sections_escape(struct program *p, const struct body *b, const struct fact_jump *jump,
                const struct fact *begin)
{
    struct fact_flaw *flaw = program_flaw(p, &jump->at, b, "section-escape", jump->kind);
    flaw_relate(p, flaw, begin, "the critical section begins here");
}

static void
sections_check_jumps(struct program *p, const struct body *b, const struct fact_call *begin,
                     const struct fact_call *end)
{
    for (size_t i = 0; i < b->events.n; i++) {
        if (b->events.at[i]->kind != FACT_jump) {
            continue;
        }
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)b->events.at[i];
        if (jump->seq > begin->seq && (!end || jump->seq < end->seq) &&
            flow_leaves(b, jump, begin->block) && !sections_ended_before(b, begin, jump)) {
            sections_escape(p, b, jump, &begin->at);
        }
    }
}

/* The GIL flavour leaves nothing of the macros but the block they open. */
static void
sections_check_block(struct program *p, const struct body *b, const struct fact_block *block)
{
    for (size_t i = 0; i < b->events.n; i++) {
        const struct fact_jump *jump = (const struct fact_jump *)(const void *)b->events.at[i];
        if (b->events.at[i]->kind == FACT_jump && flow_leaves(b, jump, block->id)) {
            sections_escape(p, b, jump, &block->at);
        }
    }
}

static bool
sections_has_end(const struct body *b)
{
    SCAN_CALLS(b, call)
    {
        if (sections_is_end(call)) {
            return true;
        }
    }
    return false;
}

static void
sections_check_call(struct program *p, const struct body *b, const struct fact_call *begin)
{
    const struct fact_call *end = sections_end_of(b, begin);
    /* A wrapper around PyCriticalSection_Begin() gets the section as a parameter. */
    bool own = str_starts(call_arg(b, begin, 0), "addr:local:");
    if (end && sections_is_pair(begin) != sections_is_pair(end)) {
        struct fact_flaw *flaw = program_flaw(p, &end->at, b, "section-unbalanced", end->callee);
        flaw->detail = begin->callee;
        flaw_relate(p, flaw, &begin->at, "the section begins here");
        return;
    }
    if (!end && own && !sections_has_end(b)) {
        struct fact_flaw *flaw =
            program_flaw(p, &begin->at, b, "section-unbalanced", begin->callee);
        flaw->detail = "nothing";
        return;
    }
    sections_check_jumps(p, b, begin, end);
}

void
pass_sections(struct program *p)
{
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        bool any = false;
        SCAN_CALLS(b, call)
        {
            if (sections_is_begin(call)) {
                any = true;
                sections_check_call(p, b, call);
            }
        }
        for (size_t k = 0; !any && k < b->blocks.n; k++) {
            if (str_starts(b->blocks.at[k]->macro, "Py_BEGIN_CRITICAL_SECTION")) {
                sections_check_block(p, b, b->blocks.at[k]);
            }
        }
    }
}
