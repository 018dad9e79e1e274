#include "passes/program/program.h"

#include <string.h>

#include "passes/objects/shared_roots.h"
#include "passes/program/link.h"

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

#define PASS(name) void pass_##name(struct program *p);
#include "passes/passes.def"
#undef PASS

void
passes_run(struct program *p, struct facts *facts, const struct ruleset *rules)
{
    *p = (struct program){.facts = facts, .rules = rules};
    program_index(p);
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
