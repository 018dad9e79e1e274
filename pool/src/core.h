/* What lives as long as any part of a pool is in use: queue, workers, name, limits. */
#ifndef EXTPOOL_CORE_H
#define EXTPOOL_CORE_H

#include "decisions.h"
#include "notifier.h"
#include "task.h"

#define CORE_NAME 80 /* bytes kept of a pool's name, with the final zero */

struct worker;

struct core {
    atomic_int refs;
    struct core *next; /* in pool_state.cores */
    struct jobs jobs;
    struct notifier *notifier; /* of the interpreter that made the pool */
    pthread_mutex_t lock;      /* guards workers, and broken once */
    struct worker *workers;
    int worker_numbers;     /* given out so far */
    _Atomic(char *) broken; /* why nothing runs any more, or NULL; freed with the core */
    atomic_int orphaned;    /* the Python object is gone */
    atomic_int lost;        /* workers given up that have not come back */
    _Atomic uint64_t next_serial;
    double exit_timeout; /* seconds, negative: no limit */
    char name[CORE_NAME];
    struct function *initializer; /* or NULL */
    struct message settings;      /* the same for all workers */
    int eager;                    /* workers load their Python part when they start */
    int initializer_args;
    struct message initializer_in;
    char *initializer_error;    /* the initializer could not be described */
    struct decisions decisions; /* about the modules that workers import */
};

/* A new pool core, registered with the state; NULL with an exception set. */
struct core *core_new(struct pool_state *state, int max_workers, const char *name,
                      double exit_timeout);
void core_ref(struct core *core);
void core_unref(struct core *core);

/* Starts the workers that the queue asks for; `count` of them are reserved already. 0, or -1 with
 * an exception set when there is none. Home only. */
int core_start_workers(struct pool_state *state, struct core *core, int count);

/* The result is there: wakes waiters, tells the notifier, lets go of the worker's reference. */
void core_finish(struct core *core, struct task *task);

/* Ends everything that is queued; nothing will run any more. Home only. */
void core_break(struct core *core, const char *text);

/* Cancels what is queued; with `keep_claimed` except what starting workers are for. Home only. */
void core_cancel_queue(struct pool_state *state, struct core *core, int keep_claimed);

/* A worker that could not start says why; the notifier then breaks the pool. Any thread. */
void core_report_broken(struct core *core, const char *text);

/* Has the program's interpreter told something by way of its hook. Any thread. */
void core_tell(struct core *core, const char *text);

/* [(key, what was decided)] in the order of the decisions, as bytes. New reference. */
PyObject *core_decisions(struct core *core);

/* Raises an exception in the worker at the task: 1 done, 0 it is not running, -1 error set.
 * The home thread gives up its own lock meanwhile. */
int core_interrupt(struct core *core, struct task *task);

/* Interrupts all running tasks; returns how many workers are at a task. */
int core_interrupt_all(struct core *core);

/* Gives up on workers that are still at a task: fails the tasks, stops counting the workers. */
int core_give_up(struct core *core);

/* [(worker number, task name, seconds)] of running tasks, or of those whose workers were given up
 * and are still at them. New reference. */
PyObject *core_running(struct core *core, int given_up);

/* Waits until the workers are gone: 1, or 0 at the deadline, -1 when a signal raised. */
int core_wait(struct core *core, int64_t deadline);

/* The pools of this interpreter, each with a reference, closed by NULL: free them with
 * core_free_all(). NULL with MemoryError. */
struct core **core_all(struct pool_state *state);
void core_free_all(struct core **cores);

/* Drops cores of dead pools from the state's list. */
void core_prune(struct pool_state *state);

#endif
