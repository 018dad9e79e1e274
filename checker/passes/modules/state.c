/* Module state: object members that the collector is not told about, or that leak (INI28-INI31). */
#include <stdlib.h>
#include <string.h>

#include "passes/flow/flow.h"
#include "passes/modules/modules.h"
#include "passes/program/link.h"
#include "passes/types/touched.h"

void pass_state(struct program *p);

/* Made once for all modules. */
struct state_index {
    struct map members; /* core of a struct's name -> struct fact_list of its members */
    struct map writes;  /* last member of a path -> struct fact_list of the writes that end in it */
};

/* A state struct and the functions that look after it. */
struct state_check {
    struct program *p;
    const struct state_index *index;
    const struct module_info *info;
    const struct fact *at; /* the module definition, or the slots array */
    const char *what;      /* its variable id */
    const char *traverse, *clear, *free;
    VEC(const struct fact_member *) members; /* those that hold objects */
    unsigned long leaves;                    /* bit per member that holds no container */
};

static bool
state_is_null(const char *value)
{
    return !value || !*value || str_same(value, "null") || str_same(value, "const:0");
}

/* `struct _spam_state` and `spam_state_t` are taken for `spam_state`: sizeof names the typedef,
 * members the struct. */
static void
state_core(const char **name, size_t *n)
{
    static const char *const tails[] = {"_t", "_s", "_tag", "_struct"};
    *n = strlen(*name);
    while (*n && **name == '_') {
        (*name)++;
        (*n)--;
    }
    for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
        size_t length = strlen(tails[i]);
        if (*n > length && strncmp(*name + *n - length, tails[i], length) == 0) {
            *n -= length;
            return;
        }
    }
}

static bool
state_same_record(const char *record, const char *name)
{
    if (!record || !name || str_same(record, name)) {
        return record && name;
    }
    size_t n, length;
    state_core(&record, &n);
    state_core(&name, &length);
    return n && n == length && strncmp(record, name, n) == 0;
}

/* Struct names repeat from module to module: only those that the module's own units see count. */
static bool
state_in_module(const struct state_check *s, const struct fact *f)
{
    const struct fact_unit *unit = module_unit(s->p, f);
    const char *units = s->info->fact->units;
    return !unit || !unit->path || !units || str_list_has(units, unit->path);
}

/* Does a write to `...->NAME` name the member? */
static bool
state_path_ends(const char *path, const char *name)
{
    size_t n = strlen(name), length = path ? strlen(path) : 0;
    return length > n && strcmp(path + length - n, name) == 0 && strchr(".>", path[length - n - 1]);
}

static const char *
state_core_word(struct program *p, const char *record)
{
    size_t n;
    record = record ? record : "";
    state_core(&record, &n);
    return intern_n(&p->facts->strings, record, n);
}

static void
state_index_build(struct program *p, struct state_index *index)
{
    FACTS_EACH(p->facts, member, m)
    {
        program_list_add(p, &index->members, state_core_word(p, m->record), &m->at);
    }
    touched_writes(p, &index->writes);
}

/* The next write of the module's own to a member, of something else than NULL; *i counts on. */
static const struct fact_access *
state_next_write(const struct state_check *s, const struct fact_list *writes, size_t *i)
{
    while (writes && *i < writes->all.n) {
        const struct fact *f = writes->all.at[(*i)++];
        const struct fact_access *a = (const struct fact_access *)(const void *)f;
        if (!state_is_null(a->value) && state_in_module(s, f)) {
            return a;
        }
    }
    return NULL;
}

/* Strings and numbers cannot be part of a cycle: the collector need not see them. */
static bool
state_is_leaf(const struct state_check *s, const struct fact_member *m)
{
    bool any = false;
    const struct api_table *makers = ruleset_table(s->p->rules, "object_makers");
    const struct fact_list *writes = program_list(&s->index->writes, m->name);
    size_t next = 0;
    for (const struct fact_access *a; (a = state_next_write(s, writes, &next));) {
        const struct body *b = scan_body(s->p, a->func);
        const char *value = b ? scan_resolve(b, a->value, a->seq) : a->value;
        const char *maker = value ? value_of(value, "call") : NULL;
        const char *makes = maker ? api_table_cell(makers, maker, "makes") : NULL;
        if (!str_same(makes, "text") && !str_same(makes, "number")) {
            return false;
        }
        any = true;
    }
    return any;
}

