/*
 * testmod: shim_freelist_good
 * purpose: dead objects are kept in a freelist of the shim, one for each interpreter
 * hazard: none
 * python: 3.10
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil: an object comes to life in the interpreter in which it died, if at all
 * free-threaded: ok
 * notes: free-threaded builds keep no list: their allocator is one for each thread
 * build: with the shim
 */
#include "extshim.h"

typedef struct node_object {
    PyObject_HEAD
    struct node_object *next;
} node_object;

EXTSHIM_FREELIST(spare, 80, PyObject_GC_Del)

static int
node_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static PyObject *
node_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    PyObject *node = ExtShim_FreelistPop(&spare, type);
    if (node == NULL) {
        return type->tp_alloc(type, 0);
    }
    ((node_object *)node)->next = NULL;
    PyObject_GC_Track(node);
    return node;
}

static void
node_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (!ExtShim_FreelistPush(&spare, self)) {
        type->tp_free(self);
    }
    Py_DECREF(type);
}

static PyType_Slot node_slots[] = {
    {Py_tp_new, (void *)node_new},
    {Py_tp_traverse, (void *)node_traverse},
    {Py_tp_dealloc, (void *)node_dealloc},
    {0, NULL},
};

static PyType_Spec node_spec = {
    .name = "shim_freelist_good.Node",
    .basicsize = sizeof(node_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = node_slots,
};

static int
shim_freelist_exec(PyObject *module)
{
    if (ExtShim_Begin("shim_freelist_good") < 0) {
        return -1;
    }
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
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_freelist_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_freelist_good",
    .m_size = 0,
    .m_slots = shim_freelist_slots,
};

PyMODINIT_FUNC
PyInit_shim_freelist_good(void)
{
    return PyModuleDef_Init(&shim_freelist_def);
}
