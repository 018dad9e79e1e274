/*
 * testmod: nogil_call_good
 * purpose: an int is made after the thread is attached again
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: main(3.12+): nothing crashes
 * free-threaded: ok
 * notes: only plain C data is touched in between
 */
#include <Python.h>

static PyObject *
nogil_call_sum(PyObject *Py_UNUSED(module), PyObject *arg)
{
    char *text;
    Py_ssize_t size;
    long sum = 0;
    if (PyBytes_AsStringAndSize(arg, &text, &size) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t i = 0; i < size; i++) {
        sum += (unsigned char)text[i];
    }
    Py_END_ALLOW_THREADS
    return PyLong_FromLong(sum);
}

static PyMethodDef nogil_call_methods[] = {
    {"sum", nogil_call_sum, METH_O, "sum(bytes): sum of its bytes"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot nogil_call_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef nogil_call_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "nogil_call_good",
    .m_size = 0,
    .m_methods = nogil_call_methods,
    .m_slots = nogil_call_slots,
};

PyMODINIT_FUNC
PyInit_nogil_call_good(void)
{
    return PyModuleDef_Init(&nogil_call_def);
}
