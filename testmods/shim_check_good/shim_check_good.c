/*
 * testmod: shim_check_good
 * purpose: the macro names the type of this interpreter
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: main, own-gil: is_point(Point()) is True
 * free-threaded: ok
 * notes: the template stands in the macro, the finding where it is used
 * build: with the shim
 */
#include "extshim.h"

typedef struct {
    PyObject_HEAD
    long value;
} point_object;

static PyTypeObject point_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "shim_check_good.Point",
    .tp_basicsize = sizeof(point_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
};
EXTSHIM_STATIC_TYPE(point_type)

#define POINT_CHECK(object) PyObject_TypeCheck((object), ExtShim_TYPE(point_type))

static PyObject *
shim_check_is_point(PyObject *Py_UNUSED(module), PyObject *arg)
{
    return PyBool_FromLong(POINT_CHECK(arg));
}

static int
shim_check_exec(PyObject *module)
{
    if (ExtShim_Begin("shim_check_good") < 0) {
        return -1;
    }
    return ExtShim_ADD_TYPE(module, point_type);
}

static PyMethodDef shim_check_methods[] = {
    {"is_point", shim_check_is_point, METH_O, "is_point(object): is it a Point?"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot shim_check_slots[] = {
    {Py_mod_exec, (void *)shim_check_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_check_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_check_good",
    .m_size = 0,
    .m_methods = shim_check_methods,
    .m_slots = shim_check_slots,
};

PyMODINIT_FUNC
PyInit_shim_check_good(void)
{
    return PyModuleDef_Init(&shim_check_def);
}
