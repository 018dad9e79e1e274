/*
 * testmod: thread_local_cache_bad
 * purpose: each thread keeps a list in a thread-local variable
 * hazard: TLS01
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil, reload: two interpreters that run on one thread use the same
 *     list
 * free-threaded: undefined
 * notes: a thread is not an interpreter: the same OS thread may run several
 */
#include <Python.h>

static _Thread_local PyObject *list; /* expect: TLS01 */

static PyObject *
thread_local_cache_list(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    if (list == NULL) {
        list = PyList_New(0);
    }
    Py_XINCREF(list);
    return list;
}

static PyObject *
thread_local_cache_address(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromVoidPtr(list);
}

static PyMethodDef thread_local_cache_methods[] = {
    {"list", thread_local_cache_list, METH_NOARGS, "the list of this thread"},
    {"address", thread_local_cache_address, METH_NOARGS, "its address"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot thread_local_cache_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef thread_local_cache_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "thread_local_cache_bad",
    .m_size = 0,
    .m_methods = thread_local_cache_methods,
    .m_slots = thread_local_cache_slots,
};

PyMODINIT_FUNC
PyInit_thread_local_cache_bad(void)
{
    return PyModuleDef_Init(&thread_local_cache_def);
}
