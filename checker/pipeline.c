#include "pipeline.h"

#include <pthread.h>
#include <stdlib.h>

#include "gate/gate.h"
#include "pipeline_run.h"

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
