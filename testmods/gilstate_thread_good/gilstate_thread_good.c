/*
 * testmod: gilstate_thread_good
 * purpose: a thread that Python did not make attaches to the interpreter it was started from
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil: the thread runs in the caller's interpreter
 * free-threaded: ok
 * notes: the caller waits, so the interpreter cannot end meanwhile; 3.15 has guards for those
 *     that do not wait
 */
#include <Python.h>
#include <pthread.h>

struct question {
    PyInterpreterState *interpreter;
    int64_t answer;
};

static void *
gilstate_thread_run(void *arg)
{
    struct question *question = arg;
    PyThreadState *state = PyThreadState_New(question->interpreter);
    if (state == NULL) {
        return NULL;
    }
    PyEval_RestoreThread(state);
    question->answer = PyInterpreterState_GetID(PyInterpreterState_Get());
    PyThreadState_Clear(state);
    PyThreadState_DeleteCurrent();
    return NULL;
}

static PyObject *
gilstate_thread_here(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLongLong(PyInterpreterState_GetID(PyInterpreterState_Get()));
}

static PyObject *
gilstate_thread_ask(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    struct question question = {.interpreter = PyInterpreterState_Get(), .answer = -1};
    pthread_t thread;
    int failed;
    Py_BEGIN_ALLOW_THREADS
    failed = pthread_create(&thread, NULL, gilstate_thread_run, &question);
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

static PyMethodDef gilstate_thread_methods[] = {
    {"ask", gilstate_thread_ask, METH_NOARGS, "id of the interpreter that a new thread runs in"},
    {"here", gilstate_thread_here, METH_NOARGS, "id of this interpreter"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot gilstate_thread_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef gilstate_thread_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "gilstate_thread_good",
    .m_size = 0,
    .m_methods = gilstate_thread_methods,
    .m_slots = gilstate_thread_slots,
};

PyMODINIT_FUNC
PyInit_gilstate_thread_good(void)
{
    return PyModuleDef_Init(&gilstate_thread_def);
}
