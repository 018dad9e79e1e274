/*
 * testmod: shim_thread_bad
 * purpose: a thread that Python did not make attaches with PyGILState_Ensure
 * hazard: THD01
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil: the thread ends up in the main interpreter, not in the caller's
 * free-threaded: ok
 * notes: PyGILState_* knows the main interpreter only
 */
#include <Python.h>
#include <pthread.h>

struct question {
    int64_t answer;
};

static void *
shim_thread_run(void *arg)
{
    struct question *question = arg;
    PyGILState_STATE token = PyGILState_Ensure(); /* expect: THD01 */
    question->answer = PyInterpreterState_GetID(PyInterpreterState_Get());
    PyGILState_Release(token);
    return NULL;
}

static PyObject *
shim_thread_here(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLongLong(PyInterpreterState_GetID(PyInterpreterState_Get()));
}

static PyObject *
shim_thread_ask(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    struct question question = {.answer = -1};
    pthread_t thread;
    int failed;
    Py_BEGIN_ALLOW_THREADS
    failed = pthread_create(&thread, NULL, shim_thread_run, &question);
    if (!failed) {
        failed = pthread_join(thread, NULL);
    }
    Py_END_ALLOW_THREADS
    if (failed) {
        PyErr_SetString(PyExc_RuntimeError, "no thread could be run");
        return NULL;
    }
    return PyLong_FromLongLong(question.answer);
}

static PyMethodDef shim_thread_methods[] = {
    {"ask", shim_thread_ask, METH_NOARGS, "id of the interpreter that a new thread runs in"},
    {"here", shim_thread_here, METH_NOARGS, "id of this interpreter"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot shim_thread_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* expect: INI13 */
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_thread_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_thread_bad",
    .m_size = 0,
    .m_methods = shim_thread_methods,
    .m_slots = shim_thread_slots,
};

PyMODINIT_FUNC
PyInit_shim_thread_bad(void)
{
    return PyModuleDef_Init(&shim_thread_def);
}
