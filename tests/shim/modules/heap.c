/* heap.c - what kinds.c offers, as a careful author writes it by hand for multi-phase import, with
 * specs, heap types and module state and without the shim: the growth test's second control. */
#include <Python.h>

#include <stddef.h>
#include <structmember.h>

enum { NUM, WIDE, BAG, BAGITER, BLOB, CALLER, CLOSED, TYPES };

struct heap_state {
    PyObject *types[TYPES];
    PyObject *error;
};

typedef struct {
    PyObject_HEAD
    long value;
} Num;

typedef struct {
    PyObject_HEAD
    PyObject *items;
    PyObject *dict;
    PyObject *weak;
} Bag;

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
} Caller;

static struct PyModuleDef heap_def;

static struct heap_state *
heap_state_of(PyTypeObject *type)
{
    PyObject *module = PyType_GetModuleByDef(type, &heap_def);
    return module == NULL ? NULL : (struct heap_state *)PyModule_GetState(module);
}

/* ---- Num and Wide ---- */

static PyObject *
num_make(PyTypeObject *type, long value)
{
    Num *num = (Num *)type->tp_alloc(type, 0);
    if (num != NULL) {
        num->value = value;
    }
    return (PyObject *)num;
}

static PyObject *
num_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)kwargs;
    long value = 0;
    return PyArg_ParseTuple(args, "|l", &value) ? num_make(type, value) : NULL;
}

/* Ends every instance here, after what its own type did before. */
static void
heap_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
num_add(PyObject *left, PyObject *right)
{
    struct heap_state *state = heap_state_of(Py_TYPE(left));
    if (state == NULL) {
        return NULL;
    }
    return num_make((PyTypeObject *)state->types[NUM],
                    ((Num *)left)->value + ((Num *)right)->value);
}

static PyObject *
num_compare(PyObject *left, PyObject *right, int op)
{
    Py_RETURN_RICHCOMPARE(((Num *)left)->value, ((Num *)right)->value, op);
}

static PyObject *
num_repr(PyObject *self)
{
    return PyUnicode_FromFormat("Num(%ld)", ((Num *)self)->value);
}

static Py_hash_t
num_hash(PyObject *self)
{
    long value = ((Num *)self)->value;
    return value == -1 ? -2 : value;
}

static PyObject *
num_double(PyObject *self, void *closure)
{
    (void)closure;
    return PyLong_FromLong(2 * ((Num *)self)->value);
}

static PyObject *
heap_none(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    Py_RETURN_NONE;
}

static PyMethodDef num_methods[] = {
    {"exact", heap_none, METH_NOARGS, "is it no subclass?"},
    {"fail", heap_none, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef num_getset[] = {
    {"double", num_double, NULL, "twice", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyMemberDef num_members[] = {
    {"value", T_LONG, offsetof(Num, value), READONLY, "the value"},
    {NULL, 0, 0, 0, NULL},
};
static PyType_Slot num_slots[] = {
    {Py_tp_doc, (void *)(uintptr_t) "A number"},
    {Py_tp_new, (void *)num_new},
    {Py_tp_dealloc, (void *)heap_dealloc},
    {Py_tp_repr, (void *)num_repr},
    {Py_tp_hash, (void *)num_hash},
    {Py_tp_richcompare, (void *)num_compare},
    {Py_nb_add, (void *)num_add},
    {Py_tp_methods, num_methods},
    {Py_tp_getset, num_getset},
    {Py_tp_members, num_members},
    {0, NULL},
};
static PyType_Slot wide_slots[] = {{Py_tp_repr, (void *)num_repr}, {0, NULL}};

/* ---- Bag and its iterator ---- */

static int
bag_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    (void)kwargs;
    PyObject *from = NULL;
    if (!PyArg_ParseTuple(args, "|O", &from)) {
        return -1;
    }
    PyObject *items = from == NULL ? PyList_New(0) : PySequence_List(from);
    if (items == NULL) {
        return -1;
    }
    Py_XSETREF(((Bag *)self)->items, items);
    return 0;
}

static int
bag_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Bag *)self)->items);
    Py_VISIT(((Bag *)self)->dict);
    return 0;
}

static int
bag_clear(PyObject *self)
{
    Py_CLEAR(((Bag *)self)->items);
    Py_CLEAR(((Bag *)self)->dict);
    return 0;
}

static void
bag_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    if (((Bag *)self)->weak != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    (void)bag_clear(self);
    heap_dealloc(self);
}

