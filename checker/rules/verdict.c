/* Verdicts on modules; see verdict.h. */
#include "rules/verdict.h"

#include "rules/verdict_run.h"

enum loads { LOADS_NO, LOADS_YES, LOADS_UNKNOWN };

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
    verdict_see_units(&v);
    verdict_see_holes(&v);
    verdict_see_failed(&v);
    for (int t = 0; t < TARGETS; t++) {
        if (o->targets[t] && t != TARGET_PORT) {
            result.verdict[t] = verdict_for(&v, (enum target)t);
        }
    }
    vec_push(&out->modules, result);
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
