/*
 * testmod: shim_exception_bad
 * purpose: the module's exception class is kept in a static pointer that every import overwrites
 * hazard: GLB03
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil, reload: the first instance raises the class of the second one
 * free-threaded: ok
 * notes: `except mod.Error` no longer catches it
 */
#include <Python.h>

static PyObject *Error; /* expect: GLB03 */

static PyObject *
shim_exception_fail(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyErr_SetString(Error, "asked to fail");
    return NULL;
}

static int
shim_exception_exec(PyObject *module)
{
    Error = PyErr_NewException("shim_exception_bad.Error", NULL, NULL);
    if (Error == NULL) {
        return -1;
    }
    Py_INCREF(Error);
    if (PyModule_AddObject(module, "Error", Error) < 0) {
        Py_DECREF(Error);
        return -1;
    }
    return 0;
}

static PyMethodDef shim_exception_methods[] = {
    {"fail", shim_exception_fail, METH_NOARGS, "raise Error"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot shim_exception_slots[] = {
    {Py_mod_exec, (void *)shim_exception_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* expect: INI13 */
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_exception_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_exception_bad",
    .m_size = 0,
    .m_methods = shim_exception_methods,
    .m_slots = shim_exception_slots,
};

PyMODINIT_FUNC
PyInit_shim_exception_bad(void)
{
    return PyModuleDef_Init(&shim_exception_def);
}
