#include "pipeline.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis.h"
#include "elf/elf_front.h"
#include "gate/gate.h"
#include "inputs.h"
#include "options/settings.h"
#include "outputs.h"
#include "report/report.h"
#include "rules/suppress.h"
#include "run_cache.h"

struct pipeline {
    struct options *o;
    struct environment environment;
    struct header_choice headers;
    struct ruleset rules;
    struct baseline baseline;
    struct words files, binaries;
    struct analysis_context context;
    VEC(struct analysis *) analyses;
    struct findings findings; /* of all analyses */
    struct run_cache cache;
    bool recalled; /* the findings are those of an earlier run */
    bool trouble;  /* something is missing that no failed file tells of */
};

/* ---- before anything is analysed ------------------------------------------------------------ */

static void
pipeline_set_rule_options(struct pipeline *p)
{
    struct options *o = p->o;
    struct rule_options *r = &p->context.rule_options;
    for (int t = 0; t < TARGETS; t++) {
        r->targets[t] = options_target_asked(o, (enum target)t);
    }
    r->select = o->select.list.n ? options_list(o, &o->select) : NULL;
    r->ignore = o->ignore.list.n ? options_list(o, &o->ignore) : NULL;
    r->file_ignores = o->file_ignores.list.n ? options_list(o, &o->file_ignores) : NULL;
    r->min_confidence = options_min_confidence(o);
    r->min_python = options_min_python(o);
}

/* A word that selects no rule is a typing mistake that would pass for a clean run. */
static bool
pipeline_check_rule_words(const struct pipeline *p, const char *option, const struct words *words)
{
    for (size_t i = 0; i < words->list.n; i++) {
        const char *word = words->list.at[i];
        bool found = false;
        for (size_t k = 0; k < p->rules.rules.n && !found; k++) {
            const struct rule *rule = p->rules.rules.at[k];
            found = str_starts(rule->id, word) || str_same(rule->name, word);
        }
        if (!found) {
            diag_error("--%s: no rule or family is called '%s'; `extcheck rules` lists all", option,
                       word);
            return false;
        }
    }
    return true;
}

/* The rules behind the patterns of per-file-ignores. */
static bool
pipeline_check_file_ignores(const struct pipeline *p)
{
    struct words rules = {0};
    for (size_t i = 0; i < p->o->file_ignores.list.n; i++) {
        vec_push(&rules.list, strrchr(p->o->file_ignores.list.at[i], ':') + 1);
    }
    bool good = pipeline_check_rule_words(p, "per-file-ignores", &rules);
    vec_free(&rules.list);
    return good;
}

static bool
pipeline_prepare(struct pipeline *p)
{
    struct options *o = p->o;
    if (!settings_load(o, !o->facts, &p->environment) || !options_check(o) ||
        !gate_check_options(o)) {
        return false;
    }
    if (gate_is_on(o) && !gate_settle(o)) {
        return false;
    }
    if (!o->dump_facts || o->facts) {
        if (!ruleset_load(&p->rules, o->rules_dir, o->api) ||
            !pipeline_check_rule_words(p, "select", &o->select) ||
            !pipeline_check_rule_words(p, "ignore", &o->ignore) ||
            !pipeline_check_file_ignores(p)) {
            return false;
        }
    }
    if (o->root && access(o->root, X_OK) != 0) {
        diag_error("--root: there is no folder '%s'", o->root);
        return false;
    }
    pipeline_set_rule_options(p);
    if (o->baseline && !o->write_baseline) {
        p->context.baseline = &p->baseline;
        return baseline_read(&p->baseline, o->baseline);
    }
    return true;
}

/* ---- facts ---------------------------------------------------------------------------------- */

static struct analysis *
pipeline_new_analysis(struct pipeline *p)
{
    struct analysis *a = xcalloc(1, sizeof(*a));
    vec_push(&p->analyses, a);
    return a;
}

static bool
pipeline_read_facts(struct pipeline *p)
{
    struct analysis *a = pipeline_new_analysis(p);
    if (!analysis_read_facts(a, p->o->facts)) {
        return false;
    }
    headers_of_facts(p->o, analysis_python(a), &p->headers);
    const char *pythons = analysis_pythons(a);
    if (pythons) {
        const char *from = strcmp(p->o->facts, "-") == 0 ? "standard input" : p->o->facts;
        vec_push(&p->headers.notes,
                 arena_printf(&p->o->arena, "the facts in %s come from headers of Python %s", from,
                              pythons));
    }
    return true;
}

