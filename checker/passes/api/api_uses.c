/* Uses of one thing at many places, told once in each file; see api_uses.h. */
#include "passes/api/api_uses.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { API_NAMES_SHOWN = 4, API_LINES_SHOWN = 6 };

struct api_group {
    struct fact_flaw *flaw;
    const char *group;
    const struct fact *second;
    VEC(struct api_name) names;
    VEC(int) lines;
};

static struct api_group *
api_uses_group(struct api_uses *uses, const struct fact *where, const struct body *b,
               const char *what, const char *group, const char *risk, const char *shown)
{
    struct program *p = uses->p;
    void **slot = map_slot(&uses->groups,
                           arena_printf(&p->arena, "%s %s %s %s", what, risk, group, where->file));
    if (!*slot) {
        struct api_group *made = arena_alloc(&p->arena, sizeof(*made));
        *made = (struct api_group){.group = group};
        made->flaw = program_flaw(p, where, b, what, facts_intern(p->facts, group));
        made->flaw->symbol = facts_intern(p->facts, shown);
        made->flaw->class = facts_intern(p->facts, risk);
        vec_push(&uses->all, made);
        *slot = made;
    }
    return *slot;
}

void
api_uses_add(struct api_uses *uses, const struct fact *where, const struct body *b,
             const char *what, const char *group, const char *risk, struct api_name name)
{
    const char *place = arena_printf(&uses->p->arena, "%s %s %d:%d %s", what, where->file,
                                     where->line, where->column, name.shown);
    void **seen = map_slot(&uses->seen, place);
    if (*seen) {
        return;
    }
    struct api_group *g = api_uses_group(uses, where, b, what, group, risk, name.shown);
    *seen = g;
    if (g->lines.n == 1) {
        g->second = where;
    }
    vec_push(&g->lines, where->line);
    for (size_t i = 0; i < g->names.n; i++) {
        if (str_same(g->names.at[i].shown, name.shown)) {
            return;
        }
    }
    vec_push(&g->names, name);
}

/* Is the word the name of a function, which reads better with parentheses? */
static bool
api_is_function(const char *text, size_t n)
{
    if (n < 4 || (strncmp(text, "Py", 2) != 0 && strncmp(text, "_Py", 3) != 0)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!isalnum((unsigned char)text[i]) && text[i] != '_') {
            return false;
        }
    }
    return strchr("_", text[2]) || islower((unsigned char)text[n - 1]) || strstr(text, "_");
}

const char *
api_advice(struct program *p, const char *table, const char *key)
{
    const char *name = flow_cell(p, table, key, "replacement");
    if (!name || !*name) {
        return NULL;
    }
    struct str out = {0};
    for (const char *at = name; *at;) {
        size_t n = strcspn(at, " ,");
        str_addn(&out, at, n);
        if (api_is_function(at, n)) {
            str_add(&out, "()");
        }
        size_t blank = strspn(at + n, " ,");
        str_addn(&out, at + n, blank);
        at += n + blank;
    }
    const char *since = flow_cell(p, table, key, "replacement_since");
    bool compat = str_same(flow_cell(p, table, key, "in_pythoncapi_compat"), "yes");
    if (api_minor(since) > 9) {
        str_addf(&out, " (%s%s)", since, compat ? "; for older ones pythoncapi_compat.h" : "");
    }
    const char *kept = arena_printf(&p->arena, "%s", out.s);
    str_free(&out);
    return kept;
}

/* The names in words: "PyCodeObject.co_flags, co_argcount and 3 more". */
static const char *
api_uses_names(struct api_uses *uses, const struct api_group *g)
{
    struct str out = {0};
    for (size_t i = 0; i < g->names.n && i < API_NAMES_SHOWN; i++) {
        bool last = i + 1 == g->names.n;
        const char *shown = g->names.at[i].shown;
        const char *dot = strrchr(shown, '.');
        str_addf(&out, "%s%s", i == 0 ? "" : last ? " and " : ", ", i && dot ? dot + 1 : shown);
    }
    if (g->names.n > API_NAMES_SHOWN) {
        str_addf(&out, " and %zu more", g->names.n - API_NAMES_SHOWN);
    }
    const char *kept = facts_intern(uses->p->facts, out.s);
    str_free(&out);
    return kept;
}

