/*
 * testmod: single_phase_bad
 * purpose: the init function makes the module itself (single-phase initialisation)
 * hazard: INI01
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: fails "does not support loading in subinterpreters", shared-gil ok on
 *     gil builds
 * exercise: own-gil: the import is refused
 * free-threaded: ok
 * notes: nothing else is wrong with it; free-threaded builds refuse it in shared-GIL interpreters
 *     too
 */
#include <Python.h>

static PyObject *
single_phase_answer(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(42);
}

static PyMethodDef single_phase_methods[] = {
    {"answer", single_phase_answer, METH_NOARGS, "the answer"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef single_phase_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "single_phase_bad",
    .m_size = 0,
    .m_methods = single_phase_methods,
};

PyMODINIT_FUNC
PyInit_single_phase_bad(void)
{
    PyObject *module = PyModule_Create(&single_phase_def); /* expect: INI01 */
    if (module == NULL) {
        return NULL;
    }
#ifdef Py_GIL_DISABLED
    PyUnstable_Module_SetGIL(module, Py_MOD_GIL_NOT_USED);
#endif
    return module;
}
