#include "state.h"

#include "wait.h"
#include "worker_begin.h"

PyObject *
state_call(struct pool_state *state, PyObject **hook, PyObject *argument)
{
    if (worker_connect(state) < 0) {
        return NULL;
    }
    if (!*hook) {
        PyErr_SetString(PyExc_RuntimeError, "extpool._pool is used through extpool only");
        return NULL;
    }
    return PyObject_CallOneArg(*hook, argument);
}

void
state_raise(PyObject *error)
{
    if (error) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    }
}

PyObject *
state_failure(struct pool_state *state, int outcome, const char *text)
{
    PyObject *parts = Py_BuildValue("(is)", outcome, text ? text : "");
    PyObject *error = parts ? state_call(state, &state->hook_failed, parts) : NULL;
    Py_XDECREF(parts);
    return error;
}

int
state_deadline(PyObject *timeout, int64_t *deadline)
{
    *deadline = WAIT_FOREVER;
    if (timeout && !Py_IsNone(timeout)) {
        double seconds = PyFloat_AsDouble(timeout);
        if (seconds == -1.0 && PyErr_Occurred()) {
            return -1;
        }
        *deadline = wait_deadline(seconds > 0.0 ? seconds : 0.0);
    }
    return 0;
}
