/* What a run tells: the baseline, the reports, what the gate records, the exit code. */
#include "gate/gate.h"
#include "outputs.h"
#include "pipeline.h"
#include "pipeline_run.h"
#include "rules/suppress.h"

/* Files that facts exist of; those that failed cannot tell what is gone. */
static void
report_seen_files(struct pipeline *p, struct map *seen)
{
    for (size_t i = 0; i < p->analyses.n; i++) {
        const struct facts *facts = &p->analyses.at[i]->extracted;
        const char *last = NULL;
        for (size_t k = 0; k < facts->all.n; k++) {
            const char *file = facts->all.at[k]->file;
            if (file && file != last && !findings_file_failed(&p->findings, file)) {
                map_set(seen, baseline_file(&p->findings.arena, file, p->o->root), p);
            }
            last = file;
        }
    }
}

static bool
report_settle_baseline(struct pipeline *p)
{
    struct map seen = {0};
    report_seen_files(p, &seen);
    struct baseline_scope scope = {&p->rules, &p->context.rule_options, &seen, p->o->root};
    bool good = true;
    if (p->o->baseline_prune) {
        good = baseline_prune(&p->baseline, &scope, p->o->baseline);
    }
    else {
        p->findings.stale_baseline = baseline_report_stale(&p->baseline, &scope, p->o->baseline);
    }
    map_free(&seen);
    return good;
}

/* The report would only repeat what was just accepted. */
static int
report_write_baseline(struct pipeline *p)
{
    int n = 0;
    if (!baseline_write(&p->findings, p->o->root, p->o->write_baseline, &n)) {
        return EXIT_TROUBLE;
    }
    for (size_t i = 0; i < p->findings.failed.n; i++) {
        diag_error("%s: %s", p->findings.failed.at[i].file, p->findings.failed.at[i].reason);
    }
    if (!p->o->quiet) {
        diag_note("wrote %d findings to %s", n, p->o->write_baseline);
    }
    return p->findings.failed.n || p->trouble ? EXIT_TROUBLE : EXIT_CLEAN;
}

static bool
report_has_findings(const struct pipeline *p)
{
    for (size_t i = 0; i < p->findings.all.n; i++) {
        const struct finding *f = p->findings.all.at[i];
        for (int t = 0; t < TARGETS; t++) {
            if (options_target_asked(p->o, (enum target)t) && f->suppression == NOT_SUPPRESSED &&
                f->severity[t] >= options_fail_on(p->o)) {
                return true;
            }
        }
    }
    return false;
}

/* Does a note say not-ready of a target that was asked for? */
static bool
report_notes_refuse(const struct pipeline *p)
{
    struct arena arena = {0};
    bool refuse = false;
    for (size_t i = 0; i < p->findings.binaries.n && !refuse; i++) {
        const char *text = p->findings.binaries.at[i].payload;
        json_t *object = text ? json_loads(text, 0, NULL) : NULL;
        struct gate_record record = {0};
        bool good = object && !gate_record_read(&record, &arena, object);
        for (int t = 0; t < TARGETS && good; t++) {
            refuse = refuse || (options_target_asked(p->o, (enum target)t) &&
                                str_same(record.verdict[t].verdict, "not-ready"));
        }
        gate_record_free(&record);
        json_decref(object);
    }
    arena_free(&arena);
    return refuse;
}

int
pipeline_report(struct pipeline *p)
{
    if (p->context.baseline && !report_settle_baseline(p)) {
        p->trouble = true;
    }
    if (p->o->write_baseline) {
        return report_write_baseline(p);
    }
    if (!outputs_write(p->o, &p->findings, &p->rules)) {
        p->trouble = true;
    }
    if (p->trouble || p->findings.failed.n) {
        return EXIT_TROUBLE;
    }
    bool found = report_has_findings(p) || report_notes_refuse(p);
    return found && !p->o->exit_zero ? EXIT_FINDINGS : EXIT_CLEAN;
}

int
pipeline_gate(struct pipeline *p)
{
    const struct environment *e = &p->environment;
    struct gate_input in = {.options = p->o,
                            .findings = &p->findings,
                            .rules = &p->rules,
                            .analyses = p->analyses.at,
                            .nanalyses = p->analyses.n};
    if (e->interpreters.n) {
        in.python = options_version_hex(e->interpreters.at[0].version);
    }
    for (size_t i = 0; i < p->headers.sets.n; i++) {
        in.free_threaded |= p->headers.sets.at[i].source.gil_disabled;
    }
    if (p->o->command == COMMAND_GATE) {
        return gate_finish(&in);
    }
    return verdict_file_write(&in, p->o->write_verdict) ? EXIT_CLEAN : EXIT_TROUBLE;
}
