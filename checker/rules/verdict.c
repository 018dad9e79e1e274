#include "rules/verdict.h"

#include <string.h>

#include "rules/rule_file.h"

enum loads { LOADS_NO, LOADS_YES, LOADS_UNKNOWN };

struct verdict_run {
    const struct program *p;
    const struct rule_options *o;
    struct findings *out;
    const struct fact_module *module;
    struct module_result *result;
    bool only_module, only_init; /* the only one; the only one with an init function */
    const char *limited;         /* why the limited API keeps it from loading; NULL: it does not */
    int python;                  /* of the oldest headers used, 0: not known */
    bool incomplete;
};

static const struct fact_unit *
verdict_unit(const struct program *p, size_t i)
{
    return (const struct fact_unit *)(const void *)p->facts->by_kind[FACT_unit].at[i];
}

static bool
verdict_owns_file(const struct verdict_run *v, const char *file)
{
    return file && v->module->units && str_list_has(v->module->units, file);
}

/* A finding of this module; one that belongs to no module counts when there is only one. */
static bool
verdict_owns(const struct verdict_run *v, const struct finding *f)
{
    if (f->modules && *f->modules) {
        return str_list_has(f->modules, v->module->name);
    }
    return v->only_module;
}

/* Declarations say whether it loads, which these two targets make depend on them. Elsewhere they
 * are dangers like others. */
static bool
verdict_is_declaration(enum target t, const struct rule *rule)
{
    return rule->decides_loading && (t == TARGET_OWN_GIL || t == TARGET_FREE_THREADED);
}

static const struct finding *
verdict_worst(const struct verdict_run *v, enum target t)
{
    const struct finding *worst = NULL;
    for (size_t i = 0; i < v->out->all.n; i++) {
        const struct finding *f = v->out->all.at[i];
        bool counts = f->suppression == NOT_SUPPRESSED && f->severity[t] != SEVERITY_NONE &&
                      f->rule->confidence >= CONFIDENCE_MEDIUM &&
                      !verdict_is_declaration(t, f->rule) && verdict_owns(v, f);
        if (counts && (!worst || f->severity[t] > worst->severity[t])) {
            worst = f;
        }
    }
    return worst;
}

static int
verdict_count(const struct verdict_run *v, enum target t, enum severity s)
{
    int n = 0;
    for (size_t i = 0; i < v->out->all.n; i++) {
        const struct finding *f = v->out->all.at[i];
        n += f->suppression == NOT_SUPPRESSED && f->severity[t] == s &&
             !verdict_is_declaration(t, f->rule) && verdict_owns(v, f);
    }
    return n;
}

/* Findings at hazard or above that a suppression or the baseline takes out of the count. */
static int
verdict_accepted(const struct verdict_run *v, enum target t)
{
    int n = 0;
    for (size_t i = 0; i < v->out->all.n; i++) {
        const struct finding *f = v->out->all.at[i];
        n += f->suppression != NOT_SUPPRESSED && f->severity[t] >= SEVERITY_HAZARD &&
             !verdict_is_declaration(t, f->rule) && verdict_owns(v, f);
    }
    return n;
}

static const struct finding *
verdict_declaration(const struct verdict_run *v, enum target t)
{
    for (size_t i = 0; i < v->out->all.n; i++) {
        const struct finding *f = v->out->all.at[i];
        if (f->rule->decides_loading && f->severity[t] != SEVERITY_NONE && verdict_owns(v, f)) {
            return f;
        }
    }
    return NULL;
}

/* The finding that says that the module cannot even be built or imported there. */
static const struct finding *
verdict_unimportable(const struct verdict_run *v, enum target t)
{
    for (size_t i = 0; i < v->out->all.n; i++) {
        const struct finding *f = v->out->all.at[i];
        if (f->rule->decides_import && f->severity[t] == SEVERITY_BLOCKER &&
            f->suppression == NOT_SUPPRESSED && verdict_owns(v, f)) {
            return f;
        }
    }
    return NULL;
}

static bool
verdict_phase_is(const struct fact_module *m, const char *phase)
{
    return str_same(m->phase, phase);
}

