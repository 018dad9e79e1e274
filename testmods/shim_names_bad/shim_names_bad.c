/*
 * testmod: shim_names_bad
 * purpose: an interned string is made on first use and kept in a static pointer
 * hazard: GLB05
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil: two interpreters hold the same string object
 * free-threaded: ok
 * notes: its reference count is changed under two different locks
 */
#include <Python.h>

static PyObject *name; /* expect: GLB05 */

static PyObject *
shim_names_lookup(void)
{
    if (name == NULL) {
        name = PyUnicode_InternFromString("lazy_name_attribute");
    }
    return name;
}

static PyObject *
shim_names_get(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyObject *found = shim_names_lookup();
    Py_XINCREF(found);
    return found;
}

static PyObject *
shim_names_address(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromVoidPtr(shim_names_lookup());
}

static PyMethodDef shim_names_methods[] = {
    {"name", shim_names_get, METH_NOARGS, "the cached string"},
    {"address", shim_names_address, METH_NOARGS, "address of the cached string"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot shim_names_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* expect: INI13 */
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_names_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_names_bad",
    .m_size = 0,
    .m_methods = shim_names_methods,
    .m_slots = shim_names_slots,
};

PyMODINIT_FUNC
PyInit_shim_names_bad(void)
{
    return PyModuleDef_Init(&shim_names_def);
}
