/* The jobs of a run: which header and which unit is parsed when, and what becomes of the answer. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "source/source_run.h"
#include "source/workers/pipes.h"

/* JOB_KEEP: a header that is of use to later runs only. */
enum { JOB_GROUP = 1, JOB_UNIT = 2, JOB_HEADER_FT = 4, JOB_HEADER_GIL = 8, JOB_KEEP = 16 };

static void
source_worker_start(void *context)
{
    struct source *run = context;
    run->parser.index = run->cx.createIndex(1, 0);
}

static void
source_worker_run(void *context, const struct workers_job *job, struct str *out)
{
    struct source *run = context;
    if (job->flags & JOB_KEEP) {
        parse_keep_common(&run->parser, job->number);
        return;
    }
    if (job->flags & JOB_GROUP) {
        parse_group(&run->parser, job->number, out);
        return;
    }
    bool use_header[FLAVOURS] = {(job->flags & JOB_HEADER_FT) != 0,
                                 (job->flags & JOB_HEADER_GIL) != 0};
    parse_unit(&run->parser, job->number, use_header, out);
}

static void
source_progress(struct source *run)
{
    if (run->options->progress && isatty(STDERR_FILENO)) {
        run->progress_line = true;
        dprintf(STDERR_FILENO, "\r\033[Kextcheck: %d of %d files", run->done, run->total);
    }
}

/* Where the answer to a job is kept; it is empty now. */
struct str *
source_answered(struct source *run, const struct workers_job *job, bool ok)
{
    bool group = job->flags & JOB_GROUP;
    struct str *kept = group ? &run->group_files[job->number] : &run->results[job->number];
    str_clear(kept);
    if (group) {
        run->group_ok[job->number] = ok;
        run->group_done[job->number] = true;
    }
    return kept;
}

static void
source_done(void *context, const struct workers_job *job, const char *result, size_t n,
            const char *reason)
{
    struct source *run = context;
    bool group = job->flags & JOB_GROUP;
    if (job->flags & JOB_KEEP) {
        return;
    }
    struct str failure = {0};
    if (!result) {
        str_addf(&failure, "S failed %s\nF\n", reason);
        result = failure.s;
        n = failure.n;
    }
    bool ok = str_starts(result, "S ok");
    n = group && !ok ? 0 : n;
    if (group || run->answers < 0) {
        str_addn(source_answered(run, job, ok), result, n);
    }
    struct source_answer answer = {*job, ok, n};
    if (run->answers >= 0 && (!pipes_write(run->answers, &answer, sizeof(answer)) ||
                              !pipes_write(run->answers, result, n))) {
        _exit(EXIT_FAILURE); /* nobody listens */
    }
    str_free(&failure);
    if (!group) {
        run->done++;
        source_progress(run);
    }
}

static int
source_by_size(const void *a, const void *b, void *context)
{
    const struct source *run = context;
    const struct workers_job *x = a, *y = b;
    size_t n = run->plan.units.at[x->number]->lexed.text.n;
    size_t m = run->plan.units.at[y->number]->lexed.text.n;
    return n < m ? 1 : n > m ? -1 : x->number - y->number;
}

/* The group whose header the unit waits for; -1: none. */
static int
source_header(const struct source *run, const struct plan_unit *unit, int flavour)
{
    int group = unit->group[flavour];
    return group >= 0 && run->plan.groups.at[group]->header.n ? group : -1;
}

/* Does the unit wait until a header is built? One that is only looked for is there at once. */
static bool
source_waits(const struct source *run, const struct plan_unit *unit)
{
    bool waits = false;
    for (int f = 0; f < FLAVOURS; f++) {
        int group = source_header(run, unit, f);
        waits |= group >= 0 && !run->plan.groups.at[group]->common;
    }
    return waits;
}

