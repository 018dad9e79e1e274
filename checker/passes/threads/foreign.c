/* Functions that begin on a thread without a thread state and use the API there: what starts
 * threads, and libraries that call back on threads of their own (THD05, THD06); the current thread
 * state compared with NULL, which it never is (THD12). */
#include <string.h>

#include "passes/flow/flow.h"
#include "passes/threads/regions.h"

void pass_foreign(struct program *p);

static const char foreign_current[] = "PyThreadState_Get,PyThreadState_GET,PyInterpreterState_Get";
static const char foreign_attach[] =
    "PyGILState_Ensure,PyEval_AcquireThread,PyEval_RestoreThread,PyThreadState_New,"
    "PyThreadState_Swap,PyThreadState_Ensure,PyThreadState_EnsureFromView,Py_NewInterpreter";

/* `&Job::run` as the first argument of std::thread: nothing says what it is an argument of. */
static const char *
foreign_next_call(const struct program *p, const struct fact_access *a)
{
    const struct body *b = scan_body(p, a->func);
    const struct fact_call *next = NULL;
    for (size_t i = 0; b && !next && i < b->calls.n; i++) {
        const struct fact_call *call = b->calls.at[i];
        next = call->seq > a->seq && call->at.line == a->at.line ? call : NULL;
        if (call->seq > a->seq) {
            break;
        }
    }
    return next && scan_call_is(next, "thread,jthread,async") ? next->callee : NULL;
}

/* The call that a function is handed to, as a name. */
static const char *
foreign_given_to(struct program *p, const struct fact_access *a)
{
    const char *callee = value_of(a->context, "arg");
    const char *colon = callee ? strrchr(callee, ':') : NULL;
    bool member = !callee && str_same(a->how, "addr") && strstr(a->var, "::") != NULL;
    return colon    ? arena_copy(&p->arena, callee, (size_t)(colon - callee))
           : member ? foreign_next_call(p, a)
                    : NULL;
}

static void
foreign_check_start(struct program *p, const struct fact_access *a)
{
    struct body *start = program_value_body(p, a->var);
    const char *by = start ? foreign_given_to(p, a) : NULL;
    const char *thread = by ? flow_cell(p, "callbacks", by, "thread") : NULL;
    bool is_new = str_same(thread, "new");
    if (is_new || str_same(thread, "own")) {
        struct region_start given = {is_new ? "foreign-thread" : "foreign-callback", by, &a->at};
        regions_walk_start(p, start, &given);
    }
}

/* `if (PyThreadState_Get() == NULL) state = PyGILState_Ensure();`, also through a local. */
static void
foreign_check_test(struct program *p, const struct body *b, const struct fact_block *block)
{
    if (!str_starts(block->cond, "null(") || !str_same(block->kind, "then")) {
        return;
    }
    const char *tested = block->cond + strlen("null(");
    const char *value = arena_copy(&p->arena, tested, strcspn(tested, ")"));
    const char *name = value_of(scan_resolve(b, value, block->first), "call");
    const struct fact_call *get = NULL;
    bool attaches = false;
    SCAN_CALLS(b, call)
    {
        get = name && call->seq <= block->first && str_same(call->callee, name) ? call : get;
        attaches |= scan_call_is(call, foreign_attach) && flow_inside(b, call->block, block->id);
    }
    if (attaches && get && scan_call_is(get, foreign_current)) {
        struct fact_flaw *flaw = program_flaw(p, &get->at, b, "threadstate-null", get->callee);
        flaw_relate(p, flaw, &block->at, "it is compared with NULL here");
    }
}

void
pass_foreign(struct program *p)
{
    FACTS_EACH(p->facts, access, a)
    {
        if (str_starts(a->var, "func:")) {
            foreign_check_start(p, a);
        }
    }
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        for (size_t k = 0; b->entry && k < b->blocks.n; k++) {
            foreign_check_test(p, b, b->blocks.at[k]);
        }
    }
}
