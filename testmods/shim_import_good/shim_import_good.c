/*
 * testmod: shim_import_good
 * purpose: the attribute is imported by the shim, once in each interpreter
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil: each interpreter calls its own function
 * free-threaded: ok
 * notes: the import happens on first use
 * build: with the shim
 */
#include "extshim.h"

EXTSHIM_IMPORT(json_dumps, "json", "dumps")

static PyObject *
shim_import_dumps(void)
{
    return ExtShim_GET(json_dumps);
}

static PyObject *
shim_import_to_json(PyObject *Py_UNUSED(module), PyObject *obj)
{
    PyObject *dumps = shim_import_dumps();
    return dumps == NULL ? NULL : PyObject_CallFunctionObjArgs(dumps, obj, NULL);
}

static PyObject *
shim_import_address(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyObject *dumps = shim_import_dumps();
    return dumps == NULL ? NULL : PyLong_FromVoidPtr(dumps);
}

static int
shim_import_exec(PyObject *Py_UNUSED(module))
{
    return ExtShim_Begin("shim_import_good");
}

static PyMethodDef shim_import_methods[] = {
    {"to_json", shim_import_to_json, METH_O, "to_json(obj): its JSON text"},
    {"address", shim_import_address, METH_NOARGS, "address of the function used"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot shim_import_slots[] = {
    {Py_mod_exec, (void *)shim_import_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_import_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_import_good",
    .m_size = 0,
    .m_methods = shim_import_methods,
    .m_slots = shim_import_slots,
};

PyMODINIT_FUNC
PyInit_shim_import_good(void)
{
    return PyModuleDef_Init(&shim_import_def);
}
