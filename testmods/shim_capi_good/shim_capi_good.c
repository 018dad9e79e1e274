/*
 * testmod: shim_capi_good
 * purpose: each interpreter exports its own copy of the table
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil: clients use the object of their interpreter
 * free-threaded: ok
 * notes: clients can keep the pointer in an EXTSHIM_CAPI_IMPORT
 * build: with the shim
 */
#include "extshim.h"

struct shim_capi_api {
    PyObject *registry; /* what clients put their names into */
};

static void
shim_capi_clear(void *table)
{
    Py_CLEAR(((struct shim_capi_api *)table)->registry);
}

EXTSHIM_STATE(api_table, struct shim_capi_api, shim_capi_clear)

/* What a client module does; a real one has a header with this struct. */
static PyObject *
shim_capi_registry(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    struct shim_capi_api *api = (struct shim_capi_api *)PyCapsule_Import("shim_capi_good.C_API", 0);
    return api == NULL ? NULL : PyLong_FromVoidPtr(api->registry);
}

static int
shim_capi_exec(PyObject *module)
{
    if (ExtShim_Begin("shim_capi_good") < 0) {
        return -1;
    }
    struct shim_capi_api *api = ExtShim_STATE(api_table, struct shim_capi_api);
    if (api == NULL) {
        return -1;
    }
    if (api->registry == NULL) {
        api->registry = PyDict_New();
        if (api->registry == NULL) {
            return -1;
        }
    }
    return ExtShim_CAPI_Export(module, "C_API", &api_table);
}

static PyMethodDef shim_capi_methods[] = {
    {"registry", shim_capi_registry, METH_NOARGS, "address of the registry that clients use"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot shim_capi_slots[] = {
    {Py_mod_exec, (void *)shim_capi_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_capi_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_capi_good",
    .m_size = 0,
    .m_methods = shim_capi_methods,
    .m_slots = shim_capi_slots,
};

PyMODINIT_FUNC
PyInit_shim_capi_good(void)
{
    return PyModuleDef_Init(&shim_capi_def);
}
