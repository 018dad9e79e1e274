/* A worker: one thread, one interpreter, one task at a time. */
#ifndef EXTPOOL_WORKER_H
#define EXTPOOL_WORKER_H

#include "core.h"

#define WORKER_FUNCTIONS 128 /* remembered per worker; power of two */

struct waiter;

struct worker {
    atomic_int refs;
    struct core *core;   /* strong */
    struct worker *next; /* in core.workers, guarded by core.lock */
    int number;
    pthread_mutex_t lock;        /* guards the fields up to `waiting` */
    struct wait_word visits;     /* changes when the visitor has looked, or left */
    PyInterpreterState *interp;  /* NULL before and after its life */
    PyInterpreterState *visited; /* while a visitor is there or coming */
    struct task *target; /* strong: what the visitor has to interrupt, NULL when it has looked */
    int lost;            /* given up: leaves without being counted */
    struct task *current;
    struct task *given_up;  /* what it is still at, though nobody waits for that any more */
    int64_t since;          /* when it began, monotonic ns */
    struct waiter *waiting; /* blocked in a channel */
    unsigned long thread_id;
    struct message start; /* where its interpreter imports from, see worker_begin.h */
    struct {
        uint64_t serial;
        PyObject *function;
    } functions[WORKER_FUNCTIONS];
};

/* Starts the thread of a new worker, which is counted as starting already. `start` is moved into
 * the worker. Returns 0, or -1 and the caller takes the count back. */
int worker_start(struct core *core, struct message *start);

void worker_ref(struct worker *worker);
void worker_unref(struct worker *worker);

/* Raises KeyboardInterrupt in the worker if it is at `task` (or at any task when NULL), and wakes
 * it from a channel. That takes the lock of the worker's interpreter: while C code keeps it, the
 * call returns at the deadline (monotonic ns) and the interruption comes when that lets go, unless
 * the task has ended by then. The caller's own lock is given up meanwhile.
 * Returns 1 done or to come, 0 not running that, -1 no memory or no thread. */
int worker_interrupt(struct worker *worker, const struct task *task, int64_t deadline);

#endif
