/* Modules: one per init function, with the functions, variables and units it reaches. */
#include <string.h>

#include "passes/program/link_reach.h"
#include "passes/program/shim_names.h"

/* What the facts carry of a set: the modules' names, and whether all are test modules. */
struct set_names {
    const char *names;
    long test_code;
};

/* The names of sets, worked out once for each. */
struct set_namer {
    struct program *p;
    const struct reach *reach;
    const struct module_set *unit_sets;
    struct map names;           /* bytes of a set, as text -> struct set_names */
    struct module_set last_set; /* neighbours mostly share one */
    const struct set_names *last_names;
};

static size_t
link_bit(size_t index)
{
    return index < SET_WORDS * 64 ? index : SET_WORDS * 64 - 1;
}

/* Folders that build systems make per target: meson's `name.so.p`, CMake's `name.dir`. */
static const char *
link_output_key(struct program *p, const char *output)
{
    for (const char *at = output; at && (at = strchr(at, '/')) != NULL; at++) {
        size_t n = (size_t)(at - output);
        bool target =
            n > 2 && (strncmp(at - 2, ".p", 2) == 0 || (n > 4 && strncmp(at - 4, ".dir", 4) == 0));
        if (target) {
            return intern_n(&p->facts->strings, output, n);
        }
    }
    return NULL;
}

static struct fact_module *
link_new_module(struct program *p, const struct fact *where, const char *name, const char *init)
{
    p->facts->file = where ? where->file : NULL;
    p->facts->unit = where ? where->unit : 0;
    struct fact_module *m =
        facts_new_module(p->facts, where ? where->line : 0, where ? where->column : 0,
                         where ? where->end_column : 0);
    m->name = facts_intern(p->facts, name);
    m->init = init;
    vec_push(&p->modules, m);
    return m;
}

/* PyInit_x and PyModExport_x of one file are one module; so is an entry seen in two flavours. */
static struct fact_module *
link_module_for(struct program *p, const struct fact_entry *e)
{
    for (size_t i = 0; i < p->modules.n; i++) {
        if (str_same(p->modules.at[i]->name, e->name) && p->modules.at[i]->at.unit == e->at.unit) {
            return p->modules.at[i];
        }
    }
    return NULL;
}

static bool
link_is_test_name(const char *name)
{
    return str_starts(name, "_test");
}

/* A module named _test... whose statics are fixtures. One built as part of the core is not: the
 * core initialises it in every interpreter like its other modules. */
static bool
link_is_test_module(const struct program *p, const struct fact_entry *e)
{
    if (!link_is_test_name(e->name)) {
        return false;
    }
    FACTS_EACH(p->facts, define, d)
    {
        if (d->at.unit == e->at.unit && str_starts(d->name, "Py_BUILD_CORE")) {
            return false;
        }
    }
    return true;
}

static void
link_find_entries(struct program *p, struct reach *r)
{
    FACTS_EACH(p->facts, entry, e)
    {
        struct fact_module *m = link_module_for(p, e);
        bool export = str_same(e->kind, "modexport");
        if (!m) {
            m = link_new_module(p, &e->at, e->name, e->func);
            m->test_code = link_is_test_module(p, e);
        }
        m->modexport |= export;
        m->pyinit |= !export;
        if (!export) {
            m->init = e->func;
        }
        for (size_t i = 0; i < p->modules.n; i++) {
            if (p->modules.at[i] == m) {
                reach_add(r, e->func, link_bit(i));
                reach_run(r, link_bit(i));
            }
        }
    }
}

