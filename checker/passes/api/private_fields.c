/* Members of Python's own structs, past the functions for them (PRV01 to PRV07, PRV10). */
#include <string.h>

#include "passes/api/api_uses.h"
#include "passes/references/private.h"
#include "rules/api_table.h"

/* Structs of rules/api/private_fields.tsv, so that most accesses are settled with one look. */
static void
fields_index(const struct api_table *table, struct arena *arena, struct map *records)
{
    for (size_t pass = 0; pass < 2; pass++) {
        size_t n = pass ? table->patterns.n : table->rows.n;
        for (size_t i = 0; i < n; i++) {
            const struct api_row *row = pass ? table->patterns.at[i] : table->rows.at[i];
            const char *key = row->cells[0];
            const char *record = arena_printf(arena, "%.*s", (int)strcspn(key, "."), key);
            map_set(records, record, records);
        }
    }
}

/* The name of the member behind the last arrow or dot. */
static const char *
fields_last(const char *path)
{
    const char *name = path;
    for (const char *at = path; *at; at++) {
        if (*at == '.' || *at == '>') {
            name = at + 1;
        }
    }
    return name;
}

/* Does the function ask whether the type is a heap type, or whether the member is NULL? */
static bool
fields_is_asked(struct program *p, const struct body *b, const struct fact_access *a)
{
    SCAN_ACCESSES(b, other)
    {
        if (str_same(other->var, a->var) && str_same(other->path, "->tp_flags")) {
            return true;
        }
    }
    SCAN_CALLS(b, call)
    {
        if (scan_call_is(call, "PyType_HasFeature,PyType_GetFlags,_PyType_HasFeature") ||
            (call->macro && str_same(call->macro, "PyType_HasFeature"))) {
            return true;
        }
    }
    const char *value = arena_printf(&p->arena, "field:%s%s", a->var, a->path);
    for (size_t i = 0; i < b->blocks.n; i++) {
        const char *cond = b->blocks.at[i]->cond;
        const char *found = cond ? strstr(cond, value) : NULL;
        if (found && found >= cond + strlen("null(") && found[strlen(value)] == ')') {
            return true;
        }
    }
    SCAN_ACCESSES(b, write)
    {
        if (!str_same(write->how, "write") || !str_same(write->value, value)) {
            continue;
        }
        const char *tested = arena_printf(&p->arena, "null(%s)", write->var);
        for (size_t i = 0; i < b->blocks.n; i++) {
            if (b->blocks.at[i]->cond && strstr(b->blocks.at[i]->cond, tested)) {
                return true;
            }
        }
    }
    return false;
}

/* Is the only type that the function asks for that of its own object? A slot sees instances of the
 * module's type and of types derived from it. */
static bool
fields_asks_for_its_own(const struct body *b)
{
    static const char *const slots[] = {"tp_", "nb_", "mp_", "sq_", "am_", "bf_"};
    bool slot = str_same(b->binding, "getter") || str_same(b->binding, "setter");
    for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++) {
        slot |= str_starts(b->binding, slots[i]);
    }
    SCAN_CALLS(b, call)
    {
        bool asks = call->callee &&
                    (strstr(call->callee, "Py_TYPE") || str_same(call->callee, "PyObject_Type"));
        slot &= !asks || str_same(scan_resolve(b, call_arg(b, call, 0), call->seq), "param:0");
    }
    return slot;
}

/* May the type be one of the interpreter's own? Py_TYPE(x) and what callers hand in may. */
static bool
fields_may_be_builtin(struct program *p, const struct body *b, const char *value, long seq,
                      int depth)
{
    value = scan_resolve(b, value, seq);
    const char *field = scan_field_name(value);
    if (field) {
        return str_same(field, "ob_type") || str_same(field, "tp_base");
    }
    const char *call = value_of(value, "call");
    if (call) {
        bool asked = strstr(call, "Py_TYPE") || str_same(call, "PyObject_Type");
        return (asked && !fields_asks_for_its_own(b)) || str_same(call, "PyTuple_GET_ITEM");
    }
    const char *param = value_of(value, "param");
    if (!param) {
        return value_of(value, "immortal") != NULL;
    }
    if (str_same(b->binding, "tp_new") || str_same(b->binding, "tp_alloc")) {
        return false; /* a type of the module's, or one derived from it */
    }
    if (b->binding || b->address_taken || !b->callers.n || depth > 3) {
        return true;
    }
    for (size_t i = 0; i < b->callers.n; i++) {
        const struct body *caller = b->callers.at[i];
        SCAN_CALLS(caller, c)
        {
            if (str_same(c->id, b->fact->id)) {
                const char *given = call_arg(caller, c, (int)strtol(param, NULL, 10));
                if (!given ||
                    (caller != b && fields_may_be_builtin(p, caller, given, c->seq, depth + 1))) {
                    return true;
                }
            }
        }
    }
    return false;
}