static enum loads
verdict_loads_own(const struct fact_module *m, const char **reason)
{
    if (str_same(m->own, "per-interpreter")) {
        return LOADS_YES;
    }
    if (str_same(m->own, "not-supported") || str_same(m->own, "supported")) {
        *reason = str_same(m->own, "supported") ? "declares support for a shared GIL only"
                                                : "declares that it supports no subinterpreters";
        return LOADS_NO;
    }
    if (verdict_phase_is(m, "single")) {
        *reason = "single-phase initialisation";
        return LOADS_NO;
    }
    if (str_same(m->own, "absent")) {
        *reason = "declares no own-GIL support";
        return LOADS_NO;
    }
    *reason = "its declaration could not be read";
    return LOADS_UNKNOWN;
}

static enum loads
verdict_loads_ft(const struct fact_module *m, const char **reason)
{
    if (str_same(m->gil, "not-used")) {
        return LOADS_YES;
    }
    if (str_same(m->gil, "unresolved")) {
        *reason = "its declaration could not be read";
        return LOADS_UNKNOWN;
    }
    *reason = str_same(m->gil, "used") ? "declares that it uses the GIL"
                                       : "does not declare that it runs without the GIL";
    return LOADS_NO;
}

static enum loads
verdict_loads(const struct verdict_run *v, enum target t, const char **reason)
{
    *reason = NULL;
    if (!v->module->phase || verdict_phase_is(v->module, "unknown")) {
        *reason = "no module initialisation function among the files";
        return LOADS_UNKNOWN;
    }
    return t == TARGET_OWN_GIL         ? verdict_loads_own(v->module, reason)
           : t == TARGET_FREE_THREADED ? verdict_loads_ft(v->module, reason)
                                       : LOADS_YES;
}

/* Slots stand behind `#if` for older headers, so these can show nothing. */
static bool
verdict_headers_too_old(const struct verdict_run *v, enum target t)
{
    int needed = t == TARGET_FREE_THREADED                   ? 0x030d
                 : t == TARGET_OWN_GIL || t == TARGET_RELOAD ? 0x030c
                                                             : 0;
    return v->python && v->python < needed;
}

static struct module_verdict
verdict_not_loading(const struct verdict_run *v, enum target t, const struct finding *worst,
                    const char *reason)
{
    struct module_verdict out = {.verdict = VERDICT_NOT_READY, .asked = true};
    int blockers = verdict_count(v, t, SEVERITY_BLOCKER);
    bool broken = worst && worst->severity[t] == SEVERITY_BLOCKER;
    if (t == TARGET_FREE_THREADED && !broken) {
        out.verdict = v->incomplete ? VERDICT_UNKNOWN : VERDICT_RUNS_WITH_GIL;
        reason = v->incomplete ? "not everything could be analysed" : reason;
    }
    /* Where not all was seen, no finding decides. */
    out.deciding = broken                           ? worst
                   : out.verdict == VERDICT_UNKNOWN ? NULL
                                                    : verdict_declaration(v, t);
    /* The count first: it belongs to the rule that is named in front of it. */
    out.reason = broken ? arena_printf(&v->out->arena, "%d blocker%s, and %s", blockers,
                                       blockers == 1 ? "" : "s", reason)
                        : reason;
    return out;
}

/* What somebody vouched for stands beside what was seen, in the report and in the note. */
static const char *
verdict_with_trust(const struct verdict_run *v, const char *reason)
{
    long n = v->module->trusted;
    return n ? arena_printf(&v->out->arena, "%s; %ld function%s taken on trust", reason, n,
                            n == 1 ? "" : "s")
             : reason;
}

