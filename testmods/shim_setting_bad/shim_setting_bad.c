/*
 * testmod: shim_setting_bad
 * purpose: a setting that Python code changes is kept in a static variable
 * hazard: GLB09
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil: one interpreter sets the limit of the other
 * free-threaded: races
 * notes: two plugins in one server then change each other's behaviour
 */
#include <Python.h>

static long limit = 100; /* expect: GLB09 */

static PyObject *
shim_setting_set(PyObject *Py_UNUSED(module), PyObject *arg)
{
    long wanted = PyLong_AsLong(arg);
    if (wanted == -1 && PyErr_Occurred()) {
        return NULL;
    }
    limit = wanted;
    Py_RETURN_NONE;
}

static PyObject *
shim_setting_get(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(limit);
}

static PyMethodDef shim_setting_methods[] = {
    {"set_limit", shim_setting_set, METH_O, "set_limit(n)"},
    {"limit", shim_setting_get, METH_NOARGS, "the limit"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot shim_setting_slots[] = {
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
    .m_name = "shim_setting_bad",
    .m_size = 0,
    .m_methods = shim_setting_methods,
    .m_slots = shim_setting_slots,
};

PyMODINIT_FUNC
PyInit_shim_setting_bad(void)
{
    return PyModuleDef_Init(&shim_setting_def);
}
