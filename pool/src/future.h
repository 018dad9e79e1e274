/* The Future type: a concurrent.futures.Future whose result is decoded when somebody asks. */
#ifndef EXTPOOL_FUTURE_H
#define EXTPOOL_FUTURE_H

#include "task.h"

/* The type for this interpreter, derived from concurrent.futures.Future. New reference. */
PyTypeObject *future_make_type(PyObject *module, PyObject *base);

/* A future for the task (whose waiting side's reference it takes). */
PyObject *future_new(struct pool_state *state, struct task *task);

/* Makes the exception being raised the end of the future; for tasks that were never queued. */
void future_fail(struct pool_state *state, PyObject *future);

/* Tells everybody that the task has ended. Home, notifier thread. */
void future_publish(struct pool_state *state, struct task *task);

/* Cancels a task taken from the queue; its future learns of it. Home. */
void future_cancel_task(struct pool_state *state, struct task *task);

#endif
