/*
 * testmod: static_type_bad
 * purpose: a static type that Python code may subclass
 * hazard: TYP02
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil, reload: the type is one object for all, and a subclass made in
 *     one instance is in the other's list
 * free-threaded: ok
 * notes: two own-GIL interpreters that subclass it at the same time end in a double free
 */
#include <Python.h>

typedef struct {
    PyObject_HEAD
    long value;
} point_object;

static PyTypeObject point_type = { /* expect: TYP02 */
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "static_type_bad.Point",
    .tp_basicsize = sizeof(point_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
};

static PyObject *
static_type_address(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromVoidPtr(&point_type);
}

static int
static_type_exec(PyObject *module)
{
    return PyModule_AddType(module, &point_type);
}

static PyMethodDef static_type_methods[] = {
    {"address", static_type_address, METH_NOARGS, "address of the type Point"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot static_type_slots[] = {
    {Py_mod_exec, (void *)static_type_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* expect: INI13 */
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef static_type_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "static_type_bad",
    .m_size = 0,
    .m_methods = static_type_methods,
    .m_slots = static_type_slots,
};

PyMODINIT_FUNC
PyInit_static_type_bad(void)
{
    return PyModuleDef_Init(&static_type_def);
}
