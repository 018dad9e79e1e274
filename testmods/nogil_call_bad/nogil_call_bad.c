/*
 * testmod: nogil_call_bad
 * purpose: an int is made while the thread is detached from its interpreter
 * hazard: NOG01
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: main(3.12+): the process crashes
 * free-threaded: fails "SIG"
 * notes: there is no thread state to take memory from; older versions get away with it most of
 *     the time
 */
#include <Python.h>

static PyObject *
nogil_call_sum(PyObject *Py_UNUSED(module), PyObject *arg)
{
    char *text;
    Py_ssize_t size;
    PyObject *result;
    if (PyBytes_AsStringAndSize(arg, &text, &size) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    long sum = 0;
    for (Py_ssize_t i = 0; i < size; i++) {
        sum += (unsigned char)text[i];
    }
    result = PyLong_FromLong(sum); /* expect: NOG01 */
    Py_END_ALLOW_THREADS
    return result;
}

static PyMethodDef nogil_call_methods[] = {
    {"sum", nogil_call_sum, METH_O, "sum(bytes): sum of its bytes"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot nogil_call_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* expect: INI13 */
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED}, /* expect: INI14 */
#endif
    {0, NULL},
};

static struct PyModuleDef nogil_call_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "nogil_call_bad",
    .m_size = 0,
    .m_methods = nogil_call_methods,
    .m_slots = nogil_call_slots,
};

PyMODINIT_FUNC
PyInit_nogil_call_bad(void)
{
    return PyModuleDef_Init(&nogil_call_def);
}
