/*
 * testmod: static_heap_type_good
 * purpose: a heap type is kept in module state
 * hazard: none
 * python: 3.10
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil, reload: each instance makes objects of its own type
 * free-threaded: ok
 * notes: the type takes part in garbage collection because it refers to its module
 */
#include <Python.h>

typedef struct {
    PyTypeObject *thing_type;
} module_state;

static module_state *
static_heap_type_state(PyObject *module)
{
    return (module_state *)PyModule_GetState(module);
}

static int
thing_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static void
thing_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot thing_slots[] = {
    {Py_tp_doc, (void *)"A thing."},
    {Py_tp_traverse, (void *)thing_traverse},
    {Py_tp_dealloc, (void *)thing_dealloc},
    {0, NULL},
};

static PyType_Spec thing_spec = {
    .name = "static_heap_type_good.Thing",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = thing_slots,
};

static PyObject *
static_heap_type_make(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    return PyObject_CallNoArgs((PyObject *)static_heap_type_state(module)->thing_type);
}

static int
static_heap_type_exec(PyObject *module)
{
    module_state *state = static_heap_type_state(module);
    state->thing_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &thing_spec, NULL);
    if (state->thing_type == NULL) {
        return -1;
    }
    return PyModule_AddType(module, state->thing_type);
}

static int
static_heap_type_traverse(PyObject *module, visitproc visit, void *arg)
{
    Py_VISIT(static_heap_type_state(module)->thing_type);
    return 0;
}

static int
static_heap_type_clear(PyObject *module)
{
    Py_CLEAR(static_heap_type_state(module)->thing_type);
    return 0;
}

static void
static_heap_type_free(void *module)
{
    (void)static_heap_type_clear((PyObject *)module);
}

static PyMethodDef static_heap_type_methods[] = {
    {"make", static_heap_type_make, METH_NOARGS, "a new Thing"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot static_heap_type_slots[] = {
    {Py_mod_exec, (void *)static_heap_type_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef static_heap_type_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "static_heap_type_good",
    .m_size = sizeof(module_state),
    .m_methods = static_heap_type_methods,
    .m_slots = static_heap_type_slots,
    .m_traverse = static_heap_type_traverse,
    .m_clear = static_heap_type_clear,
    .m_free = static_heap_type_free,
};

PyMODINIT_FUNC
PyInit_static_heap_type_good(void)
{
    return PyModuleDef_Init(&static_heap_type_def);
}
