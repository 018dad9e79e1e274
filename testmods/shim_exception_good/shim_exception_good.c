/*
 * testmod: shim_exception_good
 * purpose: the exception class is made by the shim, one for each interpreter
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil, reload: every instance raises the class that it shows as Error
 * free-threaded: ok
 * notes: the class is made on first use and released when the interpreter ends
 * build: with the shim
 */
#include "extshim.h"

EXTSHIM_EXCEPTION(Error, "shim_exception_good.Error", NULL, "Raised on request.")

static PyObject *
shim_exception_fail(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyObject *error = ExtShim_GET(Error);
    if (error != NULL) {
        PyErr_SetString(error, "asked to fail");
    }
    return NULL;
}

static int
shim_exception_exec(PyObject *module)
{
    if (ExtShim_Begin("shim_exception_good") < 0) {
        return -1;
    }
    PyObject *error = ExtShim_GetRef(&Error);
    if (error == NULL) {
        return -1;
    }
    if (PyModule_AddObject(module, "Error", error) < 0) {
        Py_DECREF(error);
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
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_exception_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_exception_good",
    .m_size = 0,
    .m_methods = shim_exception_methods,
    .m_slots = shim_exception_slots,
};

PyMODINIT_FUNC
PyInit_shim_exception_good(void)
{
    return PyModuleDef_Init(&shim_exception_def);
}
