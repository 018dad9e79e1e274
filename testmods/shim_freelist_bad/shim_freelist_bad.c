/*
 * testmod: shim_freelist_bad
 * purpose: dead objects are kept in a static list and used again
 * hazard: OBJ12
 * python: 3.10
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil: an object that died in one interpreter comes to life in another
 * free-threaded: races
 * notes: its memory belongs to the first interpreter's allocator and goes away with it
 */
#include <Python.h>

typedef struct node_object {
    PyObject_HEAD
    struct node_object *next;
} node_object;

static node_object *spare; /* expect: OBJ12 */

static int
node_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static PyObject *
node_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    node_object *node = spare;
    if (node == NULL) {
        return type->tp_alloc(type, 0);
    }
    spare = node->next;
    node->next = NULL;
    PyObject_Init((PyObject *)node, type);
    PyObject_GC_Track((PyObject *)node);
    return (PyObject *)node;
}

static void
node_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    ((node_object *)self)->next = spare;
    spare = (node_object *)self;
    Py_DECREF(type);
}

static PyType_Slot node_slots[] = {
    {Py_tp_new, (void *)node_new},
    {Py_tp_traverse, (void *)node_traverse},
    {Py_tp_dealloc, (void *)node_dealloc},
    {0, NULL},
};

static PyType_Spec node_spec = {
    .name = "shim_freelist_bad.Node",
    .basicsize = sizeof(node_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = node_slots,
};

static int
shim_freelist_exec(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &node_spec, NULL);
    if (type == NULL) {
        return -1;
    }
    int failed = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return failed;
}

static PyModuleDef_Slot shim_freelist_slots[] = {
    {Py_mod_exec, (void *)shim_freelist_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* expect: INI13 */
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED}, /* expect: INI14 */
#endif
    {0, NULL},
};

static struct PyModuleDef shim_freelist_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_freelist_bad",
    .m_size = 0,
    .m_slots = shim_freelist_slots,
};

PyMODINIT_FUNC
PyInit_shim_freelist_bad(void)
{
    return PyModuleDef_Init(&shim_freelist_def);
}
