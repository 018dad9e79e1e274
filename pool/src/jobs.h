/* Jobs, the queue that workers take them from, and the list of those that are finished.
 *
 * Plain C11 and threads, no Python: what a job does is the business of whoever embeds struct job in
 * a bigger block. A job is started by one worker, or cancelled, never both; its result is written
 * by whoever seals it first (the worker, or the owner that gives up on a stuck worker). */
#ifndef EXTPOOL_JOBS_H
#define EXTPOOL_JOBS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "wait.h"

/* Bits of a job's state word. */
enum {
    JOB_RUNNING = 1,   /* a worker has taken it */
    JOB_SEALED = 2,    /* somebody has the right to write the result */
    JOB_DONE = 4,      /* the result is there */
    JOB_CANCELLED = 8, /* will never run */
    JOB_WAITED = 16,   /* a thread sleeps on the word */
    JOB_NOTIFY = 32,   /* finishing hands it to the list of finished jobs */
};

struct job {
    struct job *next; /* in the queue, later in the list of finished jobs */
    atomic_int refs;
    atomic_int processor; /* where it runs, or is likely to; -1 when that is not known */
    struct wait_word state;
    void (*free)(struct job *job);
};

/* A new job has two references: one for the queue and its worker, one for who waits for it. */
void job_init(struct job *job, void (*free_job)(struct job *));
void job_ref(struct job *job);
void job_unref(struct job *job);

int job_state(const struct job *job);

/* 1: the caller runs it now; 0: it was cancelled. */
int job_start(struct job *job);

/* 1: it will never run (also when cancelled before); 0: too late. *first tells the first call. */
int job_cancel(struct job *job, int *first);

/* 1: the caller may write the result and must call job_finish(); 0: somebody else does. */
int job_seal(struct job *job);

/* The result is there: wakes the waiters and returns the bits that were set before. */
int job_finish(struct job *job);

/* 1: finishing will hand the job over; 0: it is finished or cancelled already. */
int job_ask_notice(struct job *job);

/* Waits for the end of the job or the deadline, spinning first; once, so that the caller can look
 * for signals after WAIT_INTERRUPTED and come back. */
enum wait_result job_wait(struct job *job, int64_t deadline);

enum jobs_mode {
    JOBS_OPEN,   /* takes jobs and runs them */
    JOBS_DRAIN,  /* takes no more, runs what is queued, then workers leave */
    JOBS_ABORT,  /* workers leave after the job they are at */
    JOBS_PAUSED, /* takes jobs, workers leave, nothing runs until JOBS_OPEN again */
};

/* Where a worker sleeps. */
struct jobs_bed {
    struct wait_word word; /* changes when the worker is to wake */
    struct jobs_bed *next;
};

struct jobs {
    pthread_mutex_t lock;
    struct job *head; /* oldest */
    struct job *tail;
    atomic_int queued;   /* read without the lock, written with it */
    atomic_int spinning; /* workers that will look again by themselves */
    atomic_int sleepers;
    atomic_int mode;
    atomic_int pushed_on; /* processors: of the latest push, of the worker that looked last */
    atomic_int looked_on;
    atomic_int together;            /* jobs in a row that came to where they were pushed */
    _Atomic(int64_t) may_move_from; /* when a worker may next leave that processor; wait_now() */
    int idle;                       /* workers not at a job; under the lock, like the next three */
    int starting;                   /* workers asked for and not there yet */
    int workers;                    /* those plus the ones there */
    int max_workers;
    struct jobs_bed *beds; /* max_workers of them; the lists are under the lock, too */
    int beds_used;         /* those that anybody ever slept in */
    struct jobs_bed *beds_free;
    struct jobs_bed *asleep; /* latest first */
    struct wait_word gone;   /* changes when a worker leaves */
};

/* Finished jobs on their way to one reader, such as the thread that runs callbacks. */
struct jobs_finished {
    _Atomic(struct job *) newest;
    struct wait_word notice; /* changes when the list gets its first job, or on a wake */
};

/* What a worker does around blocking, such as giving up a lock it must not hold in its sleep. */
struct jobs_blocking {
    void (*before)(void *arg);
    void (*after)(void *arg);
    void *arg;
};

int jobs_init(struct jobs *jobs, int max_workers);

/* In a forked child, whose other threads are gone: nobody holds the lock. */
void jobs_after_fork(struct jobs *jobs);
void jobs_destroy(struct jobs *jobs);

/* Appends a job. Returns 1 when the caller should start one more worker (it is counted as starting
 * already), 0 when not, -1 when no more jobs are taken. */
int jobs_push(struct jobs *jobs, struct job *job);

/* The oldest job, waiting for one; NULL when this worker should leave. */
struct job *jobs_pop(struct jobs *jobs, const struct jobs_blocking *blocking);

/* A starting worker is ready; a ready worker is between jobs (call before finishing the job, so
 * that a caller who sees the result finds an idle worker); a worker has left. */
void jobs_worker_ready(struct jobs *jobs);
void jobs_worker_idle(struct jobs *jobs);
void jobs_worker_left(struct jobs *jobs, int was_ready);

/* The worker is at a job that it will never end: stop counting it. */
void jobs_worker_lost(struct jobs *jobs);

/* Number of workers, starting ones included. */
int jobs_workers(struct jobs *jobs);

/* Number of workers that are not there yet. */
int jobs_starting(struct jobs *jobs);

/* Number of jobs queued or with a worker. */
int jobs_busy(struct jobs *jobs);

/* Does every worker wait for a job, with none queued? */
int jobs_calm(struct jobs *jobs);

/* Reserves workers for what is queued, as jobs_push() does: how many the caller should start. */
int jobs_want_workers(struct jobs *jobs);

void jobs_set_mode(struct jobs *jobs, enum jobs_mode mode);

/* Takes the queue, oldest first, linked by next. With `keep_claimed`, the oldest jobs stay, one for
 * each worker that is starting because of them. */
struct job *jobs_take_all(struct jobs *jobs, int keep_claimed);

/* Waits until at most `left` workers remain. WAIT_WOKEN means they do. */
enum wait_result jobs_wait_left(struct jobs *jobs, int left, int64_t deadline);

void jobs_finished_init(struct jobs_finished *finished);
void jobs_finished_add(struct jobs_finished *finished, struct job *job);

/* Takes all, oldest first, linked by next. */
struct job *jobs_finished_take(struct jobs_finished *finished);
void jobs_finished_wake(struct jobs_finished *finished);

#endif
