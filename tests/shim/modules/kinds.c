/* kinds.c - one module with seven kinds of static types, as it was (KINDS_PLAIN) and ported. The
 * macros at the top are all the difference: what a port edits by hand is what they stand for. */
#ifdef KINDS_PLAIN
#include <Python.h>
#define STATIC_TYPE(T)
#define TYPE(T) (&T)
#define CHECK(object, T) PyObject_TypeCheck(object, &T)
#define READY(T) PyType_Ready(&T)
#define MODINIT(name) PyMODINIT_FUNC PyInit_##name(void)
#define MODULE_CREATE(def) PyModule_Create(def)
#define STATE(name, type, clear) static type name##_static;
#define GET_STATE(name, type) (&name##_static)
#define OBJECT(name) static PyObject *name;
#define GET(name) (name)
#define SORT qsort_r
#define SET_NEW(name, value) ((name = (value)) == NULL ? -1 : 0)
#else
#include "extshim.h"
#define STATIC_TYPE(T) EXTSHIM_STATIC_TYPE(T)
#define TYPE(T) ExtShim_TYPE(T)
#define CHECK(object, T) ExtShim_CHECK(object, T)
#define READY(T) ExtShim_READY(T)
#define MODINIT(name) EXTSHIM_MODINIT(name)
#define MODULE_CREATE(def) ExtShim_Module_Create(def)
#define STATE(name, type, clear) EXTSHIM_STATE(name, type, clear)
#define GET_STATE(name, type) ExtShim_STATE(name, type)
#define OBJECT(name) EXTSHIM_OBJECT(name)
#define GET(name) ExtShim_GET(name)
#define SORT ExtShim_Sort
#define SET_NEW(name, value) ExtShim_SET_NEW(name, value)
#endif

#include <stddef.h>
#include <stdlib.h>
#include <structmember.h>

struct counts {
    long deallocs;
    long compared;
};

STATE(counts, struct counts, NULL)
OBJECT(KindsError)

/* ---- Num: a number ---- */

typedef struct {
    PyObject_HEAD
    long value;
} Num;

static PyTypeObject Num_Type;
STATIC_TYPE(Num_Type)

static int
num_check(PyObject *object)
{
    return CHECK(object, Num_Type);
}

static PyObject *
num_make(long value)
{
    Num *num = PyObject_New(Num, TYPE(Num_Type));
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
    if (!PyArg_ParseTuple(args, "|l", &value)) {
        return NULL;
    }
    Num *num = (Num *)type->tp_alloc(type, 0);
    if (num != NULL) {
        num->value = value;
    }
    return (PyObject *)num;
}

static void
num_dealloc(PyObject *self)
{
    GET_STATE(counts, struct counts)->deallocs++;
    Py_TYPE(self)->tp_free(self);
}

