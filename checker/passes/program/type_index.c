/* Which type a function belongs to, and which variable, member or local holds which type. */
#include <string.h>

#include "passes/program/type_scan.h"

enum { INDEX_MAX_DEPTH = 12 };

/* Slots of a suite or a method table that name functions of the type. */
static const char index_tables[] =
    "tp_methods,tp_getset,Py_tp_methods,Py_tp_getset,tp_as_number,tp_as_sequence,tp_as_mapping,"
    "tp_as_async,tp_as_buffer";

static void
index_add(struct program *p, struct map *m, const char *key, struct type_info *type)
{
    void **slot = map_slot(m, key);
    for (struct type_link *link = *slot; link; link = link->next) {
        if (link->type == type) {
            return;
        }
    }
    struct type_link *link = arena_alloc(&p->arena, sizeof(*link));
    link->type = type;
    link->next = *slot;
    *slot = link;
}

static void
index_add_func(struct program *p, struct type_index *index, const char *value,
               struct type_info *type)
{
    const char *id = value_of(value, "func");
    if (id) {
        index_add(p, &index->by_func, id, type);
    }
}

/* The functions in the method table, getset table or suite that a value is the address of. */
static void
index_add_table(struct program *p, struct type_index *index, const char *value,
                struct type_info *type)
{
    const char *target = value_of(value, "addr");
    const char *id = value_of(target ? target : value, "var");
    if (!id) {
        return;
    }
    const struct fact_list *rows = map_get(&p->rows_of, id);
    for (size_t i = 0; rows && i < rows->all.n; i++) {
        const struct fact_row *row = (const struct fact_row *)(const void *)rows->all.at[i];
        const char *func = value_of(row->func, "func"), *setter = value_of(row->setter, "func");
        func = func ? func : row->func;
        setter = setter ? setter : row->setter;
        if (func && *func) {
            index_add(p, &index->by_func, func, type);
        }
        if (setter && *setter) {
            index_add(p, &index->by_func, setter, type);
        }
    }
    FACTS_EACH(p->facts, typefield, field)
    {
        if (str_same(field->var, id)) {
            index_add_func(p, index, field->value, type);
        }
    }
}

static void
index_add_slot(struct program *p, struct type_index *index, const char *name, const char *value,
               struct type_info *type)
{
    index_add_func(p, index, value, type);
    if (name && str_list_has(index_tables, name)) {
        index_add_table(p, index, value, type);
    }
}

static void
index_add_type(struct program *p, struct type_index *index, struct type_info *type)
{
    map_set(&index->by_id, type->id, type);
    for (size_t i = 0; i < type->slots.n; i++) {
        index_add_slot(p, index, type->slots.at[i]->name, type->slots.at[i]->value, type);
    }
    for (size_t i = 0; i < type->fields.n; i++) {
        index_add_slot(p, index, type->fields.at[i]->field, type->fields.at[i]->value, type);
    }
}

/* Notes that the place a descriptor names is given the type. */
static void
index_add_holder(struct program *p, struct type_index *index, const struct body *b,
                 const char *place, struct type_info *type)
{
    const char *name = scan_field_name(place), *var = value_of(place, "var");
    if (name) {
        index_add(p, &index->by_holder, facts_intern(p->facts, name), type);
    }
    else if (var) {
        index_add(p, &index->by_holder, facts_intern(p->facts, var), type);
    }
    else if (str_starts(place, "local:")) {
        index_add(p, &index->by_holder, arena_printf(&p->arena, "%s/%s", b->fact->id, place), type);
    }
}

/* The descriptor of the place an access is about. */
static const char *
index_place(struct program *p, const struct fact_access *a)
{
    const char *var = a->var ? a->var : "", *path = a->path ? a->path : "";
    bool plain = str_starts(var, "local:") || str_starts(var, "param:");
    return arena_printf(&p->arena, "%s%s%s%s", *path ? "field:" : "", plain ? "" : "var:", var,
                        path);
}

/* The places the result of a call is stored in: at once, or later through the local it went to. */
static void
index_follow_result(struct program *p, struct type_index *index, const struct body *b,
                    const struct fact_call *call, struct type_info *type)
{
    const char *value = arena_printf(&p->arena, "call:%s", call->callee ? call->callee : "");
    const char *local = NULL;
    bool stored = false;
    if (call->into && *call->into) {
        index_add_holder(p, index, b, call->into, type);
        local = str_starts(call->into, "local:") ? call->into : NULL;
        stored = true;
    }
    SCAN_ACCESSES(b, a)
    {
        if (a->seq < call->seq || !str_same(a->how, "write")) {
            continue;
        }
        if (!stored && str_same(a->value, value)) {
            const char *place = index_place(p, a);
            index_add_holder(p, index, b, place, type);
            local = str_starts(place, "local:") ? place : NULL;
            stored = true;
        }
        else if (local && str_same(a->value, local)) {
            index_add_holder(p, index, b, index_place(p, a), type);
        }
        else if (local && a->seq > call->seq && str_same(a->var, local) &&
                 (!a->path || !*a->path) && !str_same(a->value, value)) {
            break;
        }
    }
}

