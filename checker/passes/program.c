#include "passes/program.h"

#include <string.h>

#include "passes/link.h"
#include "passes/shared_roots.h"

/* ---- look-ups ---- */

struct body *
program_body(const struct program *p, const char *id)
{
    return id ? map_get(&p->body_by_id, id) : NULL;
}

struct fact_variable *
program_variable(const struct program *p, const char *id)
{
    return id ? map_get(&p->variable_by_id, id) : NULL;
}

const char *
value_of(const char *value, const char *prefix)
{
    size_t n = strlen(prefix);
    return value && strncmp(value, prefix, n) == 0 && value[n] == ':' ? value + n + 1 : NULL;
}

struct body *
program_value_body(const struct program *p, const char *value)
{
    const char *id = value_of(value, "func");
    return id ? program_body(p, id) : NULL;
}

const char *
type_slot(const struct type_info *type, const char *name)
{
    for (size_t i = 0; i < type->slots.n; i++) {
        if (str_same(type->slots.at[i]->name, name)) {
            return type->slots.at[i]->value;
        }
    }
    /* A static type's field is the slot without its Py_ prefix. */
    const char *field = str_starts(name, "Py_") ? name + 3 : name;
    for (size_t i = 0; i < type->fields.n; i++) {
        if (str_same(type->fields.at[i]->field, field)) {
            return type->fields.at[i]->value;
        }
    }
    return NULL;
}

static const struct fact_arg *
program_arg(const struct body *b, const struct fact_call *call, int index)
{
    size_t low = 0, high = b->args.n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (b->args.at[middle]->seq < call->seq) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    for (; low < b->args.n && b->args.at[low]->seq == call->seq; low++) {
        if (b->args.at[low]->index == index) {
            return b->args.at[low];
        }
    }
    return NULL;
}

const char *
call_arg(const struct body *b, const struct fact_call *call, int index)
{
    const struct fact_arg *arg = program_arg(b, call, index);
    return arg ? arg->value : NULL;
}

const char *
call_arg_text(const struct body *b, const struct fact_call *call, int index)
{
    const struct fact_arg *arg = program_arg(b, call, index);
    return arg ? arg->text : NULL;
}

const char *
entry_words(struct program *p, unsigned entry)
{
    static const struct {
        unsigned bit;
        const char *word;
    } words[] = {{ENTRY_INIT, "init"},
                 {ENTRY_RUN, "run"},
                 {ENTRY_TEARDOWN, "teardown"},
                 {ENTRY_FOREIGN, "foreign"}};
    struct str s = {0};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (entry & words[i].bit) {
            str_addf(&s, "%s%s", s.n ? "," : "", words[i].word);
        }
    }
    const char *kept = s.n ? facts_intern(p->facts, s.s) : NULL;
    str_free(&s);
    return kept;
}

struct fact_flaw *
program_flaw(struct program *p, const struct fact *where, const struct body *b, const char *what,
             const char *subject)
{
    p->facts->file = where->file;
    p->facts->unit = where->unit;
    struct fact_flaw *flaw =
        facts_new_flaw(p->facts, where->line, where->column, where->end_column);
    flaw->what = what;
    flaw->subject = subject;
    if (b) {
        flaw->func = b->fact->id;
        flaw->entry = b->fact->entry;
        flaw->modules = b->fact->modules;
    }
    return flaw;
}

/* ---- indexing ---- */

static void
program_normalise(struct program *p)
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
program_index_bodies(struct program *p)
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
program_event_body(struct program *p, struct body_cursor *last, const char *func,
                   const struct fact *at)
{
    struct body *b = program_body_again(p, last, func);
    return b && b->fact->at.unit == at->unit ? b : NULL;
}

static void
program_index_access(struct body *b, struct fact_access *a)
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
program_index_block(struct body *b, struct fact_block *block)
{
    if (b && block->id > 0) {
        block->parent = block->parent < block->id ? block->parent : 0;
        vec_push(&b->blocks, block);
    }
}

