/*
 * testmod: shim_cache_bad
 * purpose: a dict cached in a static pointer, made by the first import and filled at run time
 * hazard: GLB07
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil: two interpreters use the same dict
 * free-threaded: ok
 * notes: in one interpreter nothing is wrong with it
 */
#include <Python.h>

static PyObject *cache; /* expect: GLB07 */

static PyObject *
shim_cache_put(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *key, *value;
    if (!PyArg_ParseTuple(args, "OO:put", &key, &value)) {
        return NULL;
    }
    if (PyDict_SetItem(cache, key, value) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
shim_cache_size(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromSsize_t(PyDict_Size(cache));
}

static PyObject *
shim_cache_address(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromVoidPtr(cache);
}

static int
shim_cache_exec(PyObject *Py_UNUSED(module))
{
    if (cache == NULL) {
        cache = PyDict_New();
    }
    return cache == NULL ? -1 : 0;
}

static PyMethodDef shim_cache_methods[] = {
    {"put", shim_cache_put, METH_VARARGS, "put(key, value): remember value"},
    {"size", shim_cache_size, METH_NOARGS, "number of remembered values"},
    {"address", shim_cache_address, METH_NOARGS, "address of the dict"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot shim_cache_slots[] = {
    {Py_mod_exec, (void *)shim_cache_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* expect: INI13 */
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_cache_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_cache_bad",
    .m_size = 0,
    .m_methods = shim_cache_methods,
    .m_slots = shim_cache_slots,
};

PyMODINIT_FUNC
PyInit_shim_cache_bad(void)
{
    return PyModuleDef_Init(&shim_cache_def);
}
