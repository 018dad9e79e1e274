/* Fields of shared objects that are filled on first use without a lock (LZY05). */
#include <string.h>

#include "passes/flow.h"

/* Functions in which the object is not shared yet, or not any more. */
static const char lazy_unshared[] = "tp_new,tp_init,tp_dealloc,tp_clear,tp_traverse,tp_finalize,"
                                    "tp_del,exec,create,pyinit,m_clear,m_free,m_traverse";

/* Does the condition say that this field is empty: null(field:local:self->cache)? */
static bool
lazy_tests_field(const struct fact_block *block, const struct fact_access *a)
{
    bool empty = str_starts(block->cond, "null(") || str_starts(block->cond, "zero(");
    struct str wanted = {0};
    str_addf(&wanted, "(field:%s%s)", a->var, a->path);
    bool found = empty && strcmp(strchr(block->cond, '('), wanted.s) == 0;
    str_free(&wanted);
    return found;
}

/* The object itself: the first parameter, or a local that is a cast of it. */
static bool
lazy_is_self(const struct body *b, const struct fact_access *a)
{
    return str_same(a->var, "param:0") || str_same(scan_resolve(b, a->var, a->seq), "param:0");
}

static bool
lazy_concerns(const struct fact_access *a)
{
    return str_same(a->how, "write") && str_starts(a->path, "->") && !strpbrk(a->path + 2, "[>.") &&
           (str_starts(a->value, "call:") || str_starts(a->value, "local:")) &&
           str_same(a->class, "object-pointer");
}

static void
lazy_check(struct program *p, const struct body *b, const struct fact_access *a)
{
    const struct fact_block *block = flow_block(b, a->block);
    for (size_t hops = 0; block && hops <= b->blocks.n; hops++) {
        if (str_same(block->kind, "then") && lazy_tests_field(block, a)) {
            bool guarded = flow_in_critical_section(b, a->seq, a->block, NULL) ||
                           locks_at(p, b, a->seq) != NULL;
            if (!guarded) {
                struct fact_flaw *flaw =
                    program_flaw(p, &a->at, b, "lazy-field", arena_string(&p->arena, a->path + 2));
                flaw_relate(p, flaw, &block->at, "found empty here");
            }
            return;
        }
        block = block->parent == block->id ? NULL : flow_block(b, block->parent);
    }
}

void
pass_lazy_fields(struct program *p)
{
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (!flow_runs(b) || (b->binding && str_list_has(lazy_unshared, b->binding))) {
            continue;
        }
        SCAN_ACCESSES(b, a)
        {
            if (lazy_concerns(a) && lazy_is_self(b, a)) {
                lazy_check(p, b, a);
            }
        }
    }
}
