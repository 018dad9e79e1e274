/* The queue of jobs, and how many workers serve it. */
#include "jobs.h"

#include <limits.h>
#include <stdlib.h>

#include "jobs_idle.h"

int
jobs_init(struct jobs *jobs, int max_workers)
{
    jobs->beds = calloc((size_t)max_workers, sizeof(*jobs->beds));
    if (!jobs->beds) {
        return -1;
    }
    if (pthread_mutex_init(&jobs->lock, NULL) != 0) {
        free(jobs->beds);
        return -1;
    }
    jobs->beds_used = 0;
    jobs->beds_free = NULL;
    jobs->asleep = NULL;
    jobs->head = NULL;
    jobs->tail = NULL;
    atomic_init(&jobs->queued, 0);
    atomic_init(&jobs->spinning, 0);
    atomic_init(&jobs->sleepers, 0);
    atomic_init(&jobs->mode, JOBS_OPEN);
    atomic_init(&jobs->pushed_on, -1);
    atomic_init(&jobs->looked_on, -1);
    atomic_init(&jobs->together, 0);
    atomic_init(&jobs->may_move_from, 0);
    jobs->idle = 0;
    jobs->starting = 0;
    jobs->workers = 0;
    jobs->max_workers = max_workers;
    wait_init(&jobs->gone);
    return 0;
}

void
jobs_after_fork(struct jobs *jobs)
{
    pthread_mutex_init(&jobs->lock, NULL);
    jobs->beds_used = 0;
    jobs->beds_free = NULL;
    jobs->asleep = NULL;
    atomic_store(&jobs->sleepers, 0);
}

void
jobs_destroy(struct jobs *jobs)
{
    for (int i = 0; i < jobs->beds_used; i++) {
        wait_destroy(&jobs->beds[i].word);
    }
    free(jobs->beds);
    wait_destroy(&jobs->gone);
    pthread_mutex_destroy(&jobs->lock);
}

/* With the lock held: should one more worker be started? Counts it as starting. */
static int
jobs_reserve(struct jobs *jobs)
{
    int mode = atomic_load(&jobs->mode);
    if (atomic_load(&jobs->queued) <= jobs->idle + jobs->starting ||
        jobs->workers >= jobs->max_workers || mode == JOBS_PAUSED || mode == JOBS_ABORT) {
        return 0;
    }
    jobs->starting++;
    jobs->workers++;
    return 1;
}

