/* Which functions belong to a library that knows no Python, and where the module calls it. */
#include "passes/flow/vendored.h"

#include <string.h>

enum { VENDORED_DEPTH = 6 };

void
vendored_index(struct program *p, struct map *files)
{
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        void **slot = map_slot(files, b->fact->at.file);
        SCAN_CALLS(b, call)
        {
            if (!*slot && flow_is_python(call)) {
                *slot = p;
            }
        }
    }
}

/* Does the call hand over the address of a member, as in `&self->output`? */
static bool
vendored_gives_member(const struct body *b, const struct fact_call *call)
{
    for (int i = 0; i < call->nargs; i++) {
        const char *value = call_arg(b, call, i);
        if ((str_starts(value, "addr:") || str_starts(value, "field:")) && strstr(value, "->")) {
            return true;
        }
    }
    return false;
}

static const struct fact_call *
vendored_above(const struct map *files, const struct body *b, const struct body **in, int depth)
{
    const struct fact_call *found = NULL;
    for (size_t i = 0; i < b->callers.n && !found; i++) {
        const struct body *caller = b->callers.at[i];
        if (caller == b || depth > VENDORED_DEPTH) {
            continue;
        }
        if (!map_get(files, caller->fact->at.file)) {
            found = vendored_above(files, caller, in, depth + 1);
            continue;
        }
        SCAN_CALLS(caller, call)
        {
            if (!found && str_same(call->id, b->fact->id) && flow_runs(caller) &&
                vendored_gives_member(caller, call)) {
                found = call;
                *in = caller;
            }
        }
    }
    return found;
}

const struct fact_call *
vendored_entry(const struct map *files, const struct body *b, const struct body **in)
{
    return map_get(files, b->fact->at.file) ? NULL : vendored_above(files, b, in, 0);
}
