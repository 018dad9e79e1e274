/*
 * testmod: scratch_buffer_bad
 * purpose: text is put together in a static buffer
 * hazard: GLB12
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil: a string comes back with pieces of another interpreter's
 * free-threaded: fails "torn"
 * notes: the buffer is written and read within one call, which only one lock for all would make
 *     safe
 */
#include <Python.h>

static char scratch[4096]; /* expect: GLB12 */

static PyObject *
scratch_buffer_spell(PyObject *Py_UNUSED(module), PyObject *arg)
{
    long digit = PyLong_AsLong(arg);
    if (digit == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (digit < 0 || digit > 9) {
        PyErr_SetString(PyExc_ValueError, "spell() wants a digit");
        return NULL;
    }
    for (size_t i = 0; i < sizeof(scratch); i++) {
        scratch[i] = (char)('0' + digit);
    }
    return PyUnicode_FromStringAndSize(scratch, sizeof(scratch));
}

static PyMethodDef scratch_buffer_methods[] = {
    {"spell", scratch_buffer_spell, METH_O, "spell(digit): the digit, many times over"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot scratch_buffer_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef scratch_buffer_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "scratch_buffer_bad",
    .m_size = 0,
    .m_methods = scratch_buffer_methods,
    .m_slots = scratch_buffer_slots,
};

PyMODINIT_FUNC
PyInit_scratch_buffer_bad(void)
{
    return PyModuleDef_Init(&scratch_buffer_def);
}
