/*
 * testmod: global_setting_good
 * purpose: a setting that Python code changes is kept in module state
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil, reload: each instance has its own limit
 * free-threaded: ok
 * notes: atomic, because threads of a free-threaded build may set and read it at once
 */
#include <Python.h>
#include <stdatomic.h>

typedef struct {
    atomic_long limit;
} module_state;

static module_state *
global_setting_state(PyObject *module)
{
    return (module_state *)PyModule_GetState(module);
}

static PyObject *
global_setting_set(PyObject *module, PyObject *arg)
{
    long wanted = PyLong_AsLong(arg);
    if (wanted == -1 && PyErr_Occurred()) {
        return NULL;
    }
    atomic_store(&global_setting_state(module)->limit, wanted);
    Py_RETURN_NONE;
}

static PyObject *
global_setting_get(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(atomic_load(&global_setting_state(module)->limit));
}

static int
global_setting_exec(PyObject *module)
{
    atomic_init(&global_setting_state(module)->limit, 100);
    return 0;
}

static PyMethodDef global_setting_methods[] = {
    {"set_limit", global_setting_set, METH_O, "set_limit(n)"},
    {"limit", global_setting_get, METH_NOARGS, "the limit"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot global_setting_slots[] = {
    {Py_mod_exec, (void *)global_setting_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef global_setting_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "global_setting_good",
    .m_size = sizeof(module_state),
    .m_methods = global_setting_methods,
    .m_slots = global_setting_slots,
};

PyMODINIT_FUNC
PyInit_global_setting_good(void)
{
    return PyModuleDef_Init(&global_setting_def);
}
