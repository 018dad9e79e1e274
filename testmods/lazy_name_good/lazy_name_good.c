/*
 * testmod: lazy_name_good
 * purpose: an interned string is made when the module is executed and kept in module state
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil: each interpreter has its own string object
 * free-threaded: ok
 * notes: made eagerly: no first use to race for
 */
#include <Python.h>

typedef struct {
    PyObject *name;
} module_state;

static module_state *
lazy_name_state(PyObject *module)
{
    return (module_state *)PyModule_GetState(module);
}

static PyObject *
lazy_name_get(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    PyObject *found = lazy_name_state(module)->name;
    Py_INCREF(found);
    return found;
}

static PyObject *
lazy_name_address(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromVoidPtr(lazy_name_state(module)->name);
}

static int
lazy_name_exec(PyObject *module)
{
    module_state *state = lazy_name_state(module);
    state->name = PyUnicode_InternFromString("lazy_name_attribute");
    return state->name == NULL ? -1 : 0;
}

static int
lazy_name_traverse(PyObject *module, visitproc visit, void *arg)
{
    Py_VISIT(lazy_name_state(module)->name);
    return 0;
}

static int
lazy_name_clear(PyObject *module)
{
    Py_CLEAR(lazy_name_state(module)->name);
    return 0;
}

static void
lazy_name_free(void *module)
{
    (void)lazy_name_clear((PyObject *)module);
}

static PyMethodDef lazy_name_methods[] = {
    {"name", lazy_name_get, METH_NOARGS, "the cached string"},
    {"address", lazy_name_address, METH_NOARGS, "address of the cached string"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot lazy_name_slots[] = {
    {Py_mod_exec, (void *)lazy_name_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef lazy_name_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "lazy_name_good",
    .m_size = sizeof(module_state),
    .m_methods = lazy_name_methods,
    .m_slots = lazy_name_slots,
    .m_traverse = lazy_name_traverse,
    .m_clear = lazy_name_clear,
    .m_free = lazy_name_free,
};

PyMODINIT_FUNC
PyInit_lazy_name_good(void)
{
    return PyModuleDef_Init(&lazy_name_def);
}