/* The risk of one use: what the table says, unless this place is better. */
static const char *
fields_risk(struct program *p, const struct body *b, const struct fact_access *a, const char *risk)
{
    if (str_same(risk, "race") && private_value(p, b, a->var, a->seq, 0)) {
        return "read";
    }
    if (str_same(risk, "null") &&
        (!fields_may_be_builtin(p, b, a->var, a->seq, 0) || fields_is_asked(p, b, a))) {
        return "swap";
    }
    return risk;
}

/* What a macro of the API expands to, such as PyDict_GET_SIZE(), Py_TRASHCAN_BEGIN() or
 * PyCode_GetNumFree(). Other members can only come from its arguments. */
static bool
fields_is_api_macro(const char *macro, const char *what)
{
    return (str_starts(macro, "Py") || str_starts(macro, "_Py")) &&
           (str_same(what, "private-container") || str_same(what, "private-header") ||
            str_same(what, "private-thread") || str_starts(macro, "PyCode_"));
}

/* The module's own static type, whose members stand there to be filled (TYP03, TYP04). */
static bool
fields_is_own(const struct program *p, const struct fact_access *a, const char *what)
{
    return (str_same(what, "private-type") || str_same(what, "private-header")) &&
           program_variable(p, a->var) && str_starts(a->path, ".");
}

struct fields {
    struct program *p;
    const struct api_table *table;
    struct api_uses uses;
    struct map records;
};

static void
fields_use(struct fields *f, const struct body *b, const struct fact_access *a, const char *record,
           const char *member)
{
    static const char table[] = "private_fields";
    struct program *p = f->p;
    if (!map_get(&f->records, record) || str_same(member, "interp")) {
        return;
    }
    const char *key =
        arena_printf(&p->arena, "%s.%.*s", record, (int)strcspn(member, ".-[("), member);
    const char *what = flow_cell(p, table, key, "what");
    if (!what || fields_is_own(p, a, what) || fields_is_api_macro(a->macro, what)) {
        return;
    }
    const char *shown = flow_cell(p, table, key, "shown");
    const char *group = arena_printf(&p->arena, "%.*s", (int)strcspn(shown, "."), shown);
    struct api_name name = {.shown =
                                arena_printf(&p->arena, "%s.%s", group, key + strlen(record) + 1),
                            .advice = api_advice(p, table, key)};
    const char *risk = fields_risk(p, b, a, flow_cell(p, table, key, "risk"));
    api_uses_add(&f->uses, &a->at, b, what, group, risk, name);
}

/* Of a chain only the last member has its struct in the fact; these names are Python's alone. */
static void
fields_on_the_way(struct fields *f, const struct body *b, const struct fact_access *a)
{
    static const char *const known[][2] = {{"->ob_type->", "_object"},
                                           {".ob_type->", "_object"},
                                           {"->f_code->", "_frame"},
                                           {"->f_back->", "_frame"},
                                           {"->current_frame->", "_ts"}};
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        const char *found = strstr(a->path, known[i][0]);
        if (found) {
            fields_use(f, b, a, known[i][1], found + (*found == '.' ? 1 : 2));
        }
    }
}

void
pass_private_fields(struct program *p)
{
    const struct api_table *table = p->rules ? ruleset_table(p->rules, "private_fields") : NULL;
    if (!table) {
        return;
    }
    struct fields f = {.p = p, .table = table, .uses = {.p = p}};
    fields_index(table, &p->arena, &f.records);
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct body *b = p->bodies.at[i];
        if (!b->accesses.n || api_is_excused(p, &b->fact->at, b)) {
            continue;
        }
        SCAN_ACCESSES(b, a)
        {
            if (a->class && a->path && *a->path) {
                fields_use(&f, b, a, a->class, fields_last(a->path));
                fields_on_the_way(&f, b, a);
            }
        }
    }
    api_uses_tell(&f.uses);
    map_free(&f.records);
}