static struct module_verdict
verdict_loading(const struct verdict_run *v, enum target t, enum loads loads,
                const struct finding *worst, const char *reason)
{
    struct module_verdict out = {.asked = true, .deciding = worst};
    enum severity severity = worst ? worst->severity[t] : SEVERITY_NONE;
    int n = verdict_count(v, t, severity);
    if (severity == SEVERITY_BLOCKER) {
        out.verdict = VERDICT_NOT_READY;
        out.reason = arena_printf(&v->out->arena, "%d blocker%s", n, n == 1 ? "" : "s");
    }
    else if (loads == LOADS_UNKNOWN || v->incomplete) {
        out.verdict = VERDICT_UNKNOWN;
        out.deciding = NULL;
        out.reason = loads == LOADS_UNKNOWN ? reason : "not everything could be analysed";
    }
    else if (severity == SEVERITY_HAZARD) {
        out.verdict = VERDICT_READY_WITH_WARNINGS;
        out.reason = verdict_with_trust(
            v, arena_printf(&v->out->arena, "%d hazard%s", n, n == 1 ? "" : "s"));
    }
    else if (verdict_accepted(v, t)) {
        /* What somebody accepted is still there: the word `ready` would hide it. */
        int accepted = verdict_accepted(v, t);
        out.verdict = VERDICT_READY_WITH_WARNINGS;
        out.deciding = NULL;
        out.reason = verdict_with_trust(
            v, arena_printf(&v->out->arena, "%d finding%s accepted by suppressions or the baseline",
                            accepted, accepted == 1 ? "" : "s"));
    }
    else {
        out.verdict = VERDICT_READY;
        out.deciding = NULL;
        bool declares = t == TARGET_OWN_GIL || t == TARGET_FREE_THREADED;
        out.reason =
            v->module->trusted
                ? verdict_with_trust(v, declares ? "declared" : "nothing speaks against it")
            : declares ? "declared, and nothing speaks against it"
                       : "nothing speaks against it";
    }
    return out;
}

static struct module_verdict
verdict_for(const struct verdict_run *v, enum target t)
{
    if (verdict_headers_too_old(v, t)) {
        return (struct module_verdict){
            .verdict = VERDICT_UNKNOWN,
            .asked = true,
            .reason = arena_printf(&v->out->arena,
                                   "needs 3.13+ headers, for example: apt install "
                                   "python3.13-dev, or a pyenv or uv Python (these are %d.%d)",
                                   v->python >> 8, v->python & 0xff)};
    }
    const struct finding *worst = verdict_worst(v, t);
    if (t == TARGET_FREE_THREADED && v->limited) {
        return (struct module_verdict){.verdict = VERDICT_NOT_READY,
                                       .asked = true,
                                       .deciding = verdict_unimportable(v, t),
                                       .reason = v->limited};
    }
    const char *reason;
    enum loads loads = verdict_loads(v, t, &reason);
    return loads == LOADS_NO ? verdict_not_loading(v, t, worst, reason)
                             : verdict_loading(v, t, loads, worst, reason);
}

static void
verdict_miss(struct verdict_run *v, const char *what)
{
    v->incomplete = true;
    for (size_t i = 0; i < v->result->missing.n; i++) {
        if (strcmp(v->result->missing.at[i], what) == 0) {
            return;
        }
    }
    vec_push(&v->result->missing, what);
}

static void
verdict_note_holes(struct verdict_run *v)
{
    for (const char *hole = v->module->holes; hole && *hole;) {
        /* A comma inside parentheses belongs to the name of a C++ function. */
        size_t n = 0;
        for (int depth = 0; hole[n] && (depth > 0 || hole[n] != ','); n++) {
            depth += (hole[n] == '(') - (hole[n] == ')');
        }
        verdict_miss(v,
                     arena_printf(&v->out->arena, "%.*s() is called, but no given file defines it",
                                  (int)n, hole));
        hole += hole[n] ? n + 1 : n;
    }
}

/* Files that failed: those known to be this module's; the others too when no other module is there
 * or when functions are missing that they may hold. */
static void
verdict_note_failed(struct verdict_run *v)
{
    bool only = v->only_module || v->only_init;
    bool any = only || (v->module->holes && *v->module->holes);
    for (size_t i = 0; i < v->out->failed.n; i++) {
        const struct failed_file *f = &v->out->failed.at[i];
        if (verdict_owns_file(v, f->file) || (any && !f->partial) || only) {
            verdict_miss(v, arena_printf(&v->out->arena, "%s: %s", f->file, f->reason));
        }
    }
}

static void
verdict_note_unit(struct verdict_run *v, const struct fact_unit *unit)
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
        verdict_miss(v,
                     arena_printf(&v->out->arena, "%s: %s", unit->path,
                                  unit->message && *unit->message ? unit->message : unit->status));
    }
    int python = unit->python ? python_version_parse(unit->python) : -1;
    if (python > 0 && (!v->python || python < v->python)) {
        v->python = python;
        v->result->python = arena_string(&v->out->arena, unit->python);
    }
}

