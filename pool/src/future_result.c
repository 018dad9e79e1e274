/* From a finished task to its value or exception: waiting, decoding, result(), exception(). */
#include "future_parts.h"
#include "interp.h"
#include "transfer.h"

/* Decodes what the worker wrote, once. */
static void
future_fill_locked(struct pool_state *state, struct future *future)
{
    struct task *task = future->task;
    size_t position = 0;
    if (future->result || future->error) {
        return;
    }
    switch (task->outcome) {
    case TASK_RETURNED:
        future->result = transfer_decode(state, &task->out, &position);
        break;
    case TASK_RAISED:
        future->error = transfer_decode_error(state, &task->out);
        break;
    case TASK_INTERRUPTED:
    case TASK_GIVEN_UP:
    case TASK_BROKEN:
        future->error = state_failure(state, (int)task->outcome, task->text);
        break;
    }
    if (!future->result && !future->error) {
        future->error = PyErr_GetRaisedException(); /* it cannot be made here: that is the result */
    }
    message_clear(&task->out);
}

void
future_fill(struct pool_state *state, PyObject *self, struct future *future)
{
    (void)self;
    Py_BEGIN_CRITICAL_SECTION(self);
    future_fill_locked(state, future);
    Py_END_CRITICAL_SECTION();
}

/* 1: ended; 0: deadline; -1: a signal handler raised. */
static int
future_wait(struct future *future, int64_t deadline)
{
    while (!future_ended(future)) {
        PyThreadState *own;
        interp_leave(&own);
        enum wait_result result = job_wait(&future->task->job, deadline);
        interp_return(&own);
        if (result != WAIT_WOKEN && PyErr_CheckSignals() < 0) {
            return -1;
        }
        if (result == WAIT_TIMED_OUT) {
            return future_ended(future);
        }
    }
    return 1;
}

/* The one optional argument `timeout`, as a deadline. */
static int
future_deadline(PyObject *const *args, Py_ssize_t count, PyObject *names, int64_t *deadline)
{
    Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
    if (count + named > 1 ||
        (named && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "timeout") != 0)) {
        PyErr_SetString(PyExc_TypeError, "expected one optional argument, timeout");
        return -1;
    }
    return state_deadline(count + named ? args[0] : NULL, deadline);
}

/* Waits and fills in; -1 with TimeoutError, CancelledError or what a signal handler raised. */
static int
future_complete(struct pool_state *state, PyObject *self, PyObject *const *args, Py_ssize_t count,
                PyObject *names)
{
    struct future *future = future_data(state, self);
    int64_t deadline;
    if (future_deadline(args, count, names, &deadline) < 0) {
        return -1;
    }
    int ended = future_wait(future, deadline);
    state_drain(state);
    if (ended <= 0) {
        if (ended == 0) {
            PyErr_SetNone(PyExc_TimeoutError);
        }
        return -1;
    }
    if (job_state(&future->task->job) & JOB_CANCELLED) {
        PyObject *error = state_call(state, &state->hook_cancelled, Py_None);
        state_raise(error);
        Py_XDECREF(error);
        return -1;
    }
    future_fill(state, self, future);
    return 0;
}

PyObject *
future_result(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    struct pool_state *state = future_state(self);
    if (future_complete(state, self, args, count, names) < 0) {
        return NULL;
    }
    struct future *future = future_data(state, self);
    if (future->error) {
        state_raise(future->error);
        return NULL;
    }
    return Py_NewRef(future->result);
}

PyObject *
future_exception(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    struct pool_state *state = future_state(self);
    if (future_complete(state, self, args, count, names) < 0) {
        return NULL;
    }
    struct future *future = future_data(state, self);
    return Py_NewRef(future->error ? future->error : Py_None);
}
