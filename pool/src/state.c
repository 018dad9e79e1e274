#include "state.h"

#include <string.h>

#include "wait.h"
#include "worker_connect.h"

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
    const char *shown = text ? text : "";
    PyObject *decoded = PyUnicode_DecodeUTF8(shown, (Py_ssize_t)strlen(shown), "replace");
    PyObject *parts = decoded ? Py_BuildValue("(iN)", outcome, decoded) : NULL;
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
