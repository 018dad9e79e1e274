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
    pthread_mutex_t lock;       /* guards the fields up to `waiting` */
    struct wait_word quiet;     /* changes when a visitor has left */
    PyInterpreterState *interp; /* NULL before and after its life */
    int visitors;
    int lost; /* given up: leaves without being counted */
    struct task *current;
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
 * it from a channel. 1 done, 0 not running that, -1 no memory. */
int worker_interrupt(struct worker *worker, struct task *task);

#endif
