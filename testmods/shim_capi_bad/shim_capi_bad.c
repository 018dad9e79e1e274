/*
 * testmod: shim_capi_bad
 * purpose: the table behind a C API capsule is static and holds an object
 * hazard: CAP02
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil: clients in two interpreters use the same object
 * free-threaded: ok
 * notes: the capsule itself belongs to each interpreter; what it points to does not
 */
#include <Python.h>

struct shim_capi_api {
    PyObject *registry; /* what clients put their names into */
};

static struct shim_capi_api api_table; /* expect: CAP02 */

/* What a client module does; a real one has a header with this struct. */
static PyObject *
shim_capi_registry(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    struct shim_capi_api *api = (struct shim_capi_api *)PyCapsule_Import("shim_capi_bad.C_API", 0);
    return api == NULL ? NULL : PyLong_FromVoidPtr(api->registry);
}

static int
shim_capi_exec(PyObject *module)
{
    if (api_table.registry == NULL) {
        api_table.registry = PyDict_New();
        if (api_table.registry == NULL) {
            return -1;
        }
    }
    PyObject *capsule = PyCapsule_New(&api_table, "shim_capi_bad.C_API", NULL);
    if (capsule == NULL) {
        return -1;
    }
    if (PyModule_AddObject(module, "C_API", capsule) < 0) {
        Py_DECREF(capsule);
        return -1;
    }
    return 0;
}

static PyMethodDef shim_capi_methods[] = {
    {"registry", shim_capi_registry, METH_NOARGS, "address of the registry that clients use"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot shim_capi_slots[] = {
    {Py_mod_exec, (void *)shim_capi_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* expect: INI13 */
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_capi_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_capi_bad",
    .m_size = 0,
    .m_methods = shim_capi_methods,
    .m_slots = shim_capi_slots,
};

PyMODINIT_FUNC
PyInit_shim_capi_bad(void)
{
    return PyModuleDef_Init(&shim_capi_def);
}
