/*
 * testmod: object_counter_bad
 * purpose: a method counts in a field of its object without a lock
 * hazard: OBJ02
 * python: 3.10
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: free-threaded: threads that share an object lose counts
 * free-threaded: fails "counts were lost"
 * notes: no interpreter shares the object with another one, so only the GIL's absence breaks it
 */
#include <Python.h>

typedef struct {
    PyObject_HEAD
    long long hits;
} counter_object;

static int
counter_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static void
counter_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    type->tp_free(self);
    Py_DECREF(type);
}

/* Counts every byte of its argument, one at a time. */
static PyObject *
counter_hit(PyObject *self, PyObject *arg)
{
    counter_object *counter = (counter_object *)self;
    Py_ssize_t size = PyObject_Size(arg);
    if (size < 0) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        counter->hits++; /* expect: OBJ02 */
    }
    Py_RETURN_NONE;
}

static PyObject *
counter_hits(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLongLong(((counter_object *)self)->hits);
}

static PyMethodDef counter_methods[] = {
    {"hit", counter_hit, METH_O, "hit(bytes): count them"},
    {"hits", counter_hits, METH_NOARGS, "the count"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot counter_slots[] = {
    {Py_tp_new, (void *)PyType_GenericNew},
    {Py_tp_traverse, (void *)counter_traverse},
    {Py_tp_dealloc, (void *)counter_dealloc},
    {Py_tp_methods, counter_methods},
    {0, NULL},
};

static PyType_Spec counter_spec = {
    .name = "object_counter_bad.Counter",
    .basicsize = sizeof(counter_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = counter_slots,
};

static int
object_counter_exec(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &counter_spec, NULL);
    if (type == NULL) {
        return -1;
    }
    int failed = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return failed;
}

static PyModuleDef_Slot object_counter_slots[] = {
    {Py_mod_exec, (void *)object_counter_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef object_counter_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "object_counter_bad",
    .m_size = 0,
    .m_slots = object_counter_slots,
};

PyMODINIT_FUNC
PyInit_object_counter_bad(void)
{
    return PyModuleDef_Init(&object_counter_def);
}