/* Is the member only ever given what a function was given, without a reference of its own? Then it
 * points back, to the module as a rule, and visiting it would be the mistake. */
static bool
state_is_borrowed(const struct state_check *s, const struct fact_member *m)
{
    bool any = false;
    const struct fact_list *writes = program_list(&s->index->writes, m->name);
    size_t next = 0;
    for (const struct fact_access *a; (a = state_next_write(s, writes, &next));) {
        const struct body *b = scan_body(s->p, a->func);
        const char *value = b ? scan_resolve(b, a->value, a->seq) : NULL;
        if (!str_same(value, "param:0") || b->fact->nparams != 1) {
            return false;
        }
        SCAN_CALLS(b, call)
        {
            if (flow_takes_reference(call->callee) &&
                (str_same(scan_arg(b, call, 0), value) ||
                 state_path_ends(call_arg(b, call, 0), m->name))) {
                return false;
            }
        }
        any = true;
    }
    return any;
}

static void
state_find_members(struct state_check *s, const char *record)
{
    bool exact = false;
    const struct fact_list *list = program_list(&s->index->members, state_core_word(s->p, record));
    size_t n = list ? list->all.n : 0;
    for (size_t i = 0; i < n && !exact; i++) {
        const struct fact *f = list->all.at[i];
        exact = str_same(((const struct fact_member *)(const void *)f)->record, record) &&
                state_in_module(s, f);
    }
    for (size_t k = 0; k < n; k++) {
        const struct fact_member *m = (const struct fact_member *)(const void *)list->all.at[k];
        bool ours = (exact ? str_same(m->record, record) : state_same_record(m->record, record)) &&
                    state_in_module(s, &m->at);
        bool known = false;
        for (size_t i = 0; i < s->members.n; i++) {
            known = known || str_same(s->members.at[i]->name, m->name);
        }
        if (ours && !known && str_same(m->class, "object-pointer") && !state_is_borrowed(s, m)) {
            vec_push(&s->members, m);
            s->leaves |= state_is_leaf(s, m) ? 1UL << (s->members.n - 1) % (8 * sizeof(long)) : 0;
        }
    }
}

/* Does a type of the module keep the module? Then the collector ends it, and runs m_clear. */
static bool
state_is_cyclic(const struct state_check *s)
{
    static const char *const makers[] = {"PyType_FromModuleAndSpec", "PyType_FromMetaclass"};
    for (size_t k = 0; k < 2 && !state_is_null(s->clear) && !state_is_null(s->traverse); k++) {
        const struct fact_list *calls = program_list(&s->p->calls_named, makers[k]);
        for (size_t i = 0; calls && i < calls->all.n; i++) {
            const struct fact_call *c = (const struct fact_call *)(const void *)calls->all.at[i];
            const struct body *b = state_in_module(s, &c->at) ? scan_body(s->p, c->func) : NULL;
            if (b && !state_is_null(call_arg(b, c, (int)k))) {
                return true;
            }
        }
    }
    return false;
}

static void
state_flaw(struct state_check *s, const char *what)
{
    struct fact_flaw *flaw = module_flaw(s->p, s->info, s->at, NULL, what, s->what);
    flaw->detail = s->members.at[0]->name;
    flaw->number = (long)s->members.n;
    flaw_relate(s->p, flaw, &s->members.at[0]->at, "this member holds an object");
    flaw->detail2 = state_is_cyclic(s) ? "cycle" : NULL;
}

