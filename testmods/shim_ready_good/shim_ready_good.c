/*
 * testmod: shim_ready_good
 * purpose: ExtShim_READY() in place of PyType_Ready()
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil: each interpreter has its own type
 * free-threaded: ok
 * notes: adding the type would make it ready as well
 * build: with the shim
 */
#include "extshim.h"

typedef struct {
    PyObject_HEAD
    long value;
} point_object;

static PyTypeObject point_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "shim_ready_good.Point",
    .tp_basicsize = sizeof(point_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
};
EXTSHIM_STATIC_TYPE(point_type)

static int
shim_ready_exec(PyObject *module)
{
    if (ExtShim_Begin("shim_ready_good") < 0 || ExtShim_READY(point_type) < 0) {
        return -1;
    }
    return ExtShim_ADD_TYPE(module, point_type);
}

static PyModuleDef_Slot shim_ready_slots[] = {
    {Py_mod_exec, (void *)shim_ready_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_ready_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_ready_good",
    .m_size = 0,
    .m_slots = shim_ready_slots,
};

PyMODINIT_FUNC
PyInit_shim_ready_good(void)
{
    return PyModuleDef_Init(&shim_ready_def);
}
