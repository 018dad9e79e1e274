/*
 * testmod: shim_type_bad
 * purpose: a static type that Python code may subclass
 * hazard: TYP02
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil: the type is one object for all, and a subclass made in one
 *     interpreter is in the other's list
 * free-threaded: ok
 * notes: the good half declares it a template of the shim and adds ExtShim_TYPE()
 */
#include <Python.h>

typedef struct {
    PyObject_HEAD
    long value;
} point_object;

static PyTypeObject point_type = { /* expect: TYP02 */
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "shim_type_bad.Point",
    .tp_basicsize = sizeof(point_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
};

static int
shim_type_exec(PyObject *module)
{
    return PyModule_AddType(module, &point_type);
}

static PyModuleDef_Slot shim_type_slots[] = {
    {Py_mod_exec, (void *)shim_type_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* expect: INI13 */
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_type_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_type_bad",
    .m_size = 0,
    .m_slots = shim_type_slots,
};

PyMODINIT_FUNC
PyInit_shim_type_bad(void)
{
    return PyModuleDef_Init(&shim_type_def);
}
