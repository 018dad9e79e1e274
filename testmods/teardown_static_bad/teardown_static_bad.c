/*
 * testmod: teardown_static_bad
 * purpose: the module's free function frees static data that other instances use
 * hazard: INI32
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil, reload: when one instance ends, the other one has lost its data
 * free-threaded: ok
 * notes: without the test for NULL it would read through a null pointer
 */
#include <Python.h>

enum { TABLE_SIZE = 100 };

static long *table; /* expect: GLB10 */

static PyObject *
teardown_static_square(PyObject *Py_UNUSED(module), PyObject *arg)
{
    long n = PyLong_AsLong(arg);
    if (n == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (n < 0 || n >= TABLE_SIZE) {
        PyErr_SetString(PyExc_ValueError, "square() wants 0 <= n < 100");
        return NULL;
    }
    long square = table == NULL ? -1 : table[n];
    if (square < 0) {
        PyErr_SetString(PyExc_RuntimeError, "the table is gone");
        return NULL;
    }
    return PyLong_FromLong(square);
}

static int
teardown_static_exec(PyObject *Py_UNUSED(module))
{
    if (table == NULL) {
        table = malloc(TABLE_SIZE * sizeof(*table));
        for (long n = 0; table != NULL && n < TABLE_SIZE; n++) {
            table[n] = n * n;
        }
    }
    if (table == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static void
teardown_static_free(void *Py_UNUSED(module))
{
    free(table); /* expect: INI32 */
    table = NULL;
}

static PyMethodDef teardown_static_methods[] = {
    {"square", teardown_static_square, METH_O, "square(n): n * n for n below 100"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot teardown_static_slots[] = {
    {Py_mod_exec, (void *)teardown_static_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* expect: INI13 */
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef teardown_static_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "teardown_static_bad",
    .m_size = 0,
    .m_methods = teardown_static_methods,
    .m_slots = teardown_static_slots,
    .m_free = teardown_static_free,
};

PyMODINIT_FUNC
PyInit_teardown_static_bad(void)
{
    return PyModuleDef_Init(&teardown_static_def);
}
