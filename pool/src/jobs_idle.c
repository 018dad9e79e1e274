#include "jobs_idle.h"

#include <limits.h>
#include <stddef.h>

#include "place.h"

/* Two threads hand each other a job in 4 us on one processor and in 1 us on two, and going there
 * takes 50 to 100: so many jobs in a row are worth it. It is tried at most every 20 ms. */
#define MOVE_JOBS 32
#define MOVE_PAUSE_NS 20000000

/* ---- looking ---- */

static void
idle_not_together(struct jobs *jobs)
{
    if (atomic_load_explicit(&jobs->together, memory_order_relaxed) != 0) {
        atomic_store_explicit(&jobs->together, 0, memory_order_relaxed);
    }
}

/* A worker that waits for job after job on the processor where they are pushed goes elsewhere, if
 * another processor is idle. */
static void
idle_move_apart(struct jobs *jobs)
{
    int here = wait_processor();
    if (here < 0 || here != atomic_load_explicit(&jobs->pushed_on, memory_order_relaxed)) {
        idle_not_together(jobs);
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

int
jobs_spin(struct jobs *jobs)
{
    int found;
    struct wait_spin spin;
    idle_move_apart(jobs);
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
        idle_not_together(jobs);
    }
    return found;
}

/* ---- sleeping ---- */

/* A word for this worker, on the list of sleepers; NULL when there is something to do. A job pushed
 * before saw no sleeper, so the queue is looked at once more, under the lock. */
static struct jobs_bed *
idle_lie_down(struct jobs *jobs, int *seen)
{
    struct jobs_bed *bed = NULL;
    pthread_mutex_lock(&jobs->lock);
    if (atomic_load(&jobs->queued) == 0 && atomic_load(&jobs->mode) == JOBS_OPEN) {
        bed = jobs->beds_free;
        if (bed) {
            jobs->beds_free = bed->next;
        }
        else {
            bed = &jobs->beds[jobs->beds_used++]; /* sleepers are workers that count */
            wait_init(&bed->word);
        }
        *seen = atomic_load(&bed->word.value);
        bed->next = jobs->asleep;
        jobs->asleep = bed;
        atomic_fetch_add(&jobs->sleepers, 1);
    }
    pthread_mutex_unlock(&jobs->lock);
    return bed;
}

void
jobs_sleep(struct jobs *jobs, const struct jobs_blocking *blocking)
{
    int seen;
    struct jobs_bed *bed = idle_lie_down(jobs, &seen);
    if (!bed) {
        return;
    }
    blocking->before(blocking->arg);
    while (atomic_load(&bed->word.value) == seen) {
        wait_sleep(&bed->word, seen, WAIT_FOREVER);
    }
    blocking->after(blocking->arg);
    pthread_mutex_lock(&jobs->lock);
    bed->next = jobs->beds_free;
    jobs->beds_free = bed;
    pthread_mutex_unlock(&jobs->lock);
}

/* With the lock held: takes the latest off the list of sleepers. */
static struct jobs_bed *
idle_call(struct jobs *jobs)
{
    struct jobs_bed *bed = jobs->asleep;
    if (bed) {
        jobs->asleep = bed->next;
        atomic_fetch_sub(&jobs->sleepers, 1);
        atomic_fetch_add(&bed->word.value, 1);
    }
    return bed;
}

/* The latest has the processor's caches full of the pool's data, and memory of its own that it got
 * for large values and can use again. */
void
jobs_wake_one(struct jobs *jobs)
{
    if (atomic_load(&jobs->spinning) > 0 || atomic_load(&jobs->sleepers) == 0) {
        return;
    }
    pthread_mutex_lock(&jobs->lock);
    struct jobs_bed *bed = idle_call(jobs);
    pthread_mutex_unlock(&jobs->lock);
    if (bed) {
        /* It may be another's bed by now, who then wakes, looks at the word and sleeps on. */
        wait_wake(&bed->word, INT_MAX);
    }
}

void
jobs_wake_all(struct jobs *jobs)
{
    struct jobs_bed *bed;
    while ((bed = idle_call(jobs)) != NULL) {
        wait_wake(&bed->word, INT_MAX);
    }
}