/* Worked out once per set: thousands of facts share a few sets. */
static const struct set_names *
link_set_names(struct set_namer *n, const struct module_set *set)
{
    if (n->last_names && memcmp(&n->last_set, set, sizeof(*set)) == 0) {
        return n->last_names;
    }
    n->last_set = *set;
    char key[SET_WORDS * 16 + 1];
    for (int i = 0; i < SET_WORDS * 16; i++) {
        key[i] = "0123456789abcdef"[(set->word[i / 16] >> (i % 16 * 4)) & 15];
    }
    key[SET_WORDS * 16] = '\0';
    void **slot = map_slot(&n->names, intern(&n->p->facts->strings, key));
    if (*slot) {
        n->last_names = *slot;
        return *slot;
    }
    struct set_names *names = arena_alloc(&n->p->arena, sizeof(*names));
    *slot = names;
    n->last_names = names;
    struct str text = {0};
    names->test_code = !set_is_empty(set);
    for (size_t i = 0; i < n->p->modules.n; i++) {
        if (set_has(set, link_bit(i))) {
            str_addf(&text, "%s%s", text.n ? "," : "", n->p->modules.at[i]->name);
            names->test_code &= n->p->modules.at[i]->test_code;
        }
    }
    names->names = text.n ? facts_intern(n->p->facts, text.s) : NULL;
    str_free(&text);
    return names;
}

/* The modules each unit belongs to. */
static struct module_set *
link_unit_sets(struct program *p, const struct reach *r)
{
    size_t n = p->facts->by_kind[FACT_unit].n;
    struct module_set *sets = arena_alloc(&p->arena, (n + 1) * sizeof(*sets));
    for (size_t i = 0; i < p->bodies.n; i++) {
        const struct fact_function *f = p->bodies.at[i]->fact;
        if (f->at.unit >= 0 && !f->in_header) {
            set_join(&sets[f->at.unit], reach_set(r, f->id));
        }
    }
    FACTS_EACH(p->facts, variable, v)
    {
        if (v->at.unit >= 0 && v->is_definition && !str_ends(v->at.file, ".h")) {
            set_join(&sets[v->at.unit], reach_set(r, v->id));
        }
    }
    /* Units that the build puts into one target belong together. */
    struct map targets = {0};
    FACTS_EACH(p->facts, unit, u)
    {
        const char *key = link_output_key(p, u->output);
        if (key) {
            void **slot = map_slot(&targets, key);
            if (!*slot) {
                *slot = arena_alloc(&p->arena, sizeof(struct module_set));
            }
            set_join(*slot, &sets[u->at.unit]);
        }
    }
    FACTS_EACH(p->facts, unit, u)
    {
        const char *key = link_output_key(p, u->output);
        set_join(&sets[u->at.unit], key ? map_get(&targets, key) : NULL);
    }
    map_free(&targets);
    return sets;
}

/* Units with functions that Python could call: parts of some module, even if none of those here
 * uses them. */
static bool *
link_python_units(struct program *p)
{
    bool *units = arena_alloc(&p->arena, (p->facts->by_kind[FACT_unit].n + 1) * sizeof(*units));
    FACTS_EACH(p->facts, function, f)
    {
        if (f->at.unit >= 0 && link_faces_python(f)) {
            units[f->at.unit] = true;
        }
    }
    return units;
}

/* Which units may be used in ways that are not seen: those that no module reaches, and those of a
 * module of which a unit was not understood whole (its tables may be lost). */
static void
link_find_loose(struct program *p, const struct module_set *sets, const bool *python)
{
    p->loose_units =
        arena_alloc(&p->arena, (p->facts->by_kind[FACT_unit].n + 1) * sizeof(*p->loose_units));
    struct module_set damaged = {{0}};
    FACTS_EACH(p->facts, unit, u)
    {
        if (u->status && !str_same(u->status, "ok")) {
            set_join(&damaged, &sets[u->at.unit]);
        }
    }
    FACTS_EACH(p->facts, unit, u)
    {
        const struct module_set *set = &sets[u->at.unit];
        bool loose = set_is_empty(set) && python[u->at.unit];
        for (size_t i = 0; i < p->modules.n && !loose; i++) {
            loose = set_has(set, link_bit(i)) && set_has(&damaged, link_bit(i));
        }
        p->loose_units[u->at.unit] = loose;
    }
}

