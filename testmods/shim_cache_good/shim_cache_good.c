/*
 * testmod: shim_cache_good
 * purpose: the dict is kept in an object handle of the shim
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil: each interpreter has its own dict
 * free-threaded: ok
 * notes: two module objects of one interpreter share the dict, as they did before
 * build: with the shim
 */
#include "extshim.h"

EXTSHIM_OBJECT(cache)

static PyObject *
shim_cache_put(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *key, *value;
    if (!PyArg_ParseTuple(args, "OO:put", &key, &value)) {
        return NULL;
    }
    if (PyDict_SetItem(ExtShim_GET(cache), key, value) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
shim_cache_size(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromSsize_t(PyDict_Size(ExtShim_GET(cache)));
}

static PyObject *
shim_cache_address(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromVoidPtr(ExtShim_GET(cache));
}

static int
shim_cache_exec(PyObject *Py_UNUSED(module))
{
    if (ExtShim_Begin("shim_cache_good") < 0) {
        return -1;
    }
    return ExtShim_GET(cache) != NULL ? 0 : ExtShim_SET_NEW(cache, PyDict_New());
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
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_cache_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_cache_good",
    .m_size = 0,
    .m_methods = shim_cache_methods,
    .m_slots = shim_cache_slots,
};

PyMODINIT_FUNC
PyInit_shim_cache_good(void)
{
    return PyModuleDef_Init(&shim_cache_def);
}
