/* Guards of C++ that detach or attach for a scope: those of pybind11 and nanobind, and classes of
 * the project whose constructor does it. */
#include <string.h>

#include "passes/threads/regions.h"

static enum guard
regions_guard_made(const struct program *p, const struct fact_call *made)
{
    if (strstr(made->callee, "gil_scoped_release")) {
        return GUARD_DETACHES;
    }
    if (strstr(made->callee, "gil_scoped_acquire")) {
        return GUARD_ATTACHES;
    }
    const struct body *constructor = made->id ? program_body(p, made->id) : NULL;
    const char *params = constructor ? constructor->fact->params : NULL;
    if (params && str_list_has(params, "scalar")) {
        return GUARD_UNKNOWN; /* `ReleaseGIL guard(flag);` */
    }
    enum guard guard = GUARD_UNKNOWN;
    for (size_t i = 0; constructor && i < constructor->calls.n; i++) {
        const struct fact_call *call = constructor->calls.at[i];
        bool direct = call->block <= 1; /* not under a condition */
        guard = !direct                               ? GUARD_UNKNOWN
                : scan_call_is(call, regions_save)    ? GUARD_DETACHES
                : scan_call_is(call, regions_ensure)  ? GUARD_ATTACHES
                : scan_call_is(call, regions_restore) ? GUARD_ATTACHES
                                                      : guard;
    }
    return guard;
}

/* A method of the guard's class, by the ids `Guard::Guard()` and `Guard::restore()`. */
static bool
regions_guard_method(const struct fact_call *made, const struct fact_call *call)
{
    const char *open = made->id ? strchr(made->id, '(') : NULL;
    const char *name = open;
    while (name && name > made->id && name[-1] != ':') {
        name--;
    }
    size_t prefix = name ? (size_t)(name - made->id) : 0;
    bool same = prefix && call->id && strncmp(call->id, made->id, prefix) == 0;
    return str_same(call->callee, "disarm") || (same && !str_same(call->id, made->id));
}

/* Guards are those locals whose end of scope is known. One whose methods are called may change its
 * mind. At the end of the scope the guard undoes what it did. */
enum guard
regions_guard(const struct flow *flow, const struct fact_call *call)
{
    bool ends = call->callee && call->callee[0] == '~' && call->on;
    const char *local = ends ? call->on : call->into;
    const struct fact_call *made = NULL, *end = NULL;
    for (size_t i = 0; str_starts(local, "local:") && i < flow->b->calls.n; i++) {
        const struct fact_call *other = flow->b->calls.at[i];
        bool is_end = other->callee && other->callee[0] == '~' && str_same(other->on, local);
        made = str_same(other->into, local) && other->seq <= call->seq ? other : made;
        end = is_end && other->seq >= call->seq && !end ? other : end;
        if (!is_end && str_same(other->on, local)) {
            return GUARD_UNKNOWN;
        }
    }
    bool known =
        made && end &&
        (strstr(end->callee, "gil") || strstr(end->callee, "GIL") || strstr(end->callee, "Gil") ||
         strstr(end->callee, "Thread") || strstr(end->callee, "thread"));
    for (size_t i = 0; known && i < flow->b->calls.n; i++) {
        if (regions_guard_method(made, flow->b->calls.at[i])) {
            return GUARD_UNKNOWN;
        }
    }
    enum guard guard = known ? regions_guard_made(flow->p, made) : GUARD_NONE;
    return !ends || guard == GUARD_NONE || guard == GUARD_UNKNOWN ? guard
           : guard == GUARD_DETACHES                              ? GUARD_ATTACHES
                                                                  : GUARD_DETACHES;
}
