/* Objects that one thread at a time may use, by a flag in them; see busy.h. */
#include "passes/flow/busy.h"

#include <string.h>

enum { BUSY_MAX_EVENTS = 40 }; /* longer functions do more than guard */

/* The flag by which a short function lets one caller in at a time, under a lock:
 * `if (self->busy) fail = 1; else self->busy = 1;`. NULL when it is no such function. */
static const char *
busy_flag(struct program *p, const struct body *guard)
{
    if (guard->events.n > BUSY_MAX_EVENTS) {
        return NULL;
    }
    SCAN_ACCESSES(guard, a)
    {
        const char *number = str_same(a->how, "write") ? value_of(a->value, "const") : NULL;
        bool set = number && strcmp(number, "0") != 0 && str_starts(a->var, "param:") &&
                   str_starts(a->path, "->");
        const char *held = set ? locks_at(p, guard, a->seq) : NULL;
        if (!set ||
            ((!held || !*held) && !flow_in_critical_section(guard, a->seq, a->block, NULL))) {
            continue;
        }
        const char *test = arena_printf(&p->arena, "nonzero(field:%s%s)", a->var, a->path);
        for (size_t i = 0; i < guard->blocks.n; i++) {
            const struct fact_block *block = guard->blocks.at[i];
            if (block->cond && strstr(block->cond, test)) {
                return a->path;
            }
        }
    }
    return NULL;
}

/* Does the function clear the flag? */
static bool
busy_clears(const struct body *b, const char *flag)
{
    SCAN_ACCESSES(b, a)
    {
        if (str_same(a->how, "write") && str_same(a->path, flag) && str_same(a->value, "const:0")) {
            return true;
        }
    }
    return false;
}

bool
busy_entered(struct program *p, const struct body *b, long seq, long block)
{
    SCAN_CALLS(b, call)
    {
        const struct body *guard = call->seq < seq && flow_inside(b, block, call->block) &&
                                           !str_same(call->result, "discarded")
                                       ? scan_body(p, call->id)
                                       : NULL;
        const char *flag = guard && guard != b ? busy_flag(p, guard) : NULL;
        bool inside = flag != NULL;
        SCAN_CALLS(b, leave)
        {
            const struct body *target = inside && leave->seq > call->seq && leave->seq < seq &&
                                                flow_inside(b, block, leave->block)
                                            ? scan_body(p, leave->id)
                                            : NULL;
            inside = inside && !(target && busy_clears(target, flag));
        }
        if (inside) {
            return true;
        }
    }
    return false;
}
