/* Futures that somebody watches from Python: callbacks, waiters, the official end. */
#include "future_parts.h"

int
future_watch(PyObject *self, struct future *future)
{
    struct task *task = future->task;
    if (job_state(&task->job) & JOB_NOTIFY) {
        return 1;
    }
    if (notifier_start(task->core->notifier) < 0) {
        return -1;
    }
    task->future = Py_NewRef(self); /* given up by who publishes */
    if (job_ask_notice(&task->job)) {
        return 1;
    }
    Py_CLEAR(task->future);
    return 0;
}

static void
future_run_callback(struct pool_state *state, PyObject *self, PyObject *callback)
{
    PyObject *result = PyObject_CallOneArg(callback, self);
    if (!result) {
        PyObject *error = PyErr_GetRaisedException();
        PyObject *parts = PyTuple_Pack(2, self, error);
        result = parts ? state_call(state, &state->hook_callback_failed, parts) : NULL;
        if (!result) {
            PyErr_WriteUnraisable(callback);
        }
        Py_XDECREF(parts);
        Py_DECREF(error);
    }
    Py_XDECREF(result);
}

static void
future_run_callbacks(struct pool_state *state, PyObject *self, PyObject *callbacks)
{
    for (Py_ssize_t i = 0; callbacks && i < PyList_GET_SIZE(callbacks); i++) {
        PyObject *callback = PyList_GetItemRef(callbacks, i);
        if (callback) {
            future_run_callback(state, self, callback);
            Py_DECREF(callback);
        }
    }
}

/* _publish(): the end is official from now on. Returns the callbacks to run, the waiters to tell,
 * and the name of the method that tells them. */
PyObject *
future_mark_published(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct pool_state *state = future_state(self);
    struct future *future = future_data(state, self);
    PyObject *told;
    const char *tell = "add_result";
    if (job_state(&future->task->job) & JOB_CANCELLED) {
        tell = "add_cancelled";
    }
    else if (future->waiters) {
        future_fill(state, self, future);
        tell = future->error ? "add_exception" : "add_result";
    }
    Py_BEGIN_CRITICAL_SECTION(self);
    future->published = 1;
    told = Py_BuildValue("(OOs)", future->callbacks ? future->callbacks : state->nothing,
                         future->waiters ? future->waiters : state->nothing, tell);
    Py_CLEAR(future->callbacks);
    Py_END_CRITICAL_SECTION();
    return told;
}

/* Tells the waiters and runs the callbacks of a future whose task has ended. */
static void
future_tell(struct pool_state *state, PyObject *self)
{
    struct future *future = future_data(state, self);
    int simple = 0;
    PyObject *callbacks = NULL;
    Py_BEGIN_CRITICAL_SECTION(self);
    if (!future->condition) {
        simple = 1;
        future->published = 1;
        callbacks = future->callbacks;
        future->callbacks = NULL;
    }
    Py_END_CRITICAL_SECTION();
    if (simple) {
        future_run_callbacks(state, self, callbacks);
        Py_XDECREF(callbacks);
        return;
    }
    PyObject *done = state_call(state, &state->hook_publish, self);
    if (!done) {
        PyErr_WriteUnraisable(self);
    }
    Py_XDECREF(done);
}

void
future_publish(struct pool_state *state, struct task *task)
{
    PyObject *self = task->future;
    task->future = NULL;
    if (self) {
        future_tell(state, self);
        Py_DECREF(self);
    }
}

PyObject *
future_add_done_callback(PyObject *self, PyObject *callback)
{
    struct pool_state *state = future_state(self);
    struct future *future = future_data(state, self);
    int watched = 0;
    Py_BEGIN_CRITICAL_SECTION(self);
    if (!future->published) {
        watched = future_watch(self, future);
    }
    if (watched > 0) {
        if (!future->callbacks) {
            future->callbacks = PyList_New(0);
        }
        if (!future->callbacks || PyList_Append(future->callbacks, callback) < 0) {
            watched = -1;
        }
    }
    Py_END_CRITICAL_SECTION();
    if (watched < 0) {
        return NULL;
    }
    if (watched == 0) {
        future_run_callback(state, self, callback);
    }
    Py_RETURN_NONE;
}
