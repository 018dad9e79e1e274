#include "rules/match.h"

#include <stdlib.h>
#include <string.h>

#include "rules/api_table.h"

static void
match_index_accesses(struct match_context *ctx)
{
    /* Backwards, so that each chain is in the order of the facts. */
    for (size_t i = ctx->facts->by_kind[FACT_access].n; i-- > 0;) {
        struct fact_access *a =
            (struct fact_access *)(void *)ctx->facts->by_kind[FACT_access].at[i];
        if (a->var) {
            struct access_chain *link = arena_alloc(&ctx->arena, sizeof(*link));
            void **head = map_slot(&ctx->accesses, a->var);
            link->access = a;
            link->next = *head;
            *head = link;
        }
    }
}

static void
match_index_units(struct match_context *ctx, struct fact_module *module)
{
    map_set(&ctx->modules, module->name ? module->name : "", module);
    STR_WORDS_EACH(module->units, unit)
    {
        void **names = map_slot(&ctx->unit_modules, arena_copy(&ctx->arena, unit.at, unit.n));
        *names = *names ? arena_printf(&ctx->arena, "%s,%s", (char *)*names, module->name)
                        : arena_string(&ctx->arena, module->name ? module->name : "");
    }
}

void
match_begin(struct match_context *ctx, const struct ruleset *set, const struct facts *facts,
            const struct rule_options *options)
{
    *ctx = (struct match_context){.set = set, .facts = facts, .options = options};
    FACTS_EACH(facts, function, f)
    {
        if (f->id) {
            map_set(&ctx->functions, f->id, f);
        }
    }
    FACTS_EACH(facts, variable, v)
    {
        if (v->id && (v->is_definition || !map_get(&ctx->variables, v->id))) {
            map_set(&ctx->variables, v->id, v);
        }
    }
    FACTS_EACH(facts, module, m)
    {
        match_index_units(ctx, m);
    }
    match_index_accesses(ctx);
}

void
match_end(struct match_context *ctx)
{
    map_free(&ctx->functions);
    map_free(&ctx->variables);
    map_free(&ctx->modules);
    map_free(&ctx->unit_modules);
    map_free(&ctx->accesses);
    arena_free(&ctx->arena);
}

const char *
match_field(const struct fact *f, const char *name)
{
    const struct fact_field *field = fact_field_named(f->kind, name);
    const char *s = field && !field->is_number ? fact_string(f, field) : NULL;
    return s && *s ? s : NULL;
}

long
match_number(const struct fact *f, const char *name)
{
    const struct fact_field *field = fact_field_named(f->kind, name);
    return field && field->is_number ? fact_number(f, field) : 0;
}

const struct fact_unit *
match_unit(const struct match_context *ctx, const struct fact *f)
{
    if (f->unit < 0 || (size_t)f->unit >= ctx->facts->by_kind[FACT_unit].n) {
        return NULL;
    }
    return (const struct fact_unit *)(const void *)ctx->facts->by_kind[FACT_unit].at[f->unit];
}

/* The fact whose field the condition looks at; NULL: there is none, its fields are empty. */
static const struct fact *
match_subject(const struct match_context *ctx, const struct condition *c, const struct fact *f)
{
    const char *id;
    switch (c->on) {
    case ON_UNIT:
        return (const struct fact *)(const void *)match_unit(ctx, f);
    case ON_FUNCTION:
        id = match_field(f, "func");
        return id ? map_get(&ctx->functions, id) : NULL;
    case ON_VARIABLE:
        id = match_field(f, "var");
        id = id ? id : match_field(f, "array");
        id = id ? id : match_field(f, "subject");
        return id ? map_get(&ctx->variables, id) : NULL;
    case ON_FACT:
    case ON_FILE:
    case ON_MIN_PYTHON:
        break;
    }
    return f;
}

static bool
match_any(const struct condition *c, const char *value, bool (*same)(const char *, const char *))
{
    for (size_t i = 0; i < c->words.n; i++) {
        if (same(value, c->words.at[i])) {
            return true;
        }
    }
    return false;
}

