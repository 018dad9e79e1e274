/* Look-ups that several passes share, so that none of them has to go through all facts. */
#include "passes/link.h"

void
program_list_add(struct program *p, struct map *m, const char *key, struct fact *f)
{
    if (!key) {
        return;
    }
    void **slot = map_slot(m, key);
    if (!*slot) {
        *slot = arena_alloc(&p->arena, sizeof(struct fact_list));
    }
    struct fact_list *list = *slot;
    vec_push(&list->all, f);
}

void
program_free_lists(struct map *m)
{
    for (size_t i = 0; i < m->cap; i++) {
        struct fact_list *list = m->cells[i].value;
        if (list) {
            vec_free(&list->all); /* access_list has the same shape */
        }
    }
    map_free(m);
}

/* The variable in var:ID or addr:var:ID. */
static const char *
program_named_variable(const char *value)
{
    const char *target = value_of(value, "addr");
    return value_of(target ? target : value, "var");
}

void
program_index_names(struct program *p)
{
    FACTS_EACH(p->facts, call, c)
    {
        program_list_add(p, &p->calls_named, c->callee, &c->at);
    }
    FACTS_EACH(p->facts, arg, a)
    {
        program_list_add(p, &p->args_naming, program_named_variable(a->value), &a->at);
    }
    FACTS_EACH(p->facts, typefield, f)
    {
        program_list_add(p, &p->fields_naming, program_named_variable(f->value), &f->at);
    }
    FACTS_EACH(p->facts, access, access)
    {
        if (!access->func || !*access->func) {
            program_list_add(p, &p->inits_of, value_of(access->context, "init"), &access->at);
        }
    }
}