/* A call that is handed a spec: its result, and what other arguments point to, hold the type. */
static void
index_add_call(struct program *p, struct type_index *index, const struct body *b,
               const struct fact_call *call)
{
    struct type_info *type = NULL;
    for (int i = 0; i < call->nargs && !type; i++) {
        const char *value = call_arg(b, call, i);
        bool followed = str_starts(value, "local:") || str_starts(value, "addr:");
        const char *target = followed ? value_of(scan_resolve(b, value, call->seq), "addr") : NULL;
        const char *id = target ? value_of(target, "var") : NULL;
        type = id ? map_get(&index->by_id, id) : NULL;
    }
    if (!type || !type->spec) {
        return;
    }
    index_follow_result(p, index, b, call, type);
    for (int i = 0; i < call->nargs; i++) {
        const char *out = value_of(call_arg(b, call, i), "addr");
        const char *id = value_of(out, "var");
        bool whole = id && program_variable(p, id);
        if (out && !(id && map_get(&index->by_id, id))) {
            const char *place = whole ? out : arena_printf(&p->arena, "field:%s", out);
            index_add_holder(p, index, b, place, type);
        }
    }
}

const struct type_index *
type_index_of(struct program *p)
{
    if (p->type_index) {
        return p->type_index;
    }
    struct type_index *index = arena_alloc(&p->arena, sizeof(*index));
    p->type_index = index;
    for (size_t i = 0; i < p->types.n; i++) {
        if (p->types.at[i]->id) {
            index_add_type(p, index, p->types.at[i]);
        }
    }
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        SCAN_CALLS(b, call)
        {
            index_add_call(p, index, b, call);
        }
    }
    return index;
}

void
type_index_free(struct program *p)
{
    if (p->type_index) {
        map_free(&p->type_index->by_id);
        map_free(&p->type_index->by_func);
        map_free(&p->type_index->by_holder);
    }
}

/* Only one type, or nothing: a name shared by two structs proves nothing. */
static struct type_info *
index_only(const struct type_link *link)
{
    return link && !link->next ? link->type : NULL;
}

struct type_info *
type_of_value(struct program *p, const struct type_index *index, const struct body *b,
              const char *value, long seq)
{
    if (str_starts(value, "local:")) {
        const char *key = arena_printf(&p->arena, "%s/%s", b->fact->id, value);
        struct type_info *type = index_only(map_get(&index->by_holder, key));
        if (type) {
            return type;
        }
        value = scan_resolve(b, value, seq);
    }
    struct fact_variable *fixed = scan_static_type(p, b, value, seq);
    if (fixed) {
        return map_get(&index->by_id, fixed->id);
    }
    const char *name = scan_field_name(value), *var = value_of(value, "var");
    if (name || var) {
        return index_only(map_get(&index->by_holder, name ? name : var));
    }
    /* In a constructor, the first parameter is the type itself (or a subclass of it). */
    if (str_same(value, "param:0") &&
        (str_same(b->binding, "tp_new") || str_same(b->binding, "tp_alloc"))) {
        return index_only(map_get(&index->by_func, b->fact->id));
    }
    return NULL;
}

static void
index_collect(struct program *p, const struct type_index *index, struct body *b, int depth,
              struct type_link **found)
{
    if (b->mark == (unsigned)p->next_mark || depth > INDEX_MAX_DEPTH) {
        return;
    }
    b->mark = (unsigned)p->next_mark;
    for (const struct type_link *link = map_get(&index->by_func, b->fact->id); link;
         link = link->next) {
        struct type_link *copy = arena_alloc(&p->arena, sizeof(*copy));
        copy->type = link->type;
        copy->next = *found;
        *found = copy;
    }
    for (size_t i = 0; i < b->callers.n; i++) {
        index_collect(p, index, b->callers.at[i], depth + 1, found);
    }
}

struct type_link *
types_reaching(struct program *p, const struct type_index *index, struct body *b)
{
    struct type_link *found = NULL;
    p->next_mark++;
    index_collect(p, index, b, 0, &found);
    return found;
}

bool
type_is_used(const struct program *p, const struct type_info *type)
{
    const struct fact_variable *v = type->variable;
    if (!v || str_same(v->linkage, "external") || v->escapes || v->reads || v->writes) {
        return true;
    }
    const struct access_list *list = map_get(&p->accesses_of, type->id);
    if (list && list->all.n) {
        return true;
    }
    return program_list(&p->args_naming, type->id) || program_list(&p->fields_naming, type->id);
}