static PyObject *
num_add(PyObject *left, PyObject *right)
{
    if (!num_check(left) || !num_check(right)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    return num_make(((Num *)left)->value + ((Num *)right)->value);
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
num_compare(PyObject *left, PyObject *right, int op)
{
    if (!num_check(left) || !num_check(right)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    Py_RETURN_RICHCOMPARE(((Num *)left)->value, ((Num *)right)->value, op);
}

static PyObject *
num_exact(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(Py_TYPE(self) == TYPE(Num_Type));
}

static PyObject *
num_fail(PyObject *self, PyObject *unused)
{
    (void)unused;
    PyErr_Format(GET(KindsError), "bad %R", self);
    return NULL;
}

static PyObject *
num_double(PyObject *self, void *closure)
{
    (void)closure;
    return PyLong_FromLong(2 * ((Num *)self)->value);
}

static PyMethodDef num_methods[] = {
    {"exact", num_exact, METH_NOARGS, "is it no subclass?"},
    {"fail", num_fail, METH_NOARGS, NULL},
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
static PyNumberMethods num_number = {.nb_add = num_add};
static PyTypeObject Num_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "kinds.Num",
    .tp_basicsize = sizeof(Num),
    .tp_dealloc = num_dealloc,
    .tp_repr = num_repr,
    .tp_as_number = &num_number,
    .tp_hash = num_hash,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = "A number",
    .tp_richcompare = num_compare,
    .tp_methods = num_methods,
    .tp_members = num_members,
    .tp_getset = num_getset,
    .tp_new = num_new,
};

/* ---- Wide: inherits from a static type, dealloc and constructor too ---- */

typedef struct {
    Num base;
    long more;
} Wide;

static PyTypeObject Wide_Type;
STATIC_TYPE(Wide_Type)

static PyObject *
wide_repr(PyObject *self)
{
    return PyUnicode_FromFormat("Wide(%ld)", ((Num *)self)->value);
}

static PyTypeObject Wide_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "kinds.Wide",
    .tp_basicsize = sizeof(Wide),
    .tp_repr = wide_repr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_base = &Num_Type,
};

/* ---- Bag: a collected container with a dict and weak references, and its iterator ---- */

typedef struct {
    PyObject_HEAD
    PyObject *items;
    PyObject *dict;
    PyObject *weak;
} Bag;

typedef struct {
    PyObject_HEAD
    PyObject *bag;
    Py_ssize_t index;
} BagIter;

static PyTypeObject BagIter_Type;
STATIC_TYPE(BagIter_Type)

static PyObject *
bag_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    Bag *bag = (Bag *)type->tp_alloc(type, 0);
    if (bag == NULL) {
        return NULL;
    }
    bag->items = PyList_New(0);
    if (bag->items == NULL) {
        Py_DECREF(bag);
        return NULL;
    }
    return (PyObject *)bag;
}

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
    PyObject *old = ((Bag *)self)->items;
    ((Bag *)self)->items = items;
    Py_XDECREF(old);
    return 0;
}

static int
bag_traverse(PyObject *self, visitproc visit, void *arg)
{
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
    Py_TYPE(self)->tp_free(self);
}

static Py_ssize_t
bag_length(PyObject *self)
{
    return PyList_GET_SIZE(((Bag *)self)->items);
}

static PyObject *
bag_item(PyObject *self, Py_ssize_t index)
{
    PyObject *items = ((Bag *)self)->items;
    if (index < 0 || index >= PyList_GET_SIZE(items)) {
        PyErr_SetString(PyExc_IndexError, "bag index out of range");
        return NULL;
    }
    PyObject *item = PyList_GET_ITEM(items, index);
    Py_INCREF(item);
    return item;
}

static PyObject *
bag_subscript(PyObject *self, PyObject *key)
{
    Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
    if (index == -1 && PyErr_Occurred()) {
        return NULL;
    }
    return bag_item(self, index < 0 ? index + bag_length(self) : index);
}

static PyObject *
bag_iter(PyObject *self)
{
    BagIter *iter = PyObject_GC_New(BagIter, TYPE(BagIter_Type));
    if (iter == NULL) {
        return NULL;
    }
    Py_INCREF(self);
    iter->bag = self;
    iter->index = 0;
    PyObject_GC_Track((PyObject *)iter);
    return (PyObject *)iter;
}

static PyObject *
bag_append(PyObject *self, PyObject *item)
{
    if (PyList_Append(((Bag *)self)->items, item) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef bag_methods[] = {
    {"append", bag_append, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef bag_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PySequenceMethods bag_sequence = {.sq_length = bag_length, .sq_item = bag_item};
static PyMappingMethods bag_mapping = {.mp_length = bag_length, .mp_subscript = bag_subscript};
static PyTypeObject Bag_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "kinds.Bag",
    .tp_basicsize = sizeof(Bag),
    .tp_dealloc = bag_dealloc,
    .tp_as_sequence = &bag_sequence,
    .tp_as_mapping = &bag_mapping,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = bag_traverse,
    .tp_clear = bag_clear,
    .tp_weaklistoffset = offsetof(Bag, weak),
    .tp_dictoffset = offsetof(Bag, dict),
    .tp_iter = bag_iter,
    .tp_methods = bag_methods,
    .tp_getset = bag_getset,
    .tp_init = bag_init,
    .tp_new = bag_new,
};
STATIC_TYPE(Bag_Type)

static int
bagiter_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((BagIter *)self)->bag);
    return 0;
}

static void
bagiter_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    Py_CLEAR(((BagIter *)self)->bag);
    PyObject_GC_Del(self);
}

