/*
 * testmod: lost_count_bad
 * purpose: spaces are counted in a plain static integer
 * hazard: GLB11
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil: interpreters that count at the same time lose counts
 * free-threaded: fails "counts were lost"
 * notes: one interpreter's lock does not keep the other one out
 */
#include <Python.h>

static unsigned long total; /* expect: GLB11 */

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
            total++;
        }
    }
    Py_RETURN_NONE;
}

static PyObject *
lost_count_total(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromUnsignedLong(total);
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
    .m_name = "lost_count_bad",
    .m_size = 0,
    .m_methods = lost_count_methods,
    .m_slots = lost_count_slots,
};

PyMODINIT_FUNC
PyInit_lost_count_bad(void)
{
    return PyModuleDef_Init(&lost_count_def);
}