static PyMethodDef bag_methods[] = {{"append", heap_none, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static PyGetSetDef bag_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyMemberDef bag_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(Bag, dict), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Bag, weak), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyType_Slot bag_slots[] = {
    {Py_tp_init, (void *)bag_init},
    {Py_tp_new, (void *)PyType_GenericNew},
    {Py_tp_dealloc, (void *)bag_dealloc},
    {Py_tp_clear, (void *)bag_clear},
    {Py_tp_traverse, (void *)bag_traverse},
    {Py_tp_methods, bag_methods},
    {Py_tp_getset, bag_getset},
    {Py_tp_members, bag_members},
    {0, NULL},
};
static PyType_Slot bagiter_slots[] = {
    {Py_tp_iter, (void *)PyObject_SelfIter},
    {Py_tp_dealloc, (void *)heap_dealloc},
    {0, NULL},
};

/* ---- Blob, Caller, Closed ---- */

static PyObject *
blob_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)kwargs;
    Py_ssize_t size;
    return PyArg_ParseTuple(args, "n", &size) ? type->tp_alloc(type, size) : NULL;
}

static PyType_Slot blob_slots[] = {
    {Py_tp_new, (void *)blob_new}, {Py_tp_dealloc, (void *)heap_dealloc}, {0, NULL}};

static PyMemberDef caller_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Caller, call), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyType_Slot caller_slots[] = {
    {Py_tp_new, (void *)PyType_GenericNew},
    {Py_tp_call, (void *)PyVectorcall_Call},
    {Py_tp_dealloc, (void *)heap_dealloc},
    {Py_tp_members, caller_members},
    {0, NULL},
};
static PyType_Slot closed_slots[] = {{Py_tp_dealloc, (void *)heap_dealloc}, {0, NULL}};

/* ---- the module ---- */

#define FLAGS (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE)

static PyType_Spec heap_specs[TYPES] = {
    {"heap.Num", sizeof(Num), 0, FLAGS | Py_TPFLAGS_BASETYPE, num_slots},
    {"heap.Wide", sizeof(Num) + sizeof(long), 0, FLAGS | Py_TPFLAGS_BASETYPE, wide_slots},
    {"heap.Bag", sizeof(Bag), 0, FLAGS | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, bag_slots},
    {"heap.bagiterator", sizeof(Num), 0, FLAGS | Py_TPFLAGS_DISALLOW_INSTANTIATION, bagiter_slots},
    {"heap.Blob", sizeof(PyVarObject), 1, FLAGS, blob_slots},
    {"heap.Caller", sizeof(Caller), 0, FLAGS | Py_TPFLAGS_HAVE_VECTORCALL, caller_slots},
    {"heap.Closed", sizeof(PyObject), 0, FLAGS | Py_TPFLAGS_DISALLOW_INSTANTIATION, closed_slots},
};

static PyObject *
heap_sorted(PyObject *module, PyObject *from)
{
    (void)module;
    PyObject *list = PySequence_List(from);
    if (list != NULL && PyList_Sort(list) < 0) {
        Py_CLEAR(list);
    }
    return list;
}

static PyMethodDef heap_methods[] = {
    {"sorted", heap_sorted, METH_O, NULL},
    {"is_num", heap_none, METH_O, NULL},
    {"counts", heap_none, METH_NOARGS, NULL},
    {"closed", heap_none, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static int
heap_exec(PyObject *module)
{
    struct heap_state *state = (struct heap_state *)PyModule_GetState(module);
    for (int i = 0; i < TYPES; i++) {
        PyObject *base = i == WIDE ? state->types[NUM] : NULL;
        state->types[i] = PyType_FromModuleAndSpec(module, &heap_specs[i], base);
        if (state->types[i] == NULL ||
            PyModule_AddType(module, (PyTypeObject *)state->types[i]) < 0) {
            return -1;
        }
    }
    state->error = PyErr_NewException("heap.Error", NULL, NULL);
    return state->error == NULL ? -1 : PyModule_AddObjectRef(module, "Error", state->error);
}

static int
heap_traverse(PyObject *module, visitproc visit, void *arg)
{
    struct heap_state *state = (struct heap_state *)PyModule_GetState(module);
    for (int i = 0; i < TYPES; i++) {
        Py_VISIT(state->types[i]);
    }
    Py_VISIT(state->error);
    return 0;
}

static int
heap_clear(PyObject *module)
{
    struct heap_state *state = (struct heap_state *)PyModule_GetState(module);
    for (int i = 0; i < TYPES; i++) {
        Py_CLEAR(state->types[i]);
    }
    Py_CLEAR(state->error);
    return 0;
}

static void
heap_free(void *module)
{
    (void)heap_clear((PyObject *)module);
}

static PyModuleDef_Slot heap_slots[] = {
    {Py_mod_exec, (void *)heap_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};
static struct PyModuleDef heap_def = {
    PyModuleDef_HEAD_INIT,
    "heap",
    "Seven kinds.",
    sizeof(struct heap_state),
    heap_methods,
    heap_slots,
    heap_traverse,
    heap_clear,
    heap_free,
};

PyMODINIT_FUNC PyInit_heap(void);
PyMODINIT_FUNC
PyInit_heap(void)
{
    return PyModuleDef_Init(&heap_def);
}
