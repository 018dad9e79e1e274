/*
 * testmod: no_interpreter_slot_good
 * purpose: a clean multi-phase module that says so
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil: the import works
 * free-threaded: ok
 * notes: the slot number is unknown before 3.12 and would be an error there
 */
#include <Python.h>

static PyObject *
no_interpreter_slot_answer(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(42);
}

static PyMethodDef no_interpreter_slot_methods[] = {
    {"answer", no_interpreter_slot_answer, METH_NOARGS, "the answer"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot no_interpreter_slot_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef no_interpreter_slot_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "no_interpreter_slot_good",
    .m_size = 0,
    .m_methods = no_interpreter_slot_methods,
    .m_slots = no_interpreter_slot_slots,
};

PyMODINIT_FUNC
PyInit_no_interpreter_slot_good(void)
{
    return PyModuleDef_Init(&no_interpreter_slot_def);
}
