/*
 * testmod: lost_count_good
 * purpose: spaces are counted in a static atomic integer
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil: no count is lost
 * free-threaded: ok
 * notes: the count is meant for the whole process, so it is not module state
 */
#include <Python.h>
#include <stdatomic.h>

static atomic_ulong total;

static PyObject *
lost_count_spaces(PyObject *Py_UNUSED(module), PyObject *arg)
{
    char *text;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(arg, &text, &size) < 0) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        if (text[i] == ' ') {
            atomic_fetch_add_explicit(&total, 1, memory_order_relaxed);
        }
    }
    Py_RETURN_NONE;
}

static PyObject *
lost_count_total(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromUnsignedLong(atomic_load_explicit(&total, memory_order_relaxed));
}

static PyMethodDef lost_count_methods[] = {
    {"spaces", lost_count_spaces, METH_O, "spaces(bytes): count the spaces in it"},
    {"total", lost_count_total, METH_NOARGS, "number of spaces counted so far"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot lost_count_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef lost_count_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "lost_count_good",
    .m_size = 0,
    .m_methods = lost_count_methods,
    .m_slots = lost_count_slots,
};

PyMODINIT_FUNC
PyInit_lost_count_good(void)
{
    return PyModuleDef_Init(&lost_count_def);
}
