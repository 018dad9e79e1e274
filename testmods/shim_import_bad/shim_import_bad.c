/*
 * testmod: shim_import_bad
 * purpose: a function of another module is imported on first use and kept in a local static
 * hazard: LZY06
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil: two interpreters call the same function object
 * free-threaded: ok
 * notes: the function runs with the modules and globals of the interpreter that came first
 */
#include <Python.h>

static PyObject *
shim_import_dumps(void)
{
    static PyObject *dumps = NULL; /* expect: LZY06 */
    if (dumps == NULL) {
        PyObject *json = PyImport_ImportModule("json");
        if (json == NULL) {
            return NULL;
        }
        dumps = PyObject_GetAttrString(json, "dumps");
        Py_DECREF(json);
    }
    return dumps;
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

static PyMethodDef shim_import_methods[] = {
    {"to_json", shim_import_to_json, METH_O, "to_json(obj): its JSON text"},
    {"address", shim_import_address, METH_NOARGS, "address of the function used"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot shim_import_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* expect: INI13 */
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_import_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_import_bad",
    .m_size = 0,
    .m_methods = shim_import_methods,
    .m_slots = shim_import_slots,
};

PyMODINIT_FUNC
PyInit_shim_import_bad(void)
{
    return PyModuleDef_Init(&shim_import_def);
}
