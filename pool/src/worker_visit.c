#define _GNU_SOURCE
#include "worker.h"

#include <limits.h>

#include "channel_core.h"
#include "interp.h"
#include "worker_thread.h"

/* Interrupting a worker takes the lock of its interpreter, which comes when C code there lets go of
 * it, perhaps never. So a visitor does it, a thread of its own that comes for one task at a time
 * and leaves when there is no new target. The worker does not end the interpreter before. */

#define STACK_SIZE ((size_t)1 << 20) /* a visitor runs no Python code */

static void
visit_tell(struct worker *worker)
{
    atomic_fetch_add(&worker->visits.value, 1);
    wait_wake(&worker->visits, INT_MAX);
}

/* In the worker's interpreter. The task cannot end while we look: the worker takes the same lock
 * for that. */
static void
visit_raise(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    struct task *target = worker->target;
    worker->target = NULL;
    if (target && (worker->current == target || worker->given_up == target)) {
        target->interrupted = 1;
        interp_raise_here(worker->thread_id, PyExc_KeyboardInterrupt);
        if (worker->waiting) {
            waiter_signal(worker->waiting);
        }
    }
    pthread_mutex_unlock(&worker->lock);
    visit_tell(worker);
    if (target) {
        job_unref(&target->job);
    }
}

/* Takes the visitor's place away unless there is a new target; returns whether it is gone. */
static int
visit_end(struct worker *worker, int give_up)
{
    pthread_mutex_lock(&worker->lock);
    struct task *left = give_up ? worker->target : NULL;
    if (give_up) {
        worker->target = NULL;
    }
    int over = !worker->target;
    if (over) {
        worker->visited = NULL;
    }
    pthread_mutex_unlock(&worker->lock);
    if (left) {
        job_unref(&left->job);
    }
    if (over) {
        visit_tell(worker);
    }
    return over;
}

static void *
visit_main(void *arg)
{
    struct worker *worker = arg;
    int entered;
    do {
        /* Set before this thread was, and changed by nobody else. */
        PyThreadState *own = interp_visit(worker->visited);
        entered = own != NULL;
        if (entered) {
            visit_raise(worker);
            interp_thread_end(own);
        }
    } while (!visit_end(worker, !entered));
    worker_unref(worker);
    return NULL;
}

/* Starts the visitor, with all signals blocked: they are for the program. */
static int
visit_start(struct worker *worker)
{
    sigset_t all;
    sigfillset(&all);
    return worker_thread_start(worker, visit_main, STACK_SIZE, &all, NULL);
}

/* Leaves the running task as the visitor's target. Returns it, with a reference for the caller, or
 * NULL when the worker is not at `task`. *idle: a visitor has to be started. */
static struct task *
visit_set_target(struct worker *worker, const struct task *task, int *idle)
{
    struct task *before = NULL;
    struct task *target = NULL;
    pthread_mutex_lock(&worker->lock);
    if (worker->interp && worker->current && (!task || worker->current == task)) {
        target = worker->current;
        before = worker->target;
        job_ref(&target->job);
        job_ref(&target->job);
        worker->target = target;
        *idle = !worker->visited;
        if (*idle) {
            worker->visited = worker->interp;
        }
    }
    pthread_mutex_unlock(&worker->lock);
    if (before) {
        job_unref(&before->job);
    }
    return target;
}

/* Waits until the visitor has dealt with the target. Returns what worker_interrupt() does. */
static int
visit_wait(struct worker *worker, const struct task *target, int64_t deadline)
{
    for (;;) {
        int seen = atomic_load(&worker->visits.value);
        pthread_mutex_lock(&worker->lock);
        int pending = worker->target == target;
        int result = pending || target->interrupted;
        pthread_mutex_unlock(&worker->lock);
        if (!pending || wait_sleep(&worker->visits, seen, deadline) == WAIT_TIMED_OUT) {
            return result;
        }
    }
}

int
worker_interrupt(struct worker *worker, const struct task *task, int64_t deadline)
{
    int idle = 0;
    int result = -1;
    struct task *target = visit_set_target(worker, task, &idle);
    if (!target) {
        return 0;
    }
    if (idle && visit_start(worker) < 0) {
        visit_end(worker, 1);
    }
    else {
        PyThreadState *own;
        interp_leave(&own);
        result = visit_wait(worker, target, deadline);
        interp_return(&own);
    }
    job_unref(&target->job);
    return result;
}
