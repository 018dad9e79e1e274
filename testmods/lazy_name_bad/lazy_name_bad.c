/*
 * testmod: lazy_name_bad
 * purpose: an interned string is made on first use and kept in a static pointer
 * hazard: GLB05
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil: two interpreters hand out the very same string object
 * free-threaded: undefined
 * notes: every interpreter has its own table of interned strings since 3.12; the pointer knows
 *     only one
 */
#include <Python.h>

static PyObject *name; /* expect: GLB05 */

static PyObject *
lazy_name_lookup(void)
{
    if (name == NULL) {
        name = PyUnicode_InternFromString("lazy_name_attribute");
    }
    return name;
}

static PyObject *
lazy_name_get(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyObject *found = lazy_name_lookup();
    Py_XINCREF(found);
    return found;
}

static PyObject *
lazy_name_address(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromVoidPtr(lazy_name_lookup());
}

static PyMethodDef lazy_name_methods[] = {
    {"name", lazy_name_get, METH_NOARGS, "the cached string"},
    {"address", lazy_name_address, METH_NOARGS, "address of the cached string"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot lazy_name_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* expect: INI13 */
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef lazy_name_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "lazy_name_bad",
    .m_size = 0,
    .m_methods = lazy_name_methods,
    .m_slots = lazy_name_slots,
};

PyMODINIT_FUNC
PyInit_lazy_name_bad(void)
{
    return PyModuleDef_Init(&lazy_name_def);
}
