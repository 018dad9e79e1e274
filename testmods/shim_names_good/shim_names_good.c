/*
 * testmod: shim_names_good
 * purpose: the interned string is made by the shim, one for each interpreter
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil: each interpreter has its own string object
 * free-threaded: ok
 * notes: the string is interned on first use
 * build: with the shim
 */
#include "extshim.h"

EXTSHIM_STRING(name, "lazy_name_attribute")

static PyObject *
shim_names_lookup(void)
{
    return ExtShim_GET(name);
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

static int
shim_names_exec(PyObject *Py_UNUSED(module))
{
    return ExtShim_Begin("shim_names_good");
}

static PyMethodDef shim_names_methods[] = {
    {"name", shim_names_get, METH_NOARGS, "the cached string"},
    {"address", shim_names_address, METH_NOARGS, "address of the cached string"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot shim_names_slots[] = {
    {Py_mod_exec, (void *)shim_names_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_names_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_names_good",
    .m_size = 0,
    .m_methods = shim_names_methods,
    .m_slots = shim_names_slots,
};

PyMODINIT_FUNC
PyInit_shim_names_good(void)
{
    return PyModuleDef_Init(&shim_names_def);
}