static bool
verdict_targets_abi3t(const struct program *p, const struct fact_unit *unit)
{
    FACTS_EACH(p->facts, define, d)
    {
        if (str_same(d->name, "Py_TARGET_ABI3T") && d->at.unit >= 0 &&
            str_same(verdict_unit(p, (size_t)d->at.unit)->path, unit->path)) {
            return true;
        }
    }
    return false;
}

/* Why free-threaded builds do not load what was built for the limited API; NULL: they do. */
static const char *
verdict_limited(const struct verdict_run *v, const struct fact_unit *unit)
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
                        verdict_targets_abi3t(v->p, unit)
                            ? "; abi3t is judged with headers of 3.15 (--python 3.15)"
                            : "");
}

static void
verdict_note_units(struct verdict_run *v)
{
    for (size_t i = 0; i < v->p->facts->by_kind[FACT_unit].n; i++) {
        const struct fact_unit *unit = verdict_unit(v->p, i);
        if (!unit->path || !verdict_owns_file(v, unit->path)) {
            continue;
        }
        verdict_note_unit(v, unit);
        v->limited = v->limited ? v->limited : verdict_limited(v, unit);
    }
}

static int
verdict_inits(const struct program *p)
{
    int n = 0;
    FACTS_EACH(p->facts, module, m)
    {
        n += m->init != NULL;
    }
    return n;
}

static void
verdict_module(const struct program *p, const struct rule_options *o, struct findings *out,
               const struct fact_module *module)
{
    struct module_result result = {
        .name = arena_string(&out->arena, module->name ? module->name : "?")};
    struct verdict_run v = {.p = p,
                            .o = o,
                            .out = out,
                            .module = module,
                            .result = &result,
                            .only_module = p->facts->by_kind[FACT_module].n == 1,
                            .only_init = verdict_inits(p) == 1 && module->init};
    verdict_note_units(&v);
    verdict_note_holes(&v);
    verdict_note_failed(&v);
    for (int t = 0; t < TARGETS; t++) {
        if (o->targets[t] && t != TARGET_PORT) {
            result.verdict[t] = verdict_for(&v, (enum target)t);
        }
    }
    vec_push(&out->modules, result);
}

/* Is the evidence for an overclaim still there? Only when all of it was suppressed it is not; what
 * `--select` keeps out of the report was evidence all the same. */
static bool
verdict_claim_stands(const struct findings *out, const struct finding *claim)
{
    for (size_t n = 0; n < claim->rule->needs.n; n++) {
        const struct rule_need *need = &claim->rule->needs.at[n];
        bool found = need->none, suppressed = false;
        for (size_t i = 0; i < out->all.n && !found; i++) {
            const struct finding *f = out->all.at[i];
            bool shared = false;
            STR_WORDS_EACH(f->modules, module)
            {
                shared = shared || str_list_has_word(claim->modules, module);
            }
            bool evidence = shared && !f->rule->needs.n && !f->rule->decides_loading &&
                            !f->rule->decides_import && f->severity[need->target] >= need->severity;
            found = evidence && f->suppression == NOT_SUPPRESSED;
            suppressed = suppressed || evidence;
        }
        if (!found && suppressed) {
            return false;
        }
    }
    return true;
}

static void
verdict_drop_claims(struct findings *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < out->all.n; i++) {
        struct finding *f = out->all.at[i];
        if (f->rule->needs.n && !verdict_claim_stands(out, f)) {
            vec_free(&f->related);
            continue;
        }
        out->all.at[kept++] = f;
    }
    out->all.n = kept;
}

void
verdicts_compute(const struct program *p, const struct rule_options *o, struct findings *out)
{
    verdict_drop_claims(out);
    if (o->targets[TARGET_PORT]) {
        vec_push(&out->notes, "port: it has no verdict of its own; the findings say what newer "
                              "Pythons remove or change");
    }
    FACTS_EACH(p->facts, module, m)
    {
        verdict_module(p, o, out, m);
    }
}