/* Did an earlier run find out all of it? A run with a baseline or a gate needs more than findings.
 */
static bool
pipeline_recall(struct pipeline *p)
{
    const struct options *o = p->o;
    bool wanted = !o->dump_facts && !o->baseline && !gate_is_on(o) && !p->binaries.list.n &&
                  !p->findings.failed.n;
    if (!wanted || !run_cache_start(&p->cache, p->o, &p->rules, &p->headers, &p->findings)) {
        return false;
    }
    for (size_t i = 0; i < p->analyses.n; i++) {
        run_cache_add_source(&p->cache, p->analyses.at[i]->source, &p->headers.sets.at[i]);
    }
    return run_cache_get(&p->cache, &p->rules, &p->headers, &p->findings);
}

/* Files that failed are asked again next time. */
static void
pipeline_remember(struct pipeline *p)
{
    for (size_t i = 0; i < p->findings.failed.n; i++) {
        if (!p->findings.failed.at[i].partial) {
            return;
        }
    }
    for (size_t i = 0; i < p->headers.sets.n; i++) {
        source_dependencies(p->analyses.at[i]->source, &p->cache.dependencies);
    }
    run_cache_put(&p->cache, &p->headers, &p->findings);
}

/* Sources named with a binary are judged with what the gate let that one declare; what does not fit
 * is found when the two are compared. Several binaries count as far as they agree. */
static void
pipeline_take_claims(struct pipeline *p)
{
    struct options *o = p->o;
    bool found = false, own = true, not_used = true;
    for (size_t i = 0; i < p->binaries.list.n; i++) {
        bool own_here, not_used_here;
        if (elf_read_claims(p->binaries.list.at[i], &own_here, &not_used_here)) {
            found = true;
            own = own && own_here;
            not_used = not_used && not_used_here;
        }
    }
    bool new_own = found && own && !o->supports_own_gil;
    bool new_not_used = found && not_used && !o->supports_free_threaded;
    o->supports_own_gil = o->supports_own_gil || new_own;
    o->supports_free_threaded = o->supports_free_threaded || new_not_used;
    if (new_own || new_not_used) {
        vec_push(&p->findings.notes,
                 arena_printf(&o->arena,
                              "the sources are judged with %s%s, as the note in the "
                              "binary allows",
                              new_own ? "--supports-own-gil" : "",
                              !new_not_used ? ""
                              : new_own     ? " --supports-free-threaded"
                                            : "--supports-free-threaded"));
    }
}

static bool
pipeline_extract(struct pipeline *p)
{
    struct environment *e = &p->environment;
    inputs_collect(p->o, &p->files, &p->binaries, &p->findings);
    if (!p->files.list.n) {
        if (p->binaries.list.n) {
            analysis_read_binaries(pipeline_new_analysis(p), p->o, &p->binaries);
            headers_of_facts(p->o, 0, &p->headers);
        }
        return true;
    }
    pipeline_take_claims(p);
    gate_define_claims(p->o);
    if (!headers_choose(p->o, e->interpreters.at, e->interpreters.n, &p->binaries, &p->headers)) {
        return false;
    }
    for (size_t i = 0; i < p->headers.sets.n; i++) {
        struct analysis *a = pipeline_new_analysis(p);
        if (!analysis_open(a, &p->context, &p->files, &p->headers.sets.at[i])) {
            return false;
        }
    }
    p->recalled = pipeline_recall(p);
    for (size_t i = 0; i < p->headers.sets.n && !p->recalled; i++) {
        struct header_set *set = &p->headers.sets.at[i];
        struct analysis *a = p->analyses.at[i];
        analysis_read_binaries(a, p->o, &p->binaries);
        if (!analysis_extract(a)) {
            return false;
        }
        /* Flags of a compilation database may have brought headers of their own. */
        int hex = analysis_python(a);
        set->source.hex = hex ? hex : set->source.hex;
    }
    headers_settle(p->o, &p->headers);
    return true;
}

