/*
 * testmod: static_exception_good
 * purpose: the module's exception class is kept in module state
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil, reload: each instance raises the class that it exports
 * free-threaded: ok
 * notes: module functions get their module as first argument, and with it the state
 */
#include <Python.h>

typedef struct {
    PyObject *error;
} module_state;

static module_state *
static_exception_state(PyObject *module)
{
    return (module_state *)PyModule_GetState(module);
}

static PyObject *
static_exception_fail(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    PyErr_SetString(static_exception_state(module)->error, "asked to fail");
    return NULL;
}

static int
static_exception_exec(PyObject *module)
{
    module_state *state = static_exception_state(module);
    state->error = PyErr_NewException("static_exception_good.Error", NULL, NULL);
    if (state->error == NULL) {
        return -1;
    }
    Py_INCREF(state->error);
    if (PyModule_AddObject(module, "Error", state->error) < 0) {
        Py_DECREF(state->error);
        return -1;
    }
    return 0;
}

static int
static_exception_traverse(PyObject *module, visitproc visit, void *arg)
{
    Py_VISIT(static_exception_state(module)->error);
    return 0;
}

static int
static_exception_clear(PyObject *module)
{
    Py_CLEAR(static_exception_state(module)->error);
    return 0;
}

static void
static_exception_free(void *module)
{
    (void)static_exception_clear((PyObject *)module);
}

static PyMethodDef static_exception_methods[] = {
    {"fail", static_exception_fail, METH_NOARGS, "raise Error"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot static_exception_slots[] = {
    {Py_mod_exec, (void *)static_exception_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef static_exception_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "static_exception_good",
    .m_size = sizeof(module_state),
    .m_methods = static_exception_methods,
    .m_slots = static_exception_slots,
    .m_traverse = static_exception_traverse,
    .m_clear = static_exception_clear,
    .m_free = static_exception_free,
};

PyMODINIT_FUNC
PyInit_static_exception_good(void)
{
    return PyModuleDef_Init(&static_exception_def);
}