/* Facts come in execution order, except that a lambda's stand in the middle of its function's. */
static void
program_index_events(struct program *p)
{
    struct body_cursor last = {0};
    for (size_t i = 0; i < p->facts->all.n; i++) {
        struct fact *f = p->facts->all.at[i];
        struct body *b;
        switch (f->kind) {
        case FACT_call:
            b = program_event_body(p, &last, ((struct fact_call *)(void *)f)->func, f);
            if (b) {
                vec_push(&b->events, f);
                vec_push(&b->calls, (struct fact_call *)(void *)f);
            }
            break;
        case FACT_access:
            b = program_event_body(p, &last, ((struct fact_access *)(void *)f)->func, f);
            if (b) {
                vec_push(&b->events, f);
                program_index_access(b, (struct fact_access *)(void *)f);
            }
            break;
        case FACT_jump:
            b = program_event_body(p, &last, ((struct fact_jump *)(void *)f)->func, f);
            if (b) {
                vec_push(&b->events, f);
            }
            break;
        case FACT_block:
            program_index_block(
                program_event_body(p, &last, ((struct fact_block *)(void *)f)->func, f),
                (struct fact_block *)(void *)f);
            break;
        case FACT_arg:
            b = program_event_body(p, &last, ((struct fact_arg *)(void *)f)->func, f);
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
program_index_variables(struct program *p)
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
program_is_kept(const struct program *p, const char *id, const struct fact *at)
{
    const struct fact_variable *v = program_variable(p, id);
    return !v || v->at.unit == at->unit;
}

static void
program_index_tables(struct program *p)
{
    FACTS_EACH(p->facts, slot, s)
    {
        if (program_is_kept(p, s->array, &s->at)) {
            program_list_add(p, &p->slots_of, s->array, &s->at);
        }
    }
    FACTS_EACH(p->facts, row, r)
    {
        if (program_is_kept(p, r->array, &r->at)) {
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
program_add_static_type(struct program *p, struct fact_variable *v)
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
program_add_spec(struct program *p, struct fact_typespec *spec)
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
program_index_types(struct program *p)
{
    FACTS_EACH(p->facts, variable, v)
    {
        if (str_same(v->class, "type-object") && v->is_definition && !v->is_array) {
            program_add_static_type(p, v);
        }
    }
    FACTS_EACH(p->facts, typespec, spec)
    {
        if (program_is_kept(p, spec->var, &spec->at)) {
            program_add_spec(p, spec);
        }
    }
}

#define PASS(name) void pass_##name(struct program *p);
#include "passes/passes.def"
#undef PASS

void
passes_run(struct program *p, struct facts *facts, const struct ruleset *rules)
{
    *p = (struct program){.facts = facts, .rules = rules};
    program_normalise(p);
    program_index_bodies(p);
    program_index_events(p);
    program_index_variables(p);
    program_index_tables(p);
    program_index_types(p);
    program_index_names(p);
    link_run(p);
    locks_run(p);
    variables_run(p);
#define PASS(name) pass_##name(p);
#include "passes/passes.def"
#undef PASS
}

void
program_free(struct program *p)
{
    for (size_t i = 0; i < p->bodies.n; i++) {
        struct body *b = p->bodies.at[i];
        vec_free(&b->events);
        vec_free(&b->calls);
        vec_free(&b->accesses);
        vec_free(&b->writes);
        vec_free(&b->blocks);
        vec_free(&b->args);
        vec_free(&b->callees);
        vec_free(&b->callers);
    }
    vec_free(&p->bodies);
    for (size_t i = 0; i < p->types.n; i++) {
        vec_free(&p->types.at[i]->slots);
        vec_free(&p->types.at[i]->fields);
    }
    vec_free(&p->types);
    vec_free(&p->modules);
    program_free_lists(&p->accesses_of);
    program_free_lists(&p->slots_of);
    program_free_lists(&p->rows_of);
    program_free_lists(&p->calls_named);
    program_free_lists(&p->args_naming);
    program_free_lists(&p->fields_naming);
    program_free_lists(&p->inits_of);
    type_index_free(p);
    roots_free(p);
    map_free(&p->body_by_id);
    map_free(&p->variable_by_id);
    locks_free(p);
    arena_free(&p->arena);
}
