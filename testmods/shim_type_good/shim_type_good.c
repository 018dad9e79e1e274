/*
 * testmod: shim_type_good
 * purpose: the same static type as a template: each interpreter has its own type
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil: each interpreter has its own type with its own subclasses
 * free-threaded: ok
 * notes: the type itself is written as it was
 * build: with the shim
 */
#include "extshim.h"

typedef struct {
    PyObject_HEAD
    long value;
} point_object;

static PyTypeObject point_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "shim_type_good.Point",
    .tp_basicsize = sizeof(point_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
};
EXTSHIM_STATIC_TYPE(point_type)

static int
shim_type_exec(PyObject *module)
{
    if (ExtShim_Begin("shim_type_good") < 0) {
        return -1;
    }
    return ExtShim_ADD_TYPE(module, point_type);
}

static PyModuleDef_Slot shim_type_slots[] = {
    {Py_mod_exec, (void *)shim_type_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_type_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_type_good",
    .m_size = 0,
    .m_slots = shim_type_slots,
};

PyMODINIT_FUNC
PyInit_shim_type_good(void)
{
    return PyModuleDef_Init(&shim_type_def);
}
