/* The indexes of the program: functions with their events, variables, tables, types, and look-ups
 * that several passes share, so that none of them has to go through all facts. */
#include <string.h>

#include "passes/program/link.h"

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

static void
index_normalise(struct program *p)
{
    const struct api_table *aliases = ruleset_table(p->rules, "ast_aliases");
    if (!aliases) {
        return;
    }
    FACTS_EACH(p->facts, call, c)
    {
        const char *spelling =
            c->origin && (strcmp(c->origin, "python") == 0 || strcmp(c->origin, "macro") == 0)
                ? api_table_cell(aliases, c->callee, "spelling")
                : NULL;
        if (spelling) {
            c->callee = facts_intern(p->facts, spelling);
        }
    }
}

/* A header's functions stand in the facts of every unit that includes it: the first ones count. */
static void
index_bodies(struct program *p)
{
    FACTS_EACH(p->facts, function, f)
    {
        if (!f->id || program_body(p, f->id)) {
            continue;
        }
        struct body *b = arena_alloc(&p->arena, sizeof(*b));
        b->fact = f;
        b->index = p->bodies.n;
        map_set(&p->body_by_id, f->id, b);
        vec_push(&p->bodies, b);
    }
}

static struct body *
index_event_body(struct program *p, struct body_cursor *last, const char *func,
                 const struct fact *at)
{
    struct body *b = program_body_again(p, last, func);
    return b && b->fact->at.unit == at->unit ? b : NULL;
}

static void
index_access(struct body *b, struct fact_access *a)
{
    size_t n = b->accesses.n;
    b->unordered |= n && b->accesses.at[n - 1]->seq > a->seq;
    vec_push(&b->accesses, a);
    if (str_same(a->how, "write") && (!a->path || !*a->path) && str_starts(a->var, "local:")) {
        vec_push(&b->writes, a);
    }
}

/* Blocks are numbered from 1 as they open. Facts of another making must not lead the walks outwards
 * round in circles. */
static void
index_block(struct body *b, struct fact_block *block)
{
    if (b && block->id > 0) {
        block->parent = block->parent < block->id ? block->parent : 0;
        vec_push(&b->blocks, block);
    }
}

/* Facts come in execution order, except that a lambda's stand in the middle of its function's. */
static void
index_events(struct program *p)
{
    struct body_cursor last = {0};
    for (size_t i = 0; i < p->facts->all.n; i++) {
        struct fact *f = p->facts->all.at[i];
        struct body *b;
        switch (f->kind) {
        case FACT_call:
            b = index_event_body(p, &last, ((struct fact_call *)(void *)f)->func, f);
            if (b) {
                vec_push(&b->events, f);
                vec_push(&b->calls, (struct fact_call *)(void *)f);
            }
            break;
        case FACT_access:
            b = index_event_body(p, &last, ((struct fact_access *)(void *)f)->func, f);
            if (b) {
                vec_push(&b->events, f);
                index_access(b, (struct fact_access *)(void *)f);
            }
            break;
        case FACT_jump:
            b = index_event_body(p, &last, ((struct fact_jump *)(void *)f)->func, f);
            if (b) {
                vec_push(&b->events, f);
            }
            break;
        case FACT_block:
            index_block(index_event_body(p, &last, ((struct fact_block *)(void *)f)->func, f),
                        (struct fact_block *)(void *)f);
            break;
        case FACT_arg:
            b = index_event_body(p, &last, ((struct fact_arg *)(void *)f)->func, f);
            if (b) {
                vec_push(&b->args, (struct fact_arg *)(void *)f);
            }
            break;
        default:
            break;
        }
    }
}

/* One fact per variable: a definition wins over declarations, the first over later ones. */
static void
index_variables(struct program *p)
{
    FACTS_EACH(p->facts, variable, v)
    {
        struct fact_variable *known = program_variable(p, v->id);
        /* `static PyTypeObject T;` further up only announces the one with the initialiser. */
        bool fuller = known && known->is_definition && v->is_definition &&
                      known->at.unit == v->at.unit && str_same(known->init, "none") &&
                      !str_same(v->init, "none");
        if (!known || fuller || (!known->is_definition && v->is_definition)) {
            map_set(&p->variable_by_id, v->id, v);
        }
    }
    size_t kept = 0;
    size_t n = p->facts->by_kind[FACT_variable].n;
    struct fact **all = p->facts->by_kind[FACT_variable].at;
    for (size_t i = 0; i < n; i++) {
        struct fact_variable *v = (struct fact_variable *)(void *)all[i];
        if (program_variable(p, v->id) == v) {
            all[kept++] = all[i];
        }
    }
    p->facts->by_kind[FACT_variable].n = kept;
}