static PyObject *
bagiter_next(PyObject *self)
{
    BagIter *iter = (BagIter *)self;
    PyObject *items = ((Bag *)iter->bag)->items;
    if (iter->index >= PyList_GET_SIZE(items)) {
        return NULL;
    }
    PyObject *item = PyList_GET_ITEM(items, iter->index);
    iter->index++;
    Py_INCREF(item);
    return item;
}

static PyTypeObject BagIter_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "kinds.bagiterator",
    .tp_basicsize = sizeof(BagIter),
    .tp_dealloc = bagiter_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = bagiter_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = bagiter_next,
};

/* ---- Blob: of variable size, with the buffer protocol ---- */

typedef struct {
    PyObject_VAR_HEAD
    unsigned char bytes[1];
} Blob;

static PyObject *
blob_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)kwargs;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "n", &size)) {
        return NULL;
    }
    return type->tp_alloc(type, size);
}

static int
blob_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    return PyBuffer_FillInfo(view, self, ((Blob *)self)->bytes, Py_SIZE(self), 0, flags);
}

static PyBufferProcs blob_buffer = {.bf_getbuffer = blob_getbuffer};
static PyTypeObject Blob_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "kinds.Blob",
    .tp_basicsize = offsetof(Blob, bytes),
    .tp_itemsize = 1,
    .tp_as_buffer = &blob_buffer,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = blob_new,
};
STATIC_TYPE(Blob_Type)

/* ---- Caller: vectorcall, of the instances and of the constructor ---- */

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    long base;
} Caller;

static PyTypeObject Caller_Type;
STATIC_TYPE(Caller_Type)

static PyObject *
caller_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *names)
{
    (void)args;
    (void)names;
    return PyLong_FromLong(((Caller *)self)->base + (long)PyVectorcall_NARGS(nargsf));
}

static PyObject *
caller_make(PyTypeObject *type, long base)
{
    Caller *caller = (Caller *)type->tp_alloc(type, 0);
    if (caller != NULL) {
        caller->call = caller_call;
        caller->base = base;
    }
    return (PyObject *)caller;
}

static PyObject *
caller_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    return caller_make(type, 100);
}

static PyObject *
caller_construct(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *names)
{
    (void)args;
    (void)nargsf;
    (void)names;
    return caller_make((PyTypeObject *)type, 200);
}

static PyTypeObject Caller_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "kinds.Caller",
    .tp_basicsize = sizeof(Caller),
    .tp_vectorcall_offset = offsetof(Caller, call),
    .tp_call = PyVectorcall_Call,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_new = caller_new,
    .tp_vectorcall = caller_construct,
};

/* ---- Closed: no instances from Python, name without a dot ---- */

typedef struct {
    PyObject_HEAD
} Closed;

static PyTypeObject Closed_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "Closed",
    .tp_basicsize = sizeof(Closed),
    .tp_flags = Py_TPFLAGS_DEFAULT,
};
STATIC_TYPE(Closed_Type)

/* ---- the module ---- */

static int
compare_callback(const void *left, const void *right)
{
    GET_STATE(counts, struct counts)->compared++;
    long a = (*(Num *const *)left)->value;
    long b = (*(Num *const *)right)->value;
    return a < b ? -1 : a > b;
}

