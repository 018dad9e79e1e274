/*
 * testmod: shim_new_bad
 * purpose: PyObject_New() still gets a template of the shim
 * hazard: TYP28
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: main, own-gil: make() returns an object that is no Point
 * free-threaded: ok
 * notes: the type of that object was never made ready: most uses of it crash
 * build: with the shim
 */
#include "extshim.h"

typedef struct {
    PyObject_HEAD
    long value;
} point_object;

static void
point_dealloc(PyObject *self)
{
    PyObject_Free(self);
}

static PyTypeObject point_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "shim_new_bad.Point",
    .tp_basicsize = sizeof(point_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_dealloc = point_dealloc,
    .tp_new = PyType_GenericNew,
};
EXTSHIM_STATIC_TYPE(point_type)

static PyObject *
shim_new_make(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    point_object *made = PyObject_New(point_object, &point_type); /* expect: TYP28 */
    if (made != NULL) {
        made->value = 0;
    }
    return (PyObject *)made;
}

static int
shim_new_exec(PyObject *module)
{
    if (ExtShim_Begin("shim_new_bad") < 0) {
        return -1;
    }
    return ExtShim_ADD_TYPE(module, point_type);
}

static PyMethodDef shim_new_methods[] = {
    {"make", shim_new_make, METH_NOARGS, "a new Point"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot shim_new_slots[] = {
    {Py_mod_exec, (void *)shim_new_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* expect: INI13 */
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED}, /* expect: INI14 */
#endif
    {0, NULL},
};

static struct PyModuleDef shim_new_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_new_bad",
    .m_size = 0,
    .m_methods = shim_new_methods,
    .m_slots = shim_new_slots,
};

PyMODINIT_FUNC
PyInit_shim_new_bad(void)
{
    return PyModuleDef_Init(&shim_new_def);
}
