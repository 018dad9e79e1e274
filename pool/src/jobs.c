/* The queue of jobs, the workers that serve it, and the list of finished jobs. */
#include "jobs.h"

#include <limits.h>
#include <stddef.h>

#include "place.h"

/* Two threads hand each other a job in 4 us on one processor and in 1 us on two, and going there
 * takes 50 to 100: so many jobs in a row are worth it. It is tried at most every 20 ms. */
#define MOVE_JOBS 32
#define MOVE_PAUSE_NS 20000000

int
jobs_init(struct jobs *jobs, int max_workers)
{
    if (pthread_mutex_init(&jobs->lock, NULL) != 0) {
        return -1;
    }
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
    wait_init(&jobs->wake);
    wait_init(&jobs->gone);
    return 0;
}

void
jobs_after_fork(struct jobs *jobs)
{
    pthread_mutex_init(&jobs->lock, NULL);
}

void
jobs_destroy(struct jobs *jobs)
{
    wait_destroy(&jobs->wake);
    wait_destroy(&jobs->gone);
    pthread_mutex_destroy(&jobs->lock);
}

/* Wakes one sleeping worker unless another is awake anyway and looking for jobs. */
static void
jobs_wake_one(struct jobs *jobs)
{
    if (atomic_load(&jobs->spinning) == 0 && atomic_load(&jobs->sleepers) > 0) {
        atomic_fetch_add(&jobs->wake.value, 1);
        wait_wake(&jobs->wake, 1);
    }
}

static void
jobs_wake_all(struct jobs *jobs)
{
    atomic_fetch_add(&jobs->wake.value, 1);
    wait_wake(&jobs->wake, INT_MAX);
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

static void
jobs_not_together(struct jobs *jobs)
{
    if (atomic_load_explicit(&jobs->together, memory_order_relaxed) != 0) {
        atomic_store_explicit(&jobs->together, 0, memory_order_relaxed);
    }
}

/* A worker that waits for job after job on the processor where they are pushed goes elsewhere, if
 * another processor is idle. */
static void
jobs_move_apart(struct jobs *jobs)
{
    int here = wait_processor();
    if (here < 0 || here != atomic_load_explicit(&jobs->pushed_on, memory_order_relaxed)) {
        jobs_not_together(jobs);
        return;
    }
    if (atomic_fetch_add_explicit(&jobs->together, 1, memory_order_relaxed) < MOVE_JOBS) {
        return;
    }
    atomic_store_explicit(&jobs->together, 0, memory_order_relaxed);
    int64_t now = wait_now();
    int64_t from = atomic_load_explicit(&jobs->may_move_from, memory_order_relaxed);
    if (now >= from &&
        atomic_compare_exchange_strong(&jobs->may_move_from, &from, now + MOVE_PAUSE_NS)) {
        place_move_if_idle();
    }
}

/* Looks for jobs for a short while. Returns 1 when there may be one. */
static int
jobs_spin(struct jobs *jobs)
{
    int found;
    struct wait_spin spin;
    jobs_move_apart(jobs);
    wait_spin_begin(&spin, WAIT_FOREVER);
    atomic_store_explicit(&jobs->looked_on, wait_processor(), memory_order_relaxed);
    atomic_fetch_add(&jobs->spinning, 1);
    do {
        found = atomic_load_explicit(&jobs->queued, memory_order_relaxed) > 0 ||
                atomic_load_explicit(&jobs->mode, memory_order_relaxed) != JOBS_OPEN;
    } while (!found &&
             wait_spin_step(&spin, atomic_load_explicit(&jobs->pushed_on, memory_order_relaxed)));
    atomic_fetch_sub(&jobs->spinning, 1);
    if (!found) {
        jobs_not_together(jobs);
    }
    return found;
}

static void
jobs_sleep(struct jobs *jobs, const struct jobs_blocking *blocking)
{
    int seen = atomic_load(&jobs->wake.value);
    atomic_fetch_add(&jobs->sleepers, 1);
    /* A job pushed before the line above saw no sleeper: look once more. */
    if (atomic_load(&jobs->queued) == 0 && atomic_load(&jobs->mode) == JOBS_OPEN) {
        blocking->before(blocking->arg);
        wait_sleep(&jobs->wake, seen, WAIT_FOREVER);
        blocking->after(blocking->arg);
    }
    atomic_fetch_sub(&jobs->sleepers, 1);
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

static void
jobs_count_down(struct jobs *jobs)
{
    jobs->workers--;
    atomic_fetch_add(&jobs->gone.value, 1);
    pthread_mutex_unlock(&jobs->lock);
    wait_wake(&jobs->gone, INT_MAX);
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
}

void
jobs_worker_lost(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    jobs_count_down(jobs);
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
    pthread_mutex_unlock(&jobs->lock);
    jobs_wake_all(jobs);
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

void
jobs_finished_init(struct jobs_finished *finished)
{
    atomic_init(&finished->newest, NULL);
    wait_init(&finished->notice);
}

void
jobs_finished_add(struct jobs_finished *finished, struct job *job)
{
    struct job *head = atomic_load(&finished->newest);
    do {
        job->next = head;
    } while (!atomic_compare_exchange_weak(&finished->newest, &head, job));
    if (!head) {
        jobs_finished_wake(finished);
    }
}

struct job *
jobs_finished_take(struct jobs_finished *finished)
{
    struct job *newest = atomic_exchange(&finished->newest, NULL);
    struct job *oldest = NULL;
    while (newest) {
        struct job *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

void
jobs_finished_wake(struct jobs_finished *finished)
{
    atomic_fetch_add(&finished->notice.value, 1);
    wait_wake(&finished->notice, INT_MAX);
}
