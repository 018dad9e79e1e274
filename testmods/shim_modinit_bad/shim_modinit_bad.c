/*
 * testmod: shim_modinit_bad
 * purpose: the init function makes the module itself (single-phase initialisation)
 * hazard: INI01
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: fails "does not support loading in subinterpreters", shared-gil ok on
 *     gil builds
 * exercise: own-gil: the import is refused
 * free-threaded: ok
 * notes: the header of the module itself needs no change
 */
#include <Python.h>

static PyObject *
shim_modinit_answer(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(42);
}

static PyMethodDef shim_modinit_methods[] = {
    {"answer", shim_modinit_answer, METH_NOARGS, "the answer"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef shim_modinit_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_modinit_bad",
    .m_size = 0,
    .m_methods = shim_modinit_methods,
};

PyMODINIT_FUNC
PyInit_shim_modinit_bad(void)
{
    PyObject *module = PyModule_Create(&shim_modinit_def); /* expect: INI01 */
    if (module == NULL) {
        return NULL;
    }
#ifdef Py_GIL_DISABLED
    PyUnstable_Module_SetGIL(module, Py_MOD_GIL_NOT_USED);
#endif
    return module;
}
