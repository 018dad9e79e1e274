/* What was seen of a module and what was not: units, holes, files that failed, the limited API. */
#include <string.h>

#include "rules/rule_file.h"
#include "rules/verdict_run.h"

static const struct fact_unit *
seen_unit_at(const struct program *p, size_t i)
{
    return (const struct fact_unit *)(const void *)p->facts->by_kind[FACT_unit].at[i];
}

static bool
seen_owns_file(const struct verdict_run *v, const char *file)
{
    return file && v->module->units && str_list_has(v->module->units, file);
}

static void
seen_miss(struct verdict_run *v, const char *what)
{
    v->incomplete = true;
    for (size_t i = 0; i < v->result->missing.n; i++) {
        if (strcmp(v->result->missing.at[i], what) == 0) {
            return;
        }
    }
    vec_push(&v->result->missing, what);
}

void
verdict_see_holes(struct verdict_run *v)
{
    for (const char *hole = v->module->holes; hole && *hole;) {
        /* A comma inside parentheses belongs to the name of a C++ function. */
        size_t n = 0;
        for (int depth = 0; hole[n] && (depth > 0 || hole[n] != ','); n++) {
            depth += (hole[n] == '(') - (hole[n] == ')');
        }
        seen_miss(v, arena_printf(&v->out->arena, "%.*s() is called, but no given file defines it",
                                  (int)n, hole));
        hole += hole[n] ? n + 1 : n;
    }
}

void
verdict_see_failed(struct verdict_run *v)
{
    bool only = v->only_module || v->only_init;
    bool any = only || (v->module->holes && *v->module->holes);
    for (size_t i = 0; i < v->out->failed.n; i++) {
        const struct failed_file *f = &v->out->failed.at[i];
        if (seen_owns_file(v, f->file) || (any && !f->partial) || only) {
            seen_miss(v, arena_printf(&v->out->arena, "%s: %s", f->file, f->reason));
        }
    }
}

static void
seen_unit(struct verdict_run *v, const struct fact_unit *unit)
{
    bool known = false;
    for (size_t i = 0; i < v->result->units.n; i++) {
        known = known || strcmp(v->result->units.at[i], unit->path) == 0;
    }
    if (!known) {
        vec_push(&v->result->units, arena_string(&v->out->arena, unit->path));
    }
    bool reported = false;
    for (size_t i = 0; i < v->out->failed.n; i++) {
        reported = reported || str_same(v->out->failed.at[i].file, unit->path);
    }
    if (!reported && unit->status && *unit->status && !str_same(unit->status, "ok")) {
        seen_miss(v, arena_printf(&v->out->arena, "%s: %s", unit->path,
                                  unit->message && *unit->message ? unit->message : unit->status));
    }
    int python = unit->python ? python_version_parse(unit->python) : -1;
    if (python > 0 && (!v->python || python < v->python)) {
        v->python = python;
        v->result->python = arena_string(&v->out->arena, unit->python);
    }
}

static bool
seen_targets_abi3t(const struct program *p, const struct fact_unit *unit)
{
    FACTS_EACH(p->facts, define, d)
    {
        if (str_same(d->name, "Py_TARGET_ABI3T") && d->at.unit >= 0 &&
            str_same(seen_unit_at(p, (size_t)d->at.unit)->path, unit->path)) {
            return true;
        }
    }
    return false;
}

/* Why free-threaded builds do not load what was built for the limited API; NULL: they do. */
static const char *
seen_limited(const struct verdict_run *v, const struct fact_unit *unit)
{
    static const char refused[] = "no-abi3t: ";
    if (!unit->limited || !*unit->limited || str_same(unit->limited, "abi3t")) {
        return NULL;
    }
    if (str_starts(unit->limited, refused)) {
        return arena_printf(&v->out->arena,
                            "not loadable: built for the limited API, and %s does not compile for "
                            "abi3t, that of free-threaded 3.15 (%s)",
                            unit->path, unit->limited + sizeof(refused) - 1);
    }
    return arena_printf(&v->out->arena,
                        "not loadable there: built for the limited API, which free-threaded 3.13 "
                        "and 3.14 refuse%s",
                        seen_targets_abi3t(v->p, unit)
                            ? "; abi3t is judged with headers of 3.15 (--python 3.15)"
                            : "");
}

void
verdict_see_units(struct verdict_run *v)
{
    for (size_t i = 0; i < v->p->facts->by_kind[FACT_unit].n; i++) {
        const struct fact_unit *unit = seen_unit_at(v->p, i);
        if (!unit->path || !seen_owns_file(v, unit->path)) {
            continue;
        }
        seen_unit(v, unit);
        v->limited = v->limited ? v->limited : seen_limited(v, unit);
    }
}
