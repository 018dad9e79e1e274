/*
 * testmod: shim_thread_good
 * purpose: the thread enters the interpreter that the shim remembered for it
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil: the thread runs in the interpreter that started it
 * free-threaded: ok
 * notes: Enter fails, without an exception, when the interpreter has ended meanwhile
 * build: with the shim
 */
#include "extshim.h"
#include <pthread.h>

struct question {
    ExtShim_Interp *asker;
    int64_t answer;
};

static void *
shim_thread_run(void *arg)
{
    struct question *question = arg;
    ExtShim_Visit visit;
    if (ExtShim_Interp_Enter(question->asker, &visit) == 0) {
        question->answer = PyInterpreterState_GetID(PyInterpreterState_Get());
        ExtShim_Interp_Leave(&visit);
    }
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
    struct question question = {.asker = ExtShim_Interp_Save(), .answer = -1};
    if (question.asker == NULL) {
        return NULL;
    }
    pthread_t thread;
    int failed;
    Py_BEGIN_ALLOW_THREADS
    failed = pthread_create(&thread, NULL, shim_thread_run, &question);
    if (!failed) {
        failed = pthread_join(thread, NULL);
    }
    Py_END_ALLOW_THREADS
    ExtShim_Interp_Free(question.asker);
    if (failed) {
        PyErr_SetString(PyExc_RuntimeError, "no thread could be run");
        return NULL;
    }
    return PyLong_FromLongLong(question.answer);
}

static int
shim_thread_exec(PyObject *Py_UNUSED(module))
{
    return ExtShim_Begin("shim_thread_good");
}

static PyMethodDef shim_thread_methods[] = {
    {"ask", shim_thread_ask, METH_NOARGS, "id of the interpreter that a new thread runs in"},
    {"here", shim_thread_here, METH_NOARGS, "id of this interpreter"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot shim_thread_slots[] = {
    {Py_mod_exec, (void *)shim_thread_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_thread_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_thread_good",
    .m_size = 0,
    .m_methods = shim_thread_methods,
    .m_slots = shim_thread_slots,
};

PyMODINIT_FUNC
PyInit_shim_thread_good(void)
{
    return PyModuleDef_Init(&shim_thread_def);
}
