/* One job: its state word and who may do what with it. */
#include "jobs.h"

#include <limits.h>

#define ENDED (JOB_DONE | JOB_CANCELLED)

void
job_init(struct job *job, void (*free_job)(struct job *))
{
    job->next = NULL;
    atomic_init(&job->refs, 2);
    atomic_init(&job->processor, -1);
    wait_init(&job->state);
    job->free = free_job;
}

void
job_ref(struct job *job)
{
    atomic_fetch_add_explicit(&job->refs, 1, memory_order_relaxed);
}

void
job_unref(struct job *job)
{
    if (atomic_fetch_sub_explicit(&job->refs, 1, memory_order_acq_rel) == 1) {
        wait_destroy(&job->state);
        job->free(job);
    }
}

int
job_state(const struct job *job)
{
    return atomic_load_explicit(&job->state.value, memory_order_acquire);
}

int
job_start(struct job *job)
{
    int seen = atomic_load(&job->state.value);
    while (!(seen & JOB_CANCELLED)) {
        if (atomic_compare_exchange_weak(&job->state.value, &seen, seen | JOB_RUNNING)) {
            atomic_store_explicit(&job->processor, wait_processor(), memory_order_relaxed);
            return 1;
        }
    }
    return 0;
}

int
job_cancel(struct job *job, int *first)
{
    int seen = atomic_load(&job->state.value);
    *first = 0;
    while (!(seen & (JOB_CANCELLED | JOB_RUNNING | JOB_DONE | JOB_SEALED))) {
        if (atomic_compare_exchange_weak(&job->state.value, &seen, seen | JOB_CANCELLED)) {
            *first = 1;
            if (seen & JOB_WAITED) {
                wait_wake(&job->state, INT_MAX);
            }
            return 1;
        }
    }
    return (seen & JOB_CANCELLED) != 0;
}

int
job_seal(struct job *job)
{
    int seen = atomic_load(&job->state.value);
    while (!(seen & (JOB_SEALED | JOB_CANCELLED))) {
        if (atomic_compare_exchange_weak(&job->state.value, &seen, seen | JOB_SEALED)) {
            return 1;
        }
    }
    return 0;
}

int
job_finish(struct job *job)
{
    int before = atomic_fetch_or(&job->state.value, JOB_DONE);
    if (before & JOB_WAITED) {
        wait_wake(&job->state, INT_MAX);
    }
    return before;
}

int
job_ask_notice(struct job *job)
{
    int seen = atomic_load(&job->state.value);
    for (;;) {
        if (seen & JOB_NOTIFY) {
            return 1;
        }
        if (seen & ENDED) {
            return 0;
        }
        if (atomic_compare_exchange_weak(&job->state.value, &seen, seen | JOB_NOTIFY)) {
            return 1;
        }
    }
}

enum wait_result
job_wait(struct job *job, int64_t deadline)
{
    struct wait_spin spin;
    wait_spin_begin(&spin, deadline);
    while (!(job_state(job) & ENDED) &&
           wait_spin_step(&spin, atomic_load_explicit(&job->processor, memory_order_relaxed))) {}
    for (;;) {
        int seen = atomic_load(&job->state.value);
        if (seen & ENDED) {
            return WAIT_WOKEN;
        }
        if (!(seen & JOB_WAITED)) {
            atomic_fetch_or(&job->state.value, JOB_WAITED);
            continue;
        }
        enum wait_result result = wait_sleep(&job->state, seen, deadline);
        if (result != WAIT_WOKEN) {
            return job_state(job) & ENDED ? WAIT_WOKEN : result;
        }
    }
}
