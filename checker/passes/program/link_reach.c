/* What an init function reaches: through calls, addresses, tables and initialisers. */
#include "passes/program/link_reach.h"

#include <string.h>

const struct module_set *
reach_set(const struct reach *r, const char *id)
{
    return map_get(&r->sets, id);
}

void
reach_add(struct reach *r, const char *id, size_t bit)
{
    if (!id) {
        return;
    }
    void **slot = map_slot(&r->sets, id);
    if (!*slot) {
        *slot = arena_alloc(&r->p->arena, sizeof(struct module_set));
    }
    struct module_set *set = *slot;
    if (!set_has(set, bit)) {
        set_add(set, bit);
        vec_push(&r->queue, id);
    }
}

/* The id in a descriptor: func:ID, var:ID, addr:var:ID, without members. */
static void
reach_value(struct reach *r, const char *value, size_t bit)
{
    const char *inner = value_of(value, "addr");
    inner = inner ? inner : value_of(value, "field");
    inner = inner ? inner : value_of(value, "index");
    inner = inner ? inner : value;
    const char *id = value_of(inner, "func");
    id = id ? id : value_of(inner, "var");
    if (!id) {
        return;
    }
    if (program_body(r->p, id) || program_variable(r->p, id)) {
        reach_add(r, id, bit);
        return;
    }
    /* A path follows the id. Member names hold neither '#' nor '/': cut at the last step. */
    struct str cut = {0};
    str_add(&cut, id);
    for (size_t n = cut.n; n > 0; n--) {
        if (cut.s[n - 1] == '.' || cut.s[n - 1] == '[' || strncmp(cut.s + n - 1, "->", 2) == 0) {
            cut.s[n - 1] = '\0';
            struct fact_variable *v = program_variable(r->p, cut.s);
            if (v) {
                reach_add(r, v->id, bit);
                break;
            }
        }
    }
    str_free(&cut);
}

static void
reach_body(struct reach *r, const struct body *b, size_t bit)
{
    for (size_t i = 0; i < b->callees.n; i++) {
        reach_add(r, b->callees.at[i]->fact->id, bit);
    }
    for (size_t i = 0; i < b->events.n; i++) {
        if (b->events.at[i]->kind == FACT_access) {
            const struct fact_access *a = (const struct fact_access *)(void *)b->events.at[i];
            if (value_of(a->var, "func")) {
                reach_value(r, a->var, bit);
            }
            else if (program_variable(r->p, a->var)) {
                reach_add(r, a->var, bit);
            }
        }
        else if (b->events.at[i]->kind == FACT_jump) {
            reach_value(r, ((const struct fact_jump *)(void *)b->events.at[i])->value, bit);
        }
    }
    for (size_t i = 0; i < b->args.n; i++) {
        reach_value(r, b->args.at[i]->value, bit);
    }
}

static void
reach_reference(struct reach *r, const struct fact *f, size_t bit)
{
    switch (f->kind) {
    case FACT_slot:
        reach_value(r, ((const struct fact_slot *)(const void *)f)->value, bit);
        break;
    case FACT_row:
        reach_value(r, ((const struct fact_row *)(const void *)f)->func, bit);
        reach_value(r, ((const struct fact_row *)(const void *)f)->setter, bit);
        break;
    case FACT_typefield:
        reach_value(r, ((const struct fact_typefield *)(const void *)f)->value, bit);
        break;
    case FACT_typespec:
        reach_value(r, ((const struct fact_typespec *)(const void *)f)->slots, bit);
        break;
    case FACT_moduledef: {
        const struct fact_moduledef *def = (const struct fact_moduledef *)(const void *)f;
        const char *const values[] = {def->methods, def->slots, def->traverse, def->clear,
                                      def->free};
        for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
            reach_value(r, values[i], bit);
        }
        break;
    }
    case FACT_access: {
        const struct fact_access *a = (const struct fact_access *)(const void *)f;
        if (value_of(a->var, "func")) {
            reach_value(r, a->var, bit);
        }
        else {
            reach_add(r, a->var, bit);
        }
        break;
    }
    default:
        break;
    }
}

void
reach_index(struct reach *r)
{
    const struct facts *facts = r->p->facts;
    FACTS_EACH(facts, slot, s)
    {
        program_list_add(r->p, &r->references, s->array, &s->at);
    }
    FACTS_EACH(facts, row, w)
    {
        program_list_add(r->p, &r->references, w->array, &w->at);
    }
    FACTS_EACH(facts, typefield, t)
    {
        program_list_add(r->p, &r->references, t->var, &t->at);
    }
    FACTS_EACH(facts, typespec, s)
    {
        program_list_add(r->p, &r->references, s->var, &s->at);
    }
    FACTS_EACH(facts, moduledef, d)
    {
        program_list_add(r->p, &r->references, d->var, &d->at);
    }
    FACTS_EACH(facts, access, a)
    {
        program_list_add(r->p, &r->references, value_of(a->context, "init"), &a->at);
    }
}

void
reach_run(struct reach *r, size_t bit)
{
    while (r->queue.n) {
        const char *id = r->queue.at[--r->queue.n];
        const struct body *b = program_body(r->p, id);
        if (b) {
            reach_body(r, b, bit);
        }
        struct fact_list *list = map_get(&r->references, id);
        for (size_t i = 0; list && i < list->all.n; i++) {
            reach_reference(r, list->all.at[i], bit);
        }
    }
}

void
reach_free(struct reach *r)
{
    program_free_lists(&r->references);
    map_free(&r->sets);
    vec_free(&r->queue);
}
