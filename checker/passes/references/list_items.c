/* Items of lists that are reached through the struct, past the API (CON05). */
#include <string.h>

#include "passes/objects/shared_roots.h"
#include "passes/references/private.h"

/* A list that code here works on through its struct while other threads can change it. Macros of
 * the API are other rules' business. */
static bool
items_concern(struct program *p, const struct body *b, const struct fact_access *a)
{
    if (!str_same(a->class, "PyListObject") || !str_starts(a->path, "->ob_item") ||
        str_starts(a->macro, "PyList_") || str_starts(a->macro, "PySequence_")) {
        return false;
    }
    const char *list = scan_resolve(b, a->var, a->seq);
    return (str_starts(list, "param:") || str_starts(list, "field:")) &&
           roots_unlocked(p, b, a->seq, a->block) && !private_value(p, b, a->var, a->seq, 0) &&
           !private_value(p, b, list, a->seq, 0);
}

void
pass_list_items(struct program *p)
{
    struct map seen = {0};
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (!flow_runs(b) || roots_generated(p, &b->fact->at)) {
            continue;
        }
        SCAN_ACCESSES(b, a)
        {
            if (!items_concern(p, b, a)) {
                continue;
            }
            void **slot = map_slot(&seen, arena_printf(&p->arena, "%s %s", b->fact->id, a->var));
            if (!*slot) {
                *slot = program_flaw(p, &a->at, b, "list-items-direct", flow_text(p, b, a->var));
            }
        }
    }
    map_free(&seen);
}
