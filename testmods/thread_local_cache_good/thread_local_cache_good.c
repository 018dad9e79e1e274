/*
 * testmod: thread_local_cache_good
 * purpose: each thread keeps a list in the dict of its thread state, under a key of this module
 *     object
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil, reload: each instance has a list of its own
 * free-threaded: ok
 * notes: a thread state belongs to one interpreter and one thread; its dict is cleared with it
 */
#include <Python.h>

static PyObject *
thread_local_cache_find(PyObject *module)
{
    PyObject *dict = PyThreadState_GetDict();
    if (dict == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "no thread state dict");
        return NULL;
    }
    PyObject *list = PyObject_GetItem(dict, module);
    if (list == NULL && PyErr_ExceptionMatches(PyExc_KeyError)) {
        PyErr_Clear();
        list = PyList_New(0);
        if (list != NULL && PyDict_SetItem(dict, module, list) < 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

static PyObject *
thread_local_cache_list(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    return thread_local_cache_find(module);
}

static PyObject *
thread_local_cache_address(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    PyObject *list = thread_local_cache_find(module);
    if (list == NULL) {
        return NULL;
    }
    PyObject *address = PyLong_FromVoidPtr(list);
    Py_DECREF(list);
    return address;
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
    .m_name = "thread_local_cache_good",
    .m_size = 0,
    .m_methods = thread_local_cache_methods,
    .m_slots = thread_local_cache_slots,
};

PyMODINIT_FUNC
PyInit_thread_local_cache_good(void)
{
    return PyModuleDef_Init(&thread_local_cache_def);
}
