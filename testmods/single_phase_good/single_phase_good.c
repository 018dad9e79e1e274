/*
 * testmod: single_phase_good
 * purpose: the init function returns a definition with slots (multi-phase initialisation)
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil: the import works
 * free-threaded: ok
 * notes: see single_phase_bad for the same module that cannot be loaded
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

static PyModuleDef_Slot single_phase_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef single_phase_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "single_phase_good",
    .m_size = 0,
    .m_methods = single_phase_methods,
    .m_slots = single_phase_slots,
};

PyMODINIT_FUNC
PyInit_single_phase_good(void)
{
    return PyModuleDef_Init(&single_phase_def);
}
