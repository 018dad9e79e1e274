/* Stores through the pointers that a function gets; see pointees.h. */
#include "passes/objects/pointees.h"

#include <string.h>

enum { POINTEE_MAX_DEPTH = 3 };

static const struct fact_access *pointee_find(struct program *p, const struct body *b, int index,
                                              int depth);

/* Does the function itself hold nothing there? A section that all of its callers began does not
 * count: it ends where they let the GIL go. */
static bool
pointee_unlocked(struct program *p, const struct body *b, long seq, long block)
{
    return !flow_locked(p, b, seq) && !flow_in_critical_section(b, seq, block, NULL);
}

static const struct fact_access *
pointee_in_callees(struct program *p, const struct body *b, const char *param, int depth)
{
    SCAN_CALLS(b, call)
    {
        const struct body *target = depth < POINTEE_MAX_DEPTH ? scan_body(p, call->id) : NULL;
        bool enters = target && target != b && pointee_unlocked(p, b, call->seq, call->block);
        for (int i = 0; enters && i < call->nargs; i++) {
            const char *value = call_arg(b, call, i);
            const struct fact_access *found =
                value && str_same(scan_resolve(b, value, call->seq), param)
                    ? pointee_find(p, target, i, depth + 1)
                    : NULL;
            if (found) {
                return found;
            }
        }
    }
    return NULL;
}

static const struct fact_access *
pointee_find(struct program *p, const struct body *b, int index, int depth)
{
    const char *param = arena_printf(&p->arena, "param:%d", index);
    SCAN_ACCESSES(b, a)
    {
        bool stores = (str_same(a->how, "write") || str_same(a->how, "rmw")) &&
                      str_starts(a->path, "->") && strlen(a->path) > 2 && a->path[2] != '*' &&
                      a->path[2] != '[';
        if (stores && pointee_unlocked(p, b, a->seq, a->block) &&
            str_same(scan_resolve(b, a->var, a->seq), param)) {
            return a;
        }
    }
    return pointee_in_callees(p, b, param, depth);
}

const struct fact_access *
pointee_store(struct program *p, const struct body *b, int index)
{
    return pointee_find(p, b, index, 0);
}
