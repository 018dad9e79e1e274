/*
 * testmod: shim_ready_bad
 * purpose: PyType_Ready() is still called on a template of the shim
 * hazard: TYP28
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil: the type is one object for all interpreters
 * free-threaded: ok
 * notes: the static type is back in use as if there were no shim
 * build: with the shim
 */
#include "extshim.h"

typedef struct {
    PyObject_HEAD
    long value;
} point_object;

static PyTypeObject point_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "shim_ready_bad.Point",
    .tp_basicsize = sizeof(point_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
};
EXTSHIM_STATIC_TYPE(point_type)

static int
shim_ready_exec(PyObject *module)
{
    if (ExtShim_Begin("shim_ready_bad") < 0 ||
        PyType_Ready(&point_type) < 0) { /* expect: TYP28 */
        return -1;
    }
    Py_INCREF((PyObject *)&point_type); /* expect: TYP28 */
    /* expect: TYP28 */
    return PyModule_AddObject(module, "Point", (PyObject *)&point_type);
}

static PyModuleDef_Slot shim_ready_slots[] = {
    {Py_mod_exec, (void *)shim_ready_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* expect: INI13 */
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED}, /* expect: INI14 */
#endif
    {0, NULL},
};

static struct PyModuleDef shim_ready_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_ready_bad",
    .m_size = 0,
    .m_slots = shim_ready_slots,
};

PyMODINIT_FUNC
PyInit_shim_ready_bad(void)
{
    return PyModuleDef_Init(&shim_ready_def);
}
