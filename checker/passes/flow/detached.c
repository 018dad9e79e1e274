/* Places without an attached thread state; see detached.h. */
#include "passes/flow/detached.h"

#include <string.h>

enum { DETACHED_MAX_DEPTH = 2 };

static const char detached_saves[] = "PyEval_SaveThread,PyEval_ReleaseThread";
static const char detached_restores[] =
    "PyEval_RestoreThread,PyEval_AcquireThread,PyGILState_Ensure,PyThreadState_Ensure,"
    "PyThreadState_EnsureFromView,PyThreadState_Swap";

static bool
detached_is(const struct fact_call *call, const char *names, const char *scoped)
{
    return scan_call_is(call, names) ||
           (call->callee && strstr(call->callee, scoped) && !strchr(call->callee, '~') &&
            str_starts(call->into, "local:"));
}

bool
detached_here(const struct body *b, long seq, long block)
{
    bool detached = false;
    SCAN_CALLS(b, call)
    {
        if (call->seq >= seq) {
            break;
        }
        if (!flow_inside(b, block, call->block)) {
            continue;
        }
        if (detached_is(call, detached_saves, "gil_scoped_release")) {
            detached = true;
        }
        else if (detached_is(call, detached_restores, "gil_scoped_acquire")) {
            detached = false;
        }
    }
    return detached;
}

static bool
detached_by_caller(const struct body *b, int depth)
{
    for (size_t i = 0; depth < DETACHED_MAX_DEPTH && i < b->callers.n; i++) {
        const struct body *caller = b->callers.at[i];
        SCAN_CALLS(caller, call)
        {
            if (str_same(call->id, b->fact->id) && detached_here(caller, call->seq, call->block)) {
                return true;
            }
        }
        if (caller != b && detached_by_caller(caller, depth + 1)) {
            return true;
        }
    }
    return false;
}

bool
detached_at(const struct body *b, long seq, long block)
{
    SCAN_CALLS(b, call)
    {
        /* Whoever attaches in the function itself knows what it does. */
        if (call->seq < seq && detached_is(call, detached_restores, "gil_scoped_acquire")) {
            return detached_here(b, seq, block);
        }
    }
    return detached_here(b, seq, block) || detached_by_caller(b, 0);
}
