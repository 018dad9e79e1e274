/* A task: a job that calls a function with arguments, both already on their way. */
#ifndef EXTPOOL_TASK_H
#define EXTPOOL_TASK_H

#include "jobs.h"
#include "message.h"
#include "state.h"

/* A function as it was described once, for all tasks that call it. */
struct function {
    atomic_int refs;
    uint64_t serial; /* unique in the pool; workers remember what it resolved to */
    struct message spec;
    char *name; /* for messages */
};

enum task_kind {
    TASK_CALL,    /* function(*args, **kwargs) */
    TASK_CHUNK,   /* [function(item) for item in the one argument] */
    TASK_STARRED, /* [function(*item) for item in the one argument] */
    TASK_BREAK,   /* not a call: tells the notifier that a worker could not start */
    TASK_TELL,    /* not a call: a text for the program's interpreter */
};

enum task_outcome {
    TASK_RETURNED,
    TASK_RAISED,
    TASK_INTERRUPTED, /* by us, and the exception went through */
    TASK_GIVEN_UP,    /* its worker never came back; `text` tells */
    TASK_BROKEN,      /* the pool broke before it ran; `text` tells */
};

struct task {
    struct job job;
    struct core *core; /* strong, in use by the future, TASK_BREAK and TASK_TELL */
    struct function *function;
    enum task_kind kind;
    enum task_outcome outcome;
    int arg_count;
    int kw_count;    /* encoded after the arguments, then the tuple of their names */
    int interrupted; /* under the worker's lock */
    char *text;
    PyObject *future; /* home: held while the notifier has to be told */
    struct message in;
    struct message out;
};

/* A function as described by `spec`, or NULL with an exception set. Steals nothing. */
struct function *function_new(struct pool_state *state, struct core *core, PyObject *spec,
                              const char *name);
void function_ref(struct function *function);
void function_unref(struct function *function);

/* A task without arguments yet; takes its own references. NULL without memory. */
struct task *task_new(struct core *core, struct function *function, enum task_kind kind);

/* The task's end with a text instead of a result; only for who sealed it. */
void task_fail(struct task *task, enum task_outcome outcome, const char *text);

#endif