/* What is to be done: headers, then units from the largest on. */
static void
source_list_jobs(struct source *run)
{
    for (size_t g = 0; g < run->plan.groups.n; g++) {
        if (run->plan.groups.at[g]->header.n) {
            struct source_job job = {{.number = (int)g, .flags = JOB_GROUP}, .started = false};
            vec_push(&run->jobs, job);
        }
    }
    size_t groups = run->jobs.n;
    for (size_t i = 0; i < run->plan.units.n; i++) {
        const struct plan_unit *unit = run->plan.units.at[i];
        if (!unit->cached && !unit->failure) {
            struct source_job job = {{.number = (int)i, .flags = JOB_UNIT}, .started = false};
            vec_push(&run->jobs, job);
        }
    }
    run->total = (int)(run->jobs.n - groups);
    if (run->total) {
        qsort_r(run->jobs.at + groups, (size_t)run->total, sizeof(*run->jobs.at), source_by_size,
                run);
    }
}

/* Workers that would have nothing to do while the headers are built take the largest C units
 * without one (C++ takes many times as long so). Which those are depends on no clock, or two runs
 * could differ. */
static void
source_spare_workers(struct source *run, int workers)
{
    int spare = workers;
    for (size_t i = 0; i < run->jobs.n; i++) {
        const struct workers_job *job = &run->jobs.at[i].job;
        spare -= job->flags & JOB_GROUP ? !run->plan.groups.at[job->number]->common
                                        : !source_waits(run, run->plan.units.at[job->number]);
    }
    for (size_t i = 0; i < run->jobs.n && spare > 0; i++) {
        struct source_job *s = &run->jobs.at[i];
        bool group = s->job.flags & JOB_GROUP;
        const struct plan_unit *unit = group ? NULL : run->plan.units.at[s->job.number];
        if (unit && !unit->is_cxx && source_waits(run, unit)) {
            s->alone = true;
            spare--;
        }
    }
}

/* Workers for which there is no unit at all build what the next run would like to find. */
static void
source_keep_common(struct source *run, int workers)
{
    for (size_t g = 0; g < run->plan.groups.n && run->total < workers; g++) {
        if (run->plan.groups.at[g]->common) {
            struct source_job job = {{.number = (int)g, .flags = JOB_KEEP}, .started = false};
            vec_push(&run->jobs, job);
        }
    }
}

/* Can the job start? Sets which headers a unit has. */
static bool
source_is_ready(struct source *run, struct source_job *s)
{
    static const int flags[FLAVOURS] = {
        [FLAVOUR_FT] = JOB_HEADER_FT, [FLAVOUR_GIL] = JOB_HEADER_GIL};
    bool ready = true;
    if (s->job.flags & JOB_KEEP) { /* not when it would keep the run from its end */
        return run->group_done[s->job.number] && !run->group_ok[s->job.number] &&
               run->done < run->total;
    }
    for (int f = 0; f < FLAVOURS && !(s->job.flags & JOB_GROUP) && !s->alone; f++) {
        int group = source_header(run, run->plan.units.at[s->job.number], f);
        ready &= group < 0 || run->group_done[group];
        s->job.flags |= group >= 0 && run->group_ok[group] ? flags[f] : 0;
    }
    return ready;
}

static const struct workers_job *
source_pick(void *context)
{
    struct source *run = context;
    while (run->next_job < run->jobs.n && run->jobs.at[run->next_job].started) {
        run->next_job++;
    }
    for (size_t i = run->next_job; i < run->jobs.n; i++) {
        struct source_job *s = &run->jobs.at[i];
        if (!s->started && source_is_ready(run, s)) {
            s->started = true;
            return &s->job;
        }
    }
    return NULL;
}

void
source_run_jobs(struct source *run)
{
    struct workers workers = {
        .count = run->options->jobs > 0 ? run->options->jobs : 1,
        .timeout_seconds = run->options->timeout_seconds > 0 ? run->options->timeout_seconds : 60,
        .memory_mb = run->options->memory_mb,
        .context = run,
        .start = source_worker_start,
        .pick = source_pick,
        .run = source_worker_run,
        .done = source_done};
    source_list_jobs(run);
    source_spare_workers(run, workers.count);
    source_keep_common(run, workers.count);
    workers_run(&workers);
    vec_free(&run->jobs);
    if (run->progress_line) {
        dprintf(STDERR_FILENO, "\r\033[K");
    }
}