static void
pipeline_count_files(struct findings *findings)
{
    int failed = 0;
    for (size_t i = 0; i < findings->failed.n; i++) {
        failed += !findings->failed.at[i].partial;
    }
    findings->files_analysed = findings->files_total > failed ? findings->files_total - failed : 0;
}

static int
pipeline_dump_facts(struct pipeline *p)
{
    if (p->analyses.n > 1) {
        diag_error("--dump-facts takes one --python at a time");
        return EXIT_TROUBLE;
    }
    for (size_t i = 0; i < p->analyses.n; i++) {
        facts_write(&p->analyses.at[i]->extracted, stdout);
        analysis_join(&p->findings, p->analyses.at[i], i == 0);
    }
    for (size_t i = 0; i < p->findings.failed.n; i++) {
        diag_error("%s: %s", p->findings.failed.at[i].file, p->findings.failed.at[i].reason);
    }
    for (size_t i = 0; i < p->headers.notes.n && !p->o->quiet; i++) {
        diag_note("%s", p->headers.notes.at[i]);
    }
    pipeline_count_files(&p->findings);
    bool targets[TARGETS] = {false};
    struct report_options how = {.quiet = true, .targets = targets};
    report_closing(&p->findings, &how, stderr);
    bool good = fflush(stdout) == 0 && !ferror(stdout) && !p->findings.failed.n;
    return good ? EXIT_CLEAN : EXIT_TROUBLE;
}

/* ---- findings ------------------------------------------------------------------------------- */

static void
pipeline_say_unserved(struct pipeline *p)
{
    for (int t = 0; t < TARGETS; t++) {
        const char *reason = p->headers.unserved[t];
        if (reason) {
            diag_warning("target %s was not judged: %s", target_name((enum target)t), reason);
            p->trouble = true;
        }
    }
}

struct pipeline_job {
    pthread_t thread;
    bool started;
    struct analysis *analysis;
    const struct analysis_context *context;
};

static void *
pipeline_judge_one(void *job)
{
    struct pipeline_job *j = job;
    analysis_judge(j->analysis, j->context);
    return NULL;
}

