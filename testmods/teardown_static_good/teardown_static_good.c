/*
 * testmod: teardown_static_good
 * purpose: each module object has data of its own and frees only that
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil, reload: an instance keeps its data when another one ends
 * free-threaded: ok
 * notes: m_free is also called when the exec function failed, so the pointer may be NULL
 */
#include <Python.h>

enum { TABLE_SIZE = 100 };

typedef struct {
    long *table;
} module_state;

static module_state *
teardown_static_state(PyObject *module)
{
    return (module_state *)PyModule_GetState(module);
}

static PyObject *
teardown_static_square(PyObject *module, PyObject *arg)
{
    long n = PyLong_AsLong(arg);
    if (n == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (n < 0 || n >= TABLE_SIZE) {
        PyErr_SetString(PyExc_ValueError, "square() wants 0 <= n < 100");
        return NULL;
    }
    return PyLong_FromLong(teardown_static_state(module)->table[n]);
}

static int
teardown_static_exec(PyObject *module)
{
    long *table = malloc(TABLE_SIZE * sizeof(*table));
    if (table == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (long n = 0; n < TABLE_SIZE; n++) {
        table[n] = n * n;
    }
    teardown_static_state(module)->table = table;
    return 0;
}

static void
teardown_static_free(void *module)
{
    module_state *state = teardown_static_state((PyObject *)module);
    free(state->table);
    state->table = NULL;
}

static PyMethodDef teardown_static_methods[] = {
    {"square", teardown_static_square, METH_O, "square(n): n * n for n below 100"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot teardown_static_slots[] = {
    {Py_mod_exec, (void *)teardown_static_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef teardown_static_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "teardown_static_good",
    .m_size = sizeof(module_state),
    .m_methods = teardown_static_methods,
    .m_slots = teardown_static_slots,
    .m_free = teardown_static_free,
};

PyMODINIT_FUNC
PyInit_teardown_static_good(void)
{
    return PyModuleDef_Init(&teardown_static_def);
}