/* The same with its state handed down. */
static int
compare_with(const void *left, const void *right, void *context)
{
    ((struct counts *)context)->compared++;
    long a = (*(Num *const *)left)->value;
    long b = (*(Num *const *)right)->value;
    return a < b ? -1 : a > b;
}

static PyObject *
kinds_list(PyObject *from)
{
    PyObject *list = PySequence_List(from);
    if (list == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        if (!num_check(PyList_GET_ITEM(list, i))) {
            Py_DECREF(list);
            PyErr_SetString(GET(KindsError), "only Num can be sorted");
            return NULL;
        }
    }
    return list;
}

static PyObject *
kinds_sorted(PyObject *module, PyObject *from)
{
    (void)module;
    PyObject *list = kinds_list(from);
    if (list != NULL) {
        qsort(((PyListObject *)list)->ob_item, (size_t)PyList_GET_SIZE(list), sizeof(PyObject *),
              compare_callback);
    }
    return list;
}

static PyObject *
kinds_sorted_with(PyObject *module, PyObject *from)
{
    (void)module;
    PyObject *list = kinds_list(from);
    if (list != NULL) {
        SORT(((PyListObject *)list)->ob_item, (size_t)PyList_GET_SIZE(list), sizeof(PyObject *),
             compare_with, GET_STATE(counts, struct counts));
    }
    return list;
}

static PyObject *
kinds_is_num(PyObject *module, PyObject *object)
{
    (void)module;
    return PyBool_FromLong(num_check(object));
}

static PyObject *
kinds_counts(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    struct counts *now = GET_STATE(counts, struct counts);
    return Py_BuildValue("(ll)", now->deallocs, now->compared);
}

static PyObject *
kinds_closed(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return (PyObject *)PyObject_New(Closed, TYPE(Closed_Type));
}

static PyMethodDef kinds_methods[] = {
    {"sorted", kinds_sorted, METH_O, NULL},
    {"sorted_with", kinds_sorted_with, METH_O, NULL},
    {"is_num", kinds_is_num, METH_O, NULL},
    {"counts", kinds_counts, METH_NOARGS, NULL},
    {"closed", kinds_closed, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef kinds_def = {
    PyModuleDef_HEAD_INIT, "kinds", "Seven kinds.", -1, kinds_methods, NULL, NULL, NULL, NULL,
};

static int
kinds_add(PyObject *module, const char *name, PyObject *object)
{
    if (object == NULL) {
        return -1;
    }
    Py_INCREF(object);
    if (PyModule_AddObject(module, name, object) < 0) {
        Py_DECREF(object);
        return -1;
    }
    return 0;
}

#define ADD(T, name) (READY(T) < 0 || kinds_add(module, name, (PyObject *)TYPE(T)) < 0)

static int
kinds_fill(PyObject *module)
{
    if (ADD(Num_Type, "Num") || ADD(Wide_Type, "Wide") || ADD(Bag_Type, "Bag") ||
        ADD(BagIter_Type, "bagiterator") || ADD(Blob_Type, "Blob") ||
        ADD(Caller_Type, "Caller") || ADD(Closed_Type, "Closed")) {
        return -1;
    }
    PyObject *answer = num_make(42); /* an instance of a type in the type's own dict */
    if (answer == NULL || PyDict_SetItemString(TYPE(Num_Type)->tp_dict, "ANSWER", answer) < 0) {
        Py_XDECREF(answer);
        return -1;
    }
    Py_DECREF(answer);
    PyType_Modified(TYPE(Num_Type));
    if (SET_NEW(KindsError, PyErr_NewException("kinds.Error", NULL, NULL)) < 0) {
        return -1;
    }
    return kinds_add(module, "Error", GET(KindsError));
}

MODINIT(kinds)
{
    PyObject *module = MODULE_CREATE(&kinds_def);
    if (module != NULL && kinds_fill(module) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
