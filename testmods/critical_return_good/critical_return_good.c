/*
 * testmod: critical_return_good
 * purpose: a function leaves a critical section at its end only
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: free-threaded: nothing crashes
 * free-threaded: ok
 * notes: the result is set inside and returned outside
 */
#include <Python.h>

#ifndef Py_BEGIN_CRITICAL_SECTION
#define Py_BEGIN_CRITICAL_SECTION(op) {
#define Py_END_CRITICAL_SECTION() }
#endif

static PyObject *
critical_return_last(PyObject *Py_UNUSED(module), PyObject *list)
{
    PyObject *item = NULL;
    if (!PyList_CheckExact(list)) {
        PyErr_SetString(PyExc_TypeError, "last() wants a list");
        return NULL;
    }
    Py_BEGIN_CRITICAL_SECTION(list);
    Py_ssize_t size = PyList_GET_SIZE(list);
    if (size == 0) {
        Py_INCREF(Py_None);
        item = Py_None;
    }
    else {
        item = PySequence_GetItem(list, size - 1);
    }
    Py_END_CRITICAL_SECTION();
    return item;
}

static PyMethodDef critical_return_methods[] = {
    {"last", critical_return_last, METH_O, "last(list): its last item, or None"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot critical_return_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef critical_return_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "critical_return_good",
    .m_size = 0,
    .m_methods = critical_return_methods,
    .m_slots = critical_return_slots,
};

PyMODINIT_FUNC
PyInit_critical_return_good(void)
{
    return PyModuleDef_Init(&critical_return_def);
}
