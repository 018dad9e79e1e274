#include "interp.h"

#include <stdio.h>

PyThreadState *
interp_create(char *error, size_t size)
{
    PyInterpreterConfig config = {
        .use_main_obmalloc = 0,
        .allow_fork = 0,
        .allow_exec = 0,
        .allow_threads = 1,
        .allow_daemon_threads = 0,
        .check_multi_interp_extensions = 1,
        .gil = PyInterpreterConfig_OWN_GIL,
    };
    PyThreadState *own = NULL;
    PyStatus status = Py_NewInterpreterFromConfig(&own, &config);
    if (PyStatus_Exception(status) || !own) {
        snprintf(error, size, "an interpreter could not be created: %s",
                 status.err_msg ? status.err_msg : "no reason given");
        return NULL;
    }
    return own;
}

void
interp_end(PyThreadState *own)
{
    Py_EndInterpreter(own);
}

void
interp_leave(void *place_for_thread_state)
{
    *(PyThreadState **)place_for_thread_state = PyEval_SaveThread();
}

void
interp_return(void *place_for_thread_state)
{
    PyEval_RestoreThread(*(PyThreadState **)place_for_thread_state);
}

void
interp_raise_here(unsigned long thread, PyObject *exception)
{
    PyThreadState_SetAsyncExc(thread, exception);
}

PyThreadState *
interp_visit(PyInterpreterState *interp)
{
    PyThreadState *own = PyThreadState_New(interp);
    if (own) {
        PyEval_RestoreThread(own);
    }
    return own;
}

void
interp_thread_end(PyThreadState *own)
{
    PyThreadState_Clear(own);
    PyThreadState_DeleteCurrent();
}
