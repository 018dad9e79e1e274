/*
 * testmod: shim_setting_good
 * purpose: the setting is kept in per-interpreter state of the shim, under its mutex
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil: each interpreter has its own limit
 * free-threaded: ok
 * notes: without the GIL the threads of one interpreter still share it: hence the mutex
 * build: with the shim
 */
#include "extshim.h"

typedef struct {
    ExtShim_Mutex lock;
    long limit;
} settings;

EXTSHIM_STATE(state, settings, NULL)

static PyObject *
shim_setting_set(PyObject *Py_UNUSED(module), PyObject *arg)
{
    long wanted = PyLong_AsLong(arg);
    if (wanted == -1 && PyErr_Occurred()) {
        return NULL;
    }
    settings *own = ExtShim_STATE(state, settings);
    ExtShim_Mutex_Lock(&own->lock);
    own->limit = wanted;
    ExtShim_Mutex_Unlock(&own->lock);
    Py_RETURN_NONE;
}

static PyObject *
shim_setting_get(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    settings *own = ExtShim_STATE(state, settings);
    ExtShim_Mutex_Lock(&own->lock);
    long limit = own->limit;
    ExtShim_Mutex_Unlock(&own->lock);
    return PyLong_FromLong(limit);
}

static int
shim_setting_exec(PyObject *Py_UNUSED(module))
{
    if (ExtShim_Begin("shim_setting_good") < 0) {
        return -1;
    }
    settings *own = ExtShim_STATE(state, settings);
    if (own == NULL) {
        return -1;
    }
    own->limit = 100;
    return 0;
}

static PyMethodDef shim_setting_methods[] = {
    {"set_limit", shim_setting_set, METH_O, "set_limit(n)"},
    {"limit", shim_setting_get, METH_NOARGS, "the limit"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot shim_setting_slots[] = {
    {Py_mod_exec, (void *)shim_setting_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_setting_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_setting_good",
    .m_size = 0,
    .m_methods = shim_setting_methods,
    .m_slots = shim_setting_slots,
};

PyMODINIT_FUNC
PyInit_shim_setting_good(void)
{
    return PyModuleDef_Init(&shim_setting_def);
}