/* The analyses share nothing that changes, except for a baseline. */
static void
pipeline_judge_all(struct pipeline *p)
{
    size_t n = p->analyses.n;
    struct pipeline_job *jobs = xcalloc(n + 1, sizeof(*jobs));
    for (size_t i = 0; i < n; i++) {
        jobs[i].analysis = p->analyses.at[i];
        jobs[i].context = &p->context;
        bool apart = i + 1 < n && i + 1 < (size_t)p->o->jobs && !p->context.baseline;
        jobs[i].started =
            apart && pthread_create(&jobs[i].thread, NULL, pipeline_judge_one, &jobs[i]) == 0;
        if (!jobs[i].started) {
            pipeline_judge_one(&jobs[i]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (jobs[i].started) {
            pthread_join(jobs[i].thread, NULL);
        }
    }
    free(jobs);
}

static void
pipeline_judge(struct pipeline *p)
{
    size_t n = p->analyses.n;
    struct analysis *other = NULL;
    for (size_t i = 0; i < n; i++) {
        p->analyses.at[i]->headers = p->headers.sets.at[i];
        other = other ? other : xcalloc(1, sizeof(*other));
        if (analysis_split(p->analyses.at[i], other)) {
            vec_push(&p->analyses, other);
            other = NULL;
        }
    }
    free(other);
    pipeline_judge_all(p);
    for (size_t i = 0; i < p->analyses.n; i++) {
        analysis_join(&p->findings, p->analyses.at[i], i == 0);
    }
    for (size_t i = 0; i < p->headers.notes.n; i++) {
        vec_push(&p->findings.notes, p->headers.notes.at[i]);
    }
    pipeline_count_files(&p->findings);
    if (p->cache.dir) {
        pipeline_remember(p);
    }
    pipeline_say_unserved(p);
}

/* ---- the baseline --------------------------------------------------------------------------- */

/* Files that facts exist of; those that failed cannot tell what is gone. */
static void
pipeline_seen_files(struct pipeline *p, struct map *seen)
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
pipeline_settle_baseline(struct pipeline *p)
{
    struct map seen = {0};
    pipeline_seen_files(p, &seen);
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
pipeline_write_baseline(struct pipeline *p)
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

/* ---- the end -------------------------------------------------------------------------------- */

static bool
pipeline_has_findings(const struct pipeline *p)
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
pipeline_notes_refuse(const struct pipeline *p)
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

static int
pipeline_report(struct pipeline *p)
{
    if (p->context.baseline && !pipeline_settle_baseline(p)) {
        p->trouble = true;
    }
    if (p->o->write_baseline) {
        return pipeline_write_baseline(p);
    }
    if (!outputs_write(p->o, &p->findings, &p->rules)) {
        p->trouble = true;
    }
    if (p->trouble || p->findings.failed.n) {
        return EXIT_TROUBLE;
    }
    bool found = pipeline_has_findings(p) || pipeline_notes_refuse(p);
    return found && !p->o->exit_zero ? EXIT_FINDINGS : EXIT_CLEAN;
}

/* The build gate reads what the analysis found in place of a report, or besides. */
static int
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

static int
pipeline_check(struct pipeline *p)
{
    if (!pipeline_prepare(p) || !(p->o->facts ? pipeline_read_facts(p) : pipeline_extract(p))) {
        return EXIT_TROUBLE;
    }
    if (p->o->dump_facts) {
        return pipeline_dump_facts(p);
    }
    if (p->recalled) {
        pipeline_say_unserved(p);
    }
    else {
        pipeline_judge(p);
    }
    if (p->o->command == COMMAND_GATE) {
        return pipeline_gate(p);
    }
    int code = pipeline_report(p);
    return gate_is_on(p->o) && pipeline_gate(p) != EXIT_CLEAN ? EXIT_TROUBLE : code;
}

static void
pipeline_print_headers(const struct header_choice *headers)
{
    for (size_t i = 0; i < headers->sets.n; i++) {
        const struct header_set *set = &headers->sets.at[i];
        printf("# headers: Python %s", set->source.version);
        for (size_t k = 0; set->source.flags[k]; k++) {
            printf(" %s", set->source.flags[k]);
        }
        const char *between = " for ";
        for (int t = 0; t < TARGETS; t++) {
            if (set->targets[t]) {
                printf("%s%s", between, target_name((enum target)t));
                between = ", ";
            }
        }
        putchar('\n');
    }
    for (int t = 0; t < TARGETS; t++) {
        if (headers->unserved[t]) {
            printf("# %s: %s\n", target_name((enum target)t), headers->unserved[t]);
        }
    }
}

static int
pipeline_print_config(struct pipeline *p)
{
    struct environment *e = &p->environment;
    if (!settings_load(p->o, true, e)) {
        return EXIT_TROUBLE;
    }
    bool good = headers_choose(p->o, e->interpreters.at, e->interpreters.n, NULL, &p->headers);
    printf("# settings file: %s\n", e->settings_file ? e->settings_file : "none");
    pipeline_print_headers(&p->headers);
    options_print(p->o, stdout);
    return good && fflush(stdout) == 0 ? EXIT_CLEAN : EXIT_TROUBLE;
}

/* The joined findings borrow their lists from the analyses. */
static void
pipeline_free(struct pipeline *p)
{
    vec_free(&p->findings.all); /* the findings themselves are the analyses' */
    findings_free(&p->findings);
    for (size_t i = 0; i < p->analyses.n; i++) {
        analysis_free(p->analyses.at[i]);
        free(p->analyses.at[i]);
    }
    vec_free(&p->analyses);
    run_cache_free(&p->cache);
    vec_free(&p->files.list);
    vec_free(&p->binaries.list);
    baseline_free(&p->baseline);
    headers_free(&p->headers);
    environment_free(&p->environment);
    ruleset_free(&p->rules);
}

int
pipeline_run(struct options *o)
{
    struct pipeline p = {.o = o};
    p.context.options = o;
    p.context.rules = &p.rules;
    p.context.headers = &p.headers;
    int code = o->command == COMMAND_PRINT_CONFIG ? pipeline_print_config(&p) : pipeline_check(&p);
    pipeline_free(&p);
    return code;
}
