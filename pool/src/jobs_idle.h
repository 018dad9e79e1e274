/* What workers without a job do: look, sleep, get woken. For jobs.c. */
#ifndef EXTPOOL_JOBS_IDLE_H
#define EXTPOOL_JOBS_IDLE_H

#include "jobs.h"

/* Looks for jobs for a short while. Returns 1 when there may be one. */
int jobs_spin(struct jobs *jobs);

/* Sleeps until somebody has a job or another mode for this worker, unless that is so already. */
void jobs_sleep(struct jobs *jobs, const struct jobs_blocking *blocking);

/* Wakes the worker that fell asleep last unless another is awake anyway and looking for jobs. */
void jobs_wake_one(struct jobs *jobs);

/* Wakes all. Threads: with the lock held. */
void jobs_wake_all(struct jobs *jobs);

#endif