static bool
match_pattern(const char *value, const char *pattern)
{
    return str_glob(pattern, value);
}

static bool
match_table(const struct condition *c, const char *value)
{
    const struct api_row *row = api_table_row(c->table, value);
    if (!row || !c->column) {
        return row != NULL;
    }
    const char *cell = row->cells[api_table_column(c->table, c->column)];
    return match_any(c, cell, str_same) != c->column_differs;
}

static bool
match_text(const struct condition *c, const char *value)
{
    value = value ? value : "";
    switch (c->op) {
    case OP_IS:
        return match_any(c, value, str_same);
    case OP_IS_NOT:
        return !match_any(c, value, str_same);
    case OP_HAS:
        return match_any(c, value, str_list_has);
    case OP_LACKS:
        return !match_any(c, value, str_list_has);
    case OP_IN:
        return match_table(c, value);
    case OP_NOT_IN:
        return !match_table(c, value);
    case OP_LIKE:
        return match_any(c, value, match_pattern);
    case OP_UNLIKE:
        return !match_any(c, value, match_pattern);
    case OP_SET:
        return *value != '\0';
    case OP_UNSET:
        return *value == '\0';
    case OP_LESS:
    case OP_LESS_EQUAL:
    case OP_GREATER:
    case OP_GREATER_EQUAL:
        break;
    }
    return false;
}

static bool
match_one_number(const struct condition *c, long value)
{
    for (size_t i = 0; i < c->words.n; i++) {
        const char *word = c->words.at[i];
        bool same = strcmp(word, "yes") == 0  ? value != 0
                    : strcmp(word, "no") == 0 ? value == 0
                                              : value == strtol(word, NULL, 0);
        if (same) {
            return true;
        }
    }
    return false;
}

static bool
match_long(const struct condition *c, long value)
{
    switch (c->op) {
    case OP_IS:
        return match_one_number(c, value);
    case OP_IS_NOT:
        return !match_one_number(c, value);
    case OP_LESS:
        return value < c->number;
    case OP_LESS_EQUAL:
        return value <= c->number;
    case OP_GREATER:
        return value > c->number;
    case OP_GREATER_EQUAL:
        return value >= c->number;
    case OP_SET:
        return value != 0;
    case OP_UNSET:
        return value == 0;
    default:
        return false;
    }
}

static bool
match_min_python(const struct match_context *ctx, const struct condition *c)
{
    long value = ctx->options->min_python;
    if (c->op == OP_IS || c->op == OP_IS_NOT) {
        return (value == c->number) == (c->op == OP_IS);
    }
    return match_long(c, value);
}

static bool
match_condition(const struct match_context *ctx, const struct condition *c, const struct fact *f)
{
    if (c->on == ON_MIN_PYTHON) {
        return match_min_python(ctx, c);
    }
    if (c->on == ON_FILE) {
        return match_text(c, f->file);
    }
    const struct fact *subject = match_subject(ctx, c, f);
    if (c->field->is_number) {
        return match_long(c, subject ? fact_number(subject, c->field) : 0);
    }
    return match_text(c, subject ? fact_string(subject, c->field) : NULL);
}

bool
match_rule(const struct match_context *ctx, const struct rule *rule, const struct fact *f)
{
    for (size_t i = 0; i < rule->conditions.n; i++) {
        if (!match_condition(ctx, &rule->conditions.at[i], f)) {
            return false;
        }
    }
    return true;
}

void
match_severity(const struct match_context *ctx, const struct rule *rule, const struct fact *f,
               enum severity out[TARGETS])
{
    memcpy(out, rule->severity, sizeof(rule->severity));
    for (size_t i = 0; i < rule->severity_if.n; i++) {
        const struct severity_if *branch = &rule->severity_if.at[i];
        bool holds = true;
        for (size_t k = 0; k < branch->conditions.n && holds; k++) {
            holds = match_condition(ctx, &branch->conditions.at[k], f);
        }
        if (holds) {
            out[branch->target] = branch->severity;
        }
    }
}