/* What to use instead of each: the same for all, or one for each name that has one. */
static const char *
api_uses_advice(struct api_uses *uses, const struct api_group *g)
{
    static const char none[] =
        "no public function does this: do without it, or keep the use in one "
        "place behind a check of PY_VERSION_HEX";
    struct str out = {0};
    const struct api_name *first = &g->names.at[0];
    bool same = true;
    for (size_t i = 1; i < g->names.n; i++) {
        same &= str_same(g->names.at[i].advice, first->advice);
    }
    for (size_t i = 0; i < (same ? 1 : g->names.n); i++) {
        const struct api_name *name = &g->names.at[i];
        const char *dot = strrchr(name->shown, '.');
        if (name->advice) {
            str_addf(&out, "%s%s", out.n ? "; " : "use ", name->advice);
        }
        if (name->advice && !same) {
            str_addf(&out, " for %s", dot ? dot + 1 : name->shown);
        }
    }
    const char *kept = facts_intern(uses->p->facts, out.n ? out.s : none);
    str_free(&out);
    return kept;
}

static void
api_uses_places(struct api_uses *uses, const struct api_group *g)
{
    if (!g->second) {
        return;
    }
    struct str out = {0};
    str_add(&out, "and here");
    for (size_t i = 2; i < g->lines.n && i < API_LINES_SHOWN; i++) {
        str_addf(&out, "%s%d", i == 2 ? ", in lines " : ", ", g->lines.at[i]);
    }
    if (g->lines.n > API_LINES_SHOWN) {
        str_addf(&out, " and at %zu more places", g->lines.n - API_LINES_SHOWN);
    }
    flaw_relate(uses->p, g->flaw, g->second, facts_intern(uses->p->facts, out.s));
    str_free(&out);
}

void
api_uses_tell(struct api_uses *uses)
{
    for (size_t i = 0; i < uses->all.n; i++) {
        struct api_group *g = uses->all.at[i];
        g->flaw->detail = api_uses_names(uses, g);
        g->flaw->detail2 = api_uses_advice(uses, g);
        g->flaw->number = (long)g->lines.n;
        api_uses_places(uses, g);
        vec_free(&g->names);
        vec_free(&g->lines);
    }
    vec_free(&uses->all);
    map_free(&uses->groups);
    map_free(&uses->seen);
}

int
api_minor(const char *version)
{
    return str_starts(version, "3.") ? (int)strtol(version + 2, NULL, 10) : 0;
}

static const struct fact_unit *
api_unit(const struct program *p, const struct fact *where)
{
    int unit = where->unit;
    bool known = unit >= 0 && (size_t)unit < p->facts->by_kind[FACT_unit].n;
    return known ? (const struct fact_unit *)(const void *)p->facts->by_kind[FACT_unit].at[unit]
                 : NULL;
}

int
api_version(const struct program *p, const struct fact *where)
{
    const struct fact_unit *unit = api_unit(p, where);
    return unit ? api_minor(unit->python) : 0;
}

bool
api_is_excused(const struct program *p, const struct fact *where, const struct body *b)
{
    static const char *const bindings[] = {"pythoncapi_compat", "/pybind11/", "/nanobind/",
                                           "/boost/", "/numpy/"};
    const struct fact_unit *unit = api_unit(p, where);
    const char *name = b && b->fact->name ? b->fact->name : "";
    if (!unit || unit->core || (unit->generator && *unit->generator) || str_starts(name, "Py") ||
        str_starts(name, "_Py")) {
        return true;
    }
    for (size_t i = 0; i < sizeof(bindings) / sizeof(*bindings); i++) {
        if (where->file && strstr(where->file, bindings[i])) {
            return true;
        }
    }
    return false;
}
