/*
 * testmod: shim_compare_bad
 * purpose: a type comparison still names the template of the shim
 * hazard: TYP28
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: main, own-gil: is_point(Point()) is False
 * free-threaded: ok
 * notes: no object has the template as its type, so the comparison is never true
 * build: with the shim
 */
#include "extshim.h"

typedef struct {
    PyObject_HEAD
    long value;
} point_object;

static PyTypeObject point_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "shim_compare_bad.Point",
    .tp_basicsize = sizeof(point_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
};
EXTSHIM_STATIC_TYPE(point_type)

static PyObject *
shim_compare_is_point(PyObject *Py_UNUSED(module), PyObject *arg)
{
    return PyBool_FromLong(Py_TYPE(arg) == &point_type); /* expect: TYP28 */
}

static int
shim_compare_exec(PyObject *module)
{
    if (ExtShim_Begin("shim_compare_bad") < 0) {
        return -1;
    }
    return ExtShim_ADD_TYPE(module, point_type);
}

static PyMethodDef shim_compare_methods[] = {
    {"is_point", shim_compare_is_point, METH_O, "is_point(object): is it a Point?"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot shim_compare_slots[] = {
    {Py_mod_exec, (void *)shim_compare_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* expect: INI13 */
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED}, /* expect: INI14 */
#endif
    {0, NULL},
};

static struct PyModuleDef shim_compare_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_compare_bad",
    .m_size = 0,
    .m_methods = shim_compare_methods,
    .m_slots = shim_compare_slots,
};

PyMODINIT_FUNC
PyInit_shim_compare_bad(void)
{
    return PyModuleDef_Init(&shim_compare_def);
}
