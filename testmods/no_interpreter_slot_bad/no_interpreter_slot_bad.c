/*
 * testmod: no_interpreter_slot_bad
 * purpose: a clean multi-phase module that does not say that it supports own-GIL interpreters
 * hazard: INI05
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: fails "does not support loading in subinterpreters", shared-gil ok
 * exercise: own-gil: the import is refused
 * free-threaded: ok
 * notes: without the slot a module counts as safe with a shared GIL only
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

static PyModuleDef_Slot no_interpreter_slot_slots[] = { /* expect: INI05 */
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef no_interpreter_slot_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "no_interpreter_slot_bad",
    .m_size = 0,
    .m_methods = no_interpreter_slot_methods,
    .m_slots = no_interpreter_slot_slots,
};

PyMODINIT_FUNC
PyInit_no_interpreter_slot_bad(void)
{
    return PyModuleDef_Init(&no_interpreter_slot_def);
}
