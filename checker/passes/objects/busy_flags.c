/* Flags in objects that keep a second caller out, asked and set in two steps (OBJ08). */
#include <string.h>

#include "passes/objects/announced.h"
#include "passes/objects/shared_roots.h"

/* The branch in front of the store that is taken where the member is set already. */
static const struct fact_block *
flags_test(const struct body *b, const struct fact_access *store, const char *member)
{
    size_t n = strlen(member);
    for (size_t i = 0; i < b->blocks.n; i++) {
        const struct fact_block *block = b->blocks.at[i];
        const char *cond = str_same(block->kind, "then") && block->last < store->seq &&
                                   !flow_inside(b, store->block, block->id)
                               ? block->cond
                               : NULL;
        const char *at = cond ? strstr(cond, "nonzero(field:") : NULL;
        for (; at; at = strstr(at + 1, "nonzero(field:")) {
            const char *end = strchr(at, ')');
            if (end && (size_t)(end - at) > n + 2 && strncmp(end - n, member, n) == 0 &&
                strncmp(end - n - 2, "->", 2) == 0 && announced_refuses(b, block)) {
                return block;
            }
        }
    }
    return NULL;
}

/* Is the flag given back, here or (of a helper that only sets it) by another function? */
static bool
flags_clears(struct program *p, const struct body *b, const struct fact_access *store)
{
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *other = p->bodies.at[i];
        if (other != b && b->binding) {
            continue;
        }
        SCAN_ACCESSES(other, a)
        {
            if (str_same(a->how, "write") && str_same(a->value, "const:0") &&
                str_same(a->path, store->path) && str_same(a->class, store->class) &&
                (other != b || a->seq > store->seq) && (other == b || (other->entry & ENTRY_RUN))) {
                return true;
            }
        }
    }
    return false;
}

static void
flags_check(struct program *p, const struct shared_roots *roots, const struct body *b,
            const struct fact_access *a, struct map *seen)
{
    struct root_field where;
    const char *number = str_same(a->how, "write") ? value_of(a->value, "const") : NULL;
    if (!number || str_same(number, "0") ||
        !roots_field(p, roots, b, a->var, a->path, a->class, a->seq, &where) || where.initial ||
        where.inner || !where.direct || !roots_unlocked(p, b, a->seq, a->block)) {
        return;
    }
    const struct fact_member *m = roots_field_member(p, &where);
    const struct fact_block *test =
        m && str_same(m->class, "scalar") && !(m->type && strstr(m->type, "tomic"))
            ? flags_test(b, a, where.field)
            : NULL;
    test = test && flags_clears(p, b, a) ? test : NULL;
    void **slot =
        test ? map_slot(seen, arena_printf(&p->arena, "%s %s", where.record, where.field)) : NULL;
    if (slot && !*slot) {
        struct fact_flaw *flaw = program_flaw(p, &a->at, b, "busy-unlocked", where.field);
        flaw->detail = where.record;
        flaw->detail2 = b->fact->name;
        flaw_relate(p, flaw, &test->at, "asked here");
        *slot = flaw;
    }
}

void
pass_busy_flags(struct program *p)
{
    const struct shared_roots *roots = roots_of(p);
    struct map seen = {0};
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (map_get(&roots->masks, b->fact->id)) {
            SCAN_ACCESSES(b, a)
            {
                flags_check(p, roots, b, a, &seen);
            }
        }
    }
    map_free(&seen);
}