static void
link_assign_units(struct program *p, struct module_set *sets)
{
    bool loose = false;
    size_t n = p->modules.n;
    const bool *python = link_python_units(p);
    link_find_loose(p, sets, python);
    FACTS_EACH(p->facts, unit, u)
    {
        if (set_is_empty(&sets[u->at.unit]) && n == 1 && !python[u->at.unit]) {
            set_add(&sets[u->at.unit], 0);
        }
        loose |= set_is_empty(&sets[u->at.unit]);
    }
    if (loose) {
        struct fact_module *m = link_new_module(
            p, n || !p->facts->by_kind[FACT_unit].n ? NULL : p->facts->by_kind[FACT_unit].at[0],
            n ? "(other files)" : "(no init function)", NULL);
        m->phase = "unknown";
        m->own = m->gil = "none";
        FACTS_EACH(p->facts, unit, u)
        {
            if (set_is_empty(&sets[u->at.unit])) {
                set_add(&sets[u->at.unit], link_bit(n));
            }
        }
    }
    FACTS_EACH(p->facts, unit, u)
    {
        for (size_t i = 0; i < p->modules.n; i++) {
            if (set_has(&sets[u->at.unit], link_bit(i))) {
                link_add_word(p, &p->modules.at[i]->units, u->path);
            }
        }
    }
}

static const struct set_names *
link_names_of(struct set_namer *n, const char *id, int unit)
{
    const struct module_set *set = reach_set(n->reach, id);
    if ((!set || set_is_empty(set)) && unit >= 0) {
        set = &n->unit_sets[unit];
    }
    static const struct set_names none = {NULL, 0};
    return set ? link_set_names(n, set) : &none;
}

static void
link_mark(struct program *p, const struct reach *r, const struct module_set *unit_sets)
{
    struct set_namer namer = {.p = p, .reach = r, .unit_sets = unit_sets};
    struct body_cursor last = {0};
    for (size_t i = 0; i < p->bodies.n; i++) {
        struct body *b = p->bodies.at[i];
        const struct set_names *names = link_names_of(&namer, b->fact->id, b->fact->at.unit);
        b->fact->modules = names->names;
        b->test_code = names->test_code != 0;
    }
    FACTS_EACH(p->facts, variable, v)
    {
        const struct set_names *names = link_names_of(&namer, v->id, v->at.unit);
        v->modules = names->names;
        v->test_code = names->test_code;
    }
    FACTS_EACH(p->facts, call, c)
    {
        const struct body *b = program_body_again(p, &last, c->func);
        if (b) {
            c->modules = b->fact->modules;
            c->test_code = b->test_code;
        }
    }
    map_free(&namer.names);
}

/* A lambda, or a member of another class without a name: its body stands with the class, and is
 * read where it stands. */
static bool
link_of_unnamed_class(const struct fact_call *c)
{
    const char *at = strstr(c->id, "(anonymous)::");
    return at && str_starts(at + strlen("(anonymous)::"), c->callee);
}

/* Functions that the project's headers declare, that are called, and that nobody defines. */
void
link_holes(struct program *p)
{
    FACTS_EACH(p->facts, call, c)
    {
        if (!str_same(c->origin, "project") && !str_same(c->origin, "local")) {
            continue;
        }
        const struct body *from = program_body(p, c->func);
        /* An API that these headers do not declare (any more) is no function of the project. */
        if (str_starts(c->callee, "Py") || str_starts(c->callee, "_Py") ||
            shim_is_name(c->callee)) {
            continue;
        }
        if (!c->id || program_body(p, c->id) || !from || from->fact->at.unit != c->at.unit ||
            link_of_unnamed_class(c)) {
            continue;
        }
        if (!from->entry && p->facts->by_kind[FACT_entry].n) {
            continue; /* dead code */
        }
        for (size_t i = 0; i < p->modules.n; i++) {
            if (str_list_has(from->fact->modules, p->modules.at[i]->name)) {
                link_add_word(p, &p->modules.at[i]->holes, c->callee);
            }
        }
    }
}

void
link_modules(struct program *p)
{
    struct reach r = {.p = p};
    reach_index(&r);
    link_find_entries(p, &r);
    struct module_set *unit_sets = link_unit_sets(p, &r);
    link_assign_units(p, unit_sets);
    link_mark(p, &r, unit_sets);
    reach_free(&r);
}
