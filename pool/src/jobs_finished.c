/* The list of finished jobs. */
#include <limits.h>
#include <stddef.h>

#include "jobs.h"

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
