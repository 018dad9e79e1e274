/* What future*.c share: future.c has the type and what only looks, future_result.c the way from a
 * finished task to a value, future_publish.c callbacks and those who wait from Python. */
#ifndef EXTPOOL_FUTURE_PARTS_H
#define EXTPOOL_FUTURE_PARTS_H

#include "core.h"
#include "future.h"

struct future {
    struct task *task; /* strong */
    PyObject *result;  /* decoded, with error: at most one of them */
    PyObject *error;
    PyObject *condition; /* the following four are made when somebody asks */
    PyObject *waiters;
    PyObject *callbacks;
    atomic_int published;
};

static inline struct pool_state *
future_state(PyObject *self)
{
    return PyType_GetModuleState(Py_TYPE(self));
}

static inline struct future *
future_data(struct pool_state *state, PyObject *self)
{
    return (struct future *)(void *)((char *)self + state->future_offset);
}

static inline int
future_ended(const struct future *future)
{
    return (job_state(&future->task->job) & (JOB_DONE | JOB_CANCELLED)) != 0;
}

/* Decodes what the worker wrote, once; the task must be done. */
void future_fill(struct pool_state *state, PyObject *self, struct future *future);

/* Marks the task so that its end is published. 1: it will be; 0: it has ended; -1: error. */
int future_watch(PyObject *self, struct future *future);

/* Methods of the type. */
PyObject *future_result(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names);
PyObject *future_exception(PyObject *self, PyObject *const *args, Py_ssize_t count,
                           PyObject *names);
PyObject *future_mark_published(PyObject *self, PyObject *ignored);
PyObject *future_add_done_callback(PyObject *self, PyObject *callback);

#endif