int
jobs_push(struct jobs *jobs, struct job *job)
{
    job->next = NULL;
    atomic_store_explicit(&job->processor,
                          atomic_load_explicit(&jobs->looked_on, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(&jobs->pushed_on, wait_processor(), memory_order_relaxed);
    pthread_mutex_lock(&jobs->lock);
    int mode = atomic_load(&jobs->mode);
    if (mode != JOBS_OPEN && mode != JOBS_PAUSED) {
        pthread_mutex_unlock(&jobs->lock);
        return -1;
    }
    if (jobs->tail) {
        jobs->tail->next = job;
    }
    else {
        jobs->head = job;
    }
    jobs->tail = job;
    atomic_fetch_add(&jobs->queued, 1);
    int start = jobs_reserve(jobs);
    pthread_mutex_unlock(&jobs->lock);
    jobs_wake_one(jobs);
    return start;
}

int
jobs_want_workers(struct jobs *jobs)
{
    int count = 0;
    pthread_mutex_lock(&jobs->lock);
    while (jobs_reserve(jobs)) {
        count++;
    }
    pthread_mutex_unlock(&jobs->lock);
    return count;
}

/* A job, or NULL; *leave is set when the worker should end. */
static struct job *
jobs_try_pop(struct jobs *jobs, int *leave)
{
    struct job *job = NULL;
    *leave = 0;
    if (atomic_load_explicit(&jobs->queued, memory_order_acquire) == 0 &&
        atomic_load_explicit(&jobs->mode, memory_order_acquire) == JOBS_OPEN) {
        return NULL;
    }
    pthread_mutex_lock(&jobs->lock);
    int mode = atomic_load(&jobs->mode);
    if (mode == JOBS_OPEN || mode == JOBS_DRAIN) {
        job = jobs->head;
    }
    if (job) {
        jobs->head = job->next;
        if (!jobs->head) {
            jobs->tail = NULL;
        }
        atomic_fetch_sub(&jobs->queued, 1);
        jobs->idle--;
    }
    else {
        *leave = mode != JOBS_OPEN;
    }
    pthread_mutex_unlock(&jobs->lock);
    return job;
}

struct job *
jobs_pop(struct jobs *jobs, const struct jobs_blocking *blocking)
{
    for (;;) {
        int leave;
        struct job *job = jobs_try_pop(jobs, &leave);
        if (job && atomic_load(&jobs->queued) > 0) {
            jobs_wake_one(jobs); /* whoever takes work and leaves some behind wakes the next */
        }
        if (job || leave) {
            return job;
        }
        if (!jobs_spin(jobs)) {
            jobs_sleep(jobs, blocking);
        }
    }
}

void
jobs_worker_ready(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->starting--;
    jobs->idle++;
    pthread_mutex_unlock(&jobs->lock);
}

void
jobs_worker_idle(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->idle++;
    pthread_mutex_unlock(&jobs->lock);
}

/* With the lock held; afterwards those who wait for `gone` have to be woken. */
static void
jobs_count_down(struct jobs *jobs)
{
    jobs->workers--;
    atomic_fetch_add(&jobs->gone.value, 1);
}

void
jobs_worker_left(struct jobs *jobs, int was_ready)
{
    pthread_mutex_lock(&jobs->lock);
    if (was_ready) {
        jobs->idle--;
    }
    else {
        jobs->starting--;
    }
    jobs_count_down(jobs);
    pthread_mutex_unlock(&jobs->lock);
    wait_wake(&jobs->gone, INT_MAX);
}

void
jobs_worker_lost(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    jobs_count_down(jobs);
    pthread_mutex_unlock(&jobs->lock);
    wait_wake(&jobs->gone, INT_MAX);
}

int
jobs_workers(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    int count = jobs->workers;
    pthread_mutex_unlock(&jobs->lock);
    return count;
}

int
jobs_starting(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    int count = jobs->starting;
    pthread_mutex_unlock(&jobs->lock);
    return count;
}

int
jobs_busy(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    int count = atomic_load(&jobs->queued) + jobs->workers - jobs->starting - jobs->idle;
    pthread_mutex_unlock(&jobs->lock);
    return count;
}

int
jobs_calm(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    int leaving = atomic_load(&jobs->mode) != JOBS_OPEN && jobs->workers > 0;
    int calm = !leaving && jobs->workers == jobs->idle && atomic_load(&jobs->queued) == 0;
    pthread_mutex_unlock(&jobs->lock);
    return calm;
}

void
jobs_set_mode(struct jobs *jobs, enum jobs_mode mode)
{
    pthread_mutex_lock(&jobs->lock);
    atomic_store(&jobs->mode, (int)mode);
    jobs_wake_all(jobs);
    pthread_mutex_unlock(&jobs->lock);
}

struct job *
jobs_take_all(struct jobs *jobs, int keep_claimed)
{
    pthread_mutex_lock(&jobs->lock);
    struct job *last_kept = NULL;
    struct job *taken = jobs->head;
    int kept = 0;
    while (keep_claimed && taken && kept < jobs->starting) {
        last_kept = taken;
        taken = taken->next;
        kept++;
    }
    if (last_kept) {
        last_kept->next = NULL;
    }
    else {
        jobs->head = NULL;
    }
    jobs->tail = last_kept;
    atomic_store(&jobs->queued, kept);
    pthread_mutex_unlock(&jobs->lock);
    return taken;
}

enum wait_result
jobs_wait_left(struct jobs *jobs, int left, int64_t deadline)
{
    for (;;) {
        int seen = atomic_load(&jobs->gone.value);
        if (jobs_workers(jobs) <= left) {
            return WAIT_WOKEN;
        }
        enum wait_result result = wait_sleep(&jobs->gone, seen, deadline);
        if (result != WAIT_WOKEN) {
            return jobs_workers(jobs) <= left ? WAIT_WOKEN : result;
        }
    }
}
