/*
 * testmod: lazy_import_good
 * purpose: a function of another module is imported when this one is executed and kept in its
 *     state
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil: each interpreter calls its own function
 * free-threaded: ok
 * notes: a reload in one interpreter finds the same function again, as it should
 */
#include <Python.h>

typedef struct {
    PyObject *dumps;
} module_state;

static module_state *
lazy_import_state(PyObject *module)
{
    return (module_state *)PyModule_GetState(module);
}

static PyObject *
lazy_import_to_json(PyObject *module, PyObject *obj)
{
    return PyObject_CallFunctionObjArgs(lazy_import_state(module)->dumps, obj, NULL);
}

static PyObject *
lazy_import_address(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromVoidPtr(lazy_import_state(module)->dumps);
}

static int
lazy_import_exec(PyObject *module)
{
    module_state *state = lazy_import_state(module);
    PyObject *json = PyImport_ImportModule("json");
    if (json == NULL) {
        return -1;
    }
    state->dumps = PyObject_GetAttrString(json, "dumps");
    Py_DECREF(json);
    return state->dumps == NULL ? -1 : 0;
}

static int
lazy_import_traverse(PyObject *module, visitproc visit, void *arg)
{
    Py_VISIT(lazy_import_state(module)->dumps);
    return 0;
}

static int
lazy_import_clear(PyObject *module)
{
    Py_CLEAR(lazy_import_state(module)->dumps);
    return 0;
}

static void
lazy_import_free(void *module)
{
    (void)lazy_import_clear((PyObject *)module);
}

static PyMethodDef lazy_import_methods[] = {
    {"to_json", lazy_import_to_json, METH_O, "to_json(obj): its JSON text"},
    {"address", lazy_import_address, METH_NOARGS, "address of the function used"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot lazy_import_slots[] = {
    {Py_mod_exec, (void *)lazy_import_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef lazy_import_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "lazy_import_good",
    .m_size = sizeof(module_state),
    .m_methods = lazy_import_methods,
    .m_slots = lazy_import_slots,
    .m_traverse = lazy_import_traverse,
    .m_clear = lazy_import_clear,
    .m_free = lazy_import_free,
};

PyMODINIT_FUNC
PyInit_lazy_import_good(void)
{
    return PyModuleDef_Init(&lazy_import_def);
}
