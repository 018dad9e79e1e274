/*
 * testmod: no_gil_slot_bad
 * purpose: a clean multi-phase module that does not say that it needs no GIL
 * hazard: INI06
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: main(free-threaded): the import switches the GIL on for the whole process
 * free-threaded: ok
 * notes: PYTHON_GIL=0 would keep it off by force; the exercise therefore runs without it
 */
#include <Python.h>

static PyObject *
no_gil_slot_answer(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(42);
}

static PyMethodDef no_gil_slot_methods[] = {
    {"answer", no_gil_slot_answer, METH_NOARGS, "the answer"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot no_gil_slot_slots[] = { /* expect: INI06 */
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef no_gil_slot_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "no_gil_slot_bad",
    .m_size = 0,
    .m_methods = no_gil_slot_methods,
    .m_slots = no_gil_slot_slots,
};

PyMODINIT_FUNC
PyInit_no_gil_slot_bad(void)
{
    return PyModuleDef_Init(&no_gil_slot_def);
}
