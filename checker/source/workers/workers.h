/* Forked workers: each takes one job after the other and sends text back. Jobs may wait for others.
 *
 * A worker that crashes, takes too long or wants too much memory costs the job it had; it is
 * replaced.
 *
 * Ownership: the caller owns jobs and results. Threads: call from the only thread of the process.
 * Errors: a lost job is reported through the callback with result NULL and a reason. */
#ifndef EXTCHECK_SOURCE_WORKERS_H
#define EXTCHECK_SOURCE_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

struct workers_job {
    int number;
    int flags;
};

/* Runs in the worker. Must append the result to `out`. */
struct str;
typedef void workers_run_fn(void *context, const struct workers_job *job, struct str *out);
/* Called once per worker, in it, before its first job. */
typedef void workers_start_fn(void *context);
/* Runs in the parent: the job that is to start next. NULL: none is left, or those that are left
 * wait for the end of one that runs. The job must stay where it is. */
typedef const struct workers_job *workers_pick_fn(void *context);
/* Runs in the parent when a job ends. */
typedef void workers_done_fn(void *context, const struct workers_job *job, const char *result,
                             size_t n, const char *reason);

struct workers {
    int count, timeout_seconds;
    int memory_mb; /* most address space of one worker; 0: no limit */
    void *context;
    workers_start_fn *start;
    workers_pick_fn *pick;
    workers_run_fn *run;
    workers_done_fn *done;
};

void workers_run(const struct workers *workers);

#endif
