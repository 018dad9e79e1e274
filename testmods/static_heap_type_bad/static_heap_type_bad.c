/*
 * testmod: static_heap_type_bad
 * purpose: a heap type is kept in a static pointer that every import overwrites
 * hazard: GLB04
 * python: 3.10
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil, reload: make() in the first instance gives an object of the type
 *     that belongs to the second
 * free-threaded: ok
 * notes: a heap type alone isolates nothing; where the pointer to it lives matters as much
 */
#include <Python.h>

static PyTypeObject *thing_type; /* expect: GLB04 */

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
    .name = "static_heap_type_bad.Thing",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = thing_slots,
};

static PyObject *
static_heap_type_make(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyObject_CallNoArgs((PyObject *)thing_type);
}

static int
static_heap_type_exec(PyObject *module)
{
    thing_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &thing_spec, NULL);
    if (thing_type == NULL) {
        return -1;
    }
    return PyModule_AddType(module, thing_type);
}

static PyMethodDef static_heap_type_methods[] = {
    {"make", static_heap_type_make, METH_NOARGS, "a new Thing"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot static_heap_type_slots[] = {
    {Py_mod_exec, (void *)static_heap_type_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* expect: INI13 */
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef static_heap_type_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "static_heap_type_bad",
    .m_size = 0,
    .m_methods = static_heap_type_methods,
    .m_slots = static_heap_type_slots,
};

PyMODINIT_FUNC
PyInit_static_heap_type_bad(void)
{
    return PyModuleDef_Init(&static_heap_type_def);
}