/* Bit per member that the function leaves out; 0 also when it cannot be told. */
static unsigned long
state_missed(const struct state_check *s, const char *value, bool visit)
{
    const struct body *b = state_is_null(value) ? NULL : program_value_body(s->p, value);
    if (!b) {
        return 0;
    }
    struct touched t = {0};
    unsigned long missed = 0;
    touched_collect(&t, b, visit);
    for (size_t i = 0; !t.opaque && i < s->members.n && i < 8 * sizeof(missed); i++) {
        missed |= touched_mentions(&t, s->members.at[i]->name) ? 0 : 1UL << i;
    }
    vec_free(&t.texts);
    return missed;
}

static void
state_check_members(struct state_check *s)
{
    unsigned long visit = state_missed(s, s->traverse, true) & ~s->leaves;
    /* m_free may do the clearing when there is no m_clear. */
    unsigned long clear = state_missed(s, state_is_null(s->clear) ? s->free : s->clear, false);
    for (size_t i = 0; i < s->members.n && i < 8 * sizeof(visit); i++) {
        bool unvisited = visit & 1UL << i, uncleared = clear & 1UL << i;
        if (!unvisited && !uncleared) {
            continue;
        }
        const struct fact_member *m = s->members.at[i];
        struct fact_flaw *flaw =
            module_flaw(s->p, s->info, &m->at, NULL, "state-member-missed", s->what);
        flaw->symbol = m->name;
        flaw->detail = m->name;
        flaw->detail2 = unvisited && uncleared ? "the traverse and clear functions do"
                        : unvisited            ? "the traverse function does"
                                               : "the clear function does";
        const struct body *b = program_value_body(s->p, unvisited ? s->traverse : s->clear);
        if (b) {
            flaw_relate(s->p, flaw, &b->fact->at, "the function stands here");
        }
    }
}

static void
state_check(struct state_check *s, const char *record)
{
    state_find_members(s, record);
    bool only_leaves = true;
    for (size_t i = 0; i < s->members.n && i < 8 * sizeof(s->leaves); i++) {
        only_leaves = only_leaves && (s->leaves & 1UL << i);
    }
    if (s->members.n) {
        if (state_is_null(s->traverse) && !only_leaves) {
            state_flaw(s, "state-no-traverse");
        }
        if (state_is_null(s->clear) && !only_leaves) {
            state_flaw(s, "state-no-clear");
        }
        if (state_is_null(s->free)) {
            state_flaw(s, "state-no-free");
        }
        state_check_members(s);
    }
    vec_free(&s->members);
}

static const char *
state_export_slot(const struct module_info *info, const char *name)
{
    for (size_t i = 0; i < info->export_slots.n; i++) {
        if (str_same(info->export_slots.at[i]->name, name)) {
            return info->export_slots.at[i]->value;
        }
    }
    return NULL;
}

void
pass_state(struct program *p)
{
    struct state_index index = {0};
    state_index_build(p, &index);
    for (size_t i = 0; i < p->modules.n; i++) {
        struct module_info info;
        module_info_read(p, p->modules.at[i], &info);
        const struct fact_moduledef *d = info.def;
        const char *size = state_export_slot(&info, "Py_mod_state_size");
        if (d && d->state && *d->state) {
            struct state_check s = {.p = p,
                                    .index = &index,
                                    .info = &info,
                                    .at = &d->at,
                                    .what = d->var,
                                    .traverse = d->traverse,
                                    .clear = d->clear,
                                    .free = d->free};
            state_check(&s, d->state);
        }
        else if (!d && size && value_of(size, "sizeof")) {
            const struct fact_variable *v = program_variable(p, info.export_array);
            struct state_check s = {.p = p,
                                    .index = &index,
                                    .info = &info,
                                    .at = v ? &v->at : &info.fact->at,
                                    .what = info.export_array,
                                    .traverse = state_export_slot(&info, "Py_mod_state_traverse"),
                                    .clear = state_export_slot(&info, "Py_mod_state_clear"),
                                    .free = state_export_slot(&info, "Py_mod_state_free")};
            state_check(&s, value_of(size, "sizeof"));
        }
        module_info_free(&info);
    }
    program_free_lists(&index.members);
    program_free_lists(&index.writes);
}
