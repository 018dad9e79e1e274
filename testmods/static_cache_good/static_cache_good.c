/*
 * testmod: static_cache_good
 * purpose: a dict kept in module state
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil, reload: each instance of the module has its own dict
 * free-threaded: ok
 * notes: PyDict_SetItem locks the dict itself on free-threaded builds, so no lock is needed
 */
#include <Python.h>

typedef struct {
    PyObject *cache;
} module_state;

static module_state *
static_cache_state(PyObject *module)
{
    return (module_state *)PyModule_GetState(module);
}

static PyObject *
static_cache_put(PyObject *module, PyObject *args)
{
    PyObject *key, *value;
    if (!PyArg_ParseTuple(args, "OO:put", &key, &value)) {
        return NULL;
    }
    if (PyDict_SetItem(static_cache_state(module)->cache, key, value) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
static_cache_size(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromSsize_t(PyDict_Size(static_cache_state(module)->cache));
}

static PyObject *
static_cache_address(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromVoidPtr(static_cache_state(module)->cache);
}

static int
static_cache_exec(PyObject *module)
{
    module_state *state = static_cache_state(module);
    state->cache = PyDict_New();
    return state->cache == NULL ? -1 : 0;
}

static int
static_cache_traverse(PyObject *module, visitproc visit, void *arg)
{
    Py_VISIT(static_cache_state(module)->cache);
    return 0;
}

static int
static_cache_clear(PyObject *module)
{
    Py_CLEAR(static_cache_state(module)->cache);
    return 0;
}

static void
static_cache_free(void *module)
{
    (void)static_cache_clear((PyObject *)module);
}

static PyMethodDef static_cache_methods[] = {
    {"put", static_cache_put, METH_VARARGS, "put(key, value): remember value"},
    {"size", static_cache_size, METH_NOARGS, "number of remembered values"},
    {"address", static_cache_address, METH_NOARGS, "address of the dict"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot static_cache_slots[] = {
    {Py_mod_exec, (void *)static_cache_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef static_cache_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "static_cache_good",
    .m_size = sizeof(module_state),
    .m_methods = static_cache_methods,
    .m_slots = static_cache_slots,
    .m_traverse = static_cache_traverse,
    .m_clear = static_cache_clear,
    .m_free = static_cache_free,
};

PyMODINIT_FUNC
PyInit_static_cache_good(void)
{
    return PyModuleDef_Init(&static_cache_def);
}
