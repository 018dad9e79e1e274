/*
 * testmod: static_type_good
 * purpose: a heap type that Python code may subclass, one for each module object
 * hazard: none
 * python: 3.10
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil, reload: each instance has its own type with its own subclasses
 * free-threaded: ok
 * notes: Py_TPFLAGS_IMMUTABLETYPE keeps what a static type gave: nobody sets attributes on it
 */
#include <Python.h>

typedef struct {
    PyObject_HEAD
    long value;
} point_object;

typedef struct {
    PyTypeObject *point_type;
} module_state;

static module_state *
static_type_state(PyObject *module)
{
    return (module_state *)PyModule_GetState(module);
}

static int
point_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static void
point_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot point_slots[] = {
    {Py_tp_new, (void *)PyType_GenericNew},
    {Py_tp_traverse, (void *)point_traverse},
    {Py_tp_dealloc, (void *)point_dealloc},
    {0, NULL},
};

static PyType_Spec point_spec = {
    .name = "static_type_good.Point",
    .basicsize = sizeof(point_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE
             | Py_TPFLAGS_HAVE_GC,
    .slots = point_slots,
};

static PyObject *
static_type_address(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromVoidPtr(static_type_state(module)->point_type);
}

static int
static_type_exec(PyObject *module)
{
    module_state *state = static_type_state(module);
    state->point_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &point_spec, NULL);
    if (state->point_type == NULL) {
        return -1;
    }
    return PyModule_AddType(module, state->point_type);
}

static int
static_type_traverse(PyObject *module, visitproc visit, void *arg)
{
    Py_VISIT(static_type_state(module)->point_type);
    return 0;
}

static int
static_type_clear(PyObject *module)
{
    Py_CLEAR(static_type_state(module)->point_type);
    return 0;
}

static void
static_type_free(void *module)
{
    (void)static_type_clear((PyObject *)module);
}

static PyMethodDef static_type_methods[] = {
    {"address", static_type_address, METH_NOARGS, "address of the type Point"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot static_type_slots[] = {
    {Py_mod_exec, (void *)static_type_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef static_type_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "static_type_good",
    .m_size = sizeof(module_state),
    .m_methods = static_type_methods,
    .m_slots = static_type_slots,
    .m_traverse = static_type_traverse,
    .m_clear = static_type_clear,
    .m_free = static_type_free,
};

PyMODINIT_FUNC
PyInit_static_type_good(void)
{
    return PyModuleDef_Init(&static_type_def);
}