/* Tables of a header, or of a unit that is listed twice, count once: as their variable does. */
static bool
index_keeps(const struct program *p, const char *id, const struct fact *at)
{
    const struct fact_variable *v = program_variable(p, id);
    return !v || v->at.unit == at->unit;
}

static void
index_tables(struct program *p)
{
    FACTS_EACH(p->facts, slot, s)
    {
        if (index_keeps(p, s->array, &s->at)) {
            program_list_add(p, &p->slots_of, s->array, &s->at);
        }
    }
    FACTS_EACH(p->facts, row, r)
    {
        if (index_keeps(p, r->array, &r->at)) {
            program_list_add(p, &p->rows_of, r->array, &r->at);
        }
    }
    FACTS_EACH(p->facts, access, a)
    {
        const struct body *b = a->func && *a->func ? program_body(p, a->func) : NULL;
        if (a->var && (!b || b->fact->at.unit == a->at.unit)) {
            void **slot = map_slot(&p->accesses_of, a->var);
            if (!*slot) {
                *slot = arena_alloc(&p->arena, sizeof(struct access_list));
            }
            struct access_list *list = *slot;
            vec_push(&list->all, a);
        }
    }
}

static void
index_static_type(struct program *p, struct fact_variable *v)
{
    struct type_info *type = arena_alloc(&p->arena, sizeof(*type));
    type->id = v->id;
    type->variable = v;
    type->name = v->name;
    FACTS_EACH(p->facts, typefield, f)
    {
        if (!str_same(f->var, v->id) || f->at.unit != v->at.unit) {
            continue;
        }
        vec_push(&type->fields, f);
        if (str_same(f->field, "tp_flags")) {
            type->flags = f->number;
            type->flags_known = f->number != 0;
        }
        else if (str_same(f->field, "tp_name") && value_of(f->value, "string")) {
            type->name = value_of(f->value, "string");
        }
    }
    vec_push(&p->types, type);
}

static void
index_spec(struct program *p, struct fact_typespec *spec)
{
    struct type_info *type = arena_alloc(&p->arena, sizeof(*type));
    type->id = spec->var;
    type->variable = program_variable(p, spec->var);
    type->spec = spec;
    type->name = spec->name ? spec->name : spec->var;
    type->flags = spec->flags;
    type->flags_known = spec->flags_known != 0;
    const char *array = value_of(spec->slots, "var");
    type->slots_array = array;
    struct fact_list *slots = array ? map_get(&p->slots_of, array) : NULL;
    for (size_t i = 0; slots && i < slots->all.n; i++) {
        vec_push(&type->slots, (struct fact_slot *)(void *)slots->all.at[i]);
    }
    vec_push(&p->types, type);
}

static void
index_types(struct program *p)
{
    FACTS_EACH(p->facts, variable, v)
    {
        if (str_same(v->class, "type-object") && v->is_definition && !v->is_array) {
            index_static_type(p, v);
        }
    }
    FACTS_EACH(p->facts, typespec, spec)
    {
        if (index_keeps(p, spec->var, &spec->at)) {
            index_spec(p, spec);
        }
    }
}

/* The variable in var:ID or addr:var:ID. */
static const char *
index_named_variable(const char *value)
{
    const char *target = value_of(value, "addr");
    return value_of(target ? target : value, "var");
}

/* Calls by name, arguments and fields of types by what they name. */
static void
index_names(struct program *p)
{
    FACTS_EACH(p->facts, call, c)
    {
        program_list_add(p, &p->calls_named, c->callee, &c->at);
    }
    FACTS_EACH(p->facts, arg, a)
    {
        program_list_add(p, &p->args_naming, index_named_variable(a->value), &a->at);
    }
    FACTS_EACH(p->facts, typefield, f)
    {
        program_list_add(p, &p->fields_naming, index_named_variable(f->value), &f->at);
    }
    FACTS_EACH(p->facts, access, access)
    {
        if (!access->func || !*access->func) {
            program_list_add(p, &p->inits_of, value_of(access->context, "init"), &access->at);
        }
    }
}

void
program_index(struct program *p)
{
    index_normalise(p);
    index_bodies(p);
    index_events(p);
    index_variables(p);
    index_tables(p);
    index_types(p);
    index_names(p);
}
