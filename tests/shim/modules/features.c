/* features.c - rarer kinds of static types: every one that docs/shim.md calls convertible and that
 * kinds.c does not have. */
#include "extshim.h"

#include <structmember.h>

/* ---- a finalizer that may revive, and instances in a static list ---- */

typedef struct {
    PyObject_HEAD PyObject *held;
} Phoenix;

EXTSHIM_OBJECT(nest)

static void
phoenix_finalize(PyObject *self)
{
    PyObject *list = ExtShim_GET(nest);
    if (list != NULL && list != Py_None) {
        (void)PyList_Append(list, self);
    }
}

static void
phoenix_dealloc(PyObject *self)
{
    if (PyObject_CallFinalizerFromDealloc(self) < 0) {
        return;
    }
    PyObject_GC_UnTrack(self);
    Py_CLEAR(((Phoenix *)self)->held);
    Py_TYPE(self)->tp_free(self);
}

static int
phoenix_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((Phoenix *)self)->held);
    return 0;
}

static PyTypeObject Phoenix_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "features.Phoenix",
    .tp_basicsize = sizeof(Phoenix),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_dealloc = phoenix_dealloc,
    .tp_traverse = phoenix_traverse,
    .tp_finalize = phoenix_finalize,
    .tp_new = PyType_GenericNew,
};
EXTSHIM_STATIC_TYPE(Phoenix_Type)

/* ---- a chain of instances with finalizers, which limits its depth by itself ---- */

typedef struct {
    PyObject_HEAD PyObject *next;
} Link;

static int
link_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((Link *)self)->next);
    return 0;
}

static int
link_clear(PyObject *self)
{
    Py_CLEAR(((Link *)self)->next);
    return 0;
}

static void
link_finalize(PyObject *self)
{
    (void)self;
}

static void
link_dealloc(PyObject *self)
{
    if (PyObject_CallFinalizerFromDealloc(self) < 0) {
        return;
    }
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, link_dealloc);
    (void)link_clear(self);
    Py_TYPE(self)->tp_free(self);
    Py_TRASHCAN_END;
}

static PyMemberDef link_members[] = {
    {"next", T_OBJECT, offsetof(Link, next), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyTypeObject Link_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "features.Link",
    .tp_basicsize = sizeof(Link),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_traverse = link_traverse,
    .tp_clear = link_clear,
    .tp_dealloc = link_dealloc,
    .tp_finalize = link_finalize,
    .tp_members = link_members,
};
EXTSHIM_STATIC_TYPE(Link_Type)

/* ---- a derived template whose dealloc calls its base's ---- */

typedef struct {
    PyObject_HEAD PyObject *held;
} Base;

static int
base_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((Base *)self)->held);
    return 0;
}

static int
base_clear(PyObject *self)
{
    Py_CLEAR(((Base *)self)->held);
    return 0;
}

static void
base_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    (void)base_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static PyMemberDef base_members[] = {
    {"held", T_OBJECT, offsetof(Base, held), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyTypeObject Base_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "features.Base",
    .tp_basicsize = sizeof(Base),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_dealloc = base_dealloc,
    .tp_traverse = base_traverse,
    .tp_clear = base_clear,
    .tp_members = base_members,
    .tp_new = PyType_GenericNew,
};
EXTSHIM_STATIC_TYPE(Base_Type)

typedef struct {
    Base base;
    PyObject *more;
} Derived;

static int
derived_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((Derived *)self)->more);
    return ExtShim_TYPE(Base_Type)->tp_traverse(self, visit, arg);
}

static int
derived_clear(PyObject *self)
{
    Py_CLEAR(((Derived *)self)->more);
    return base_clear(self);
}

static void
derived_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    Py_CLEAR(((Derived *)self)->more);
    PyObject_GC_Track(self);
    ExtShim_TYPE(Base_Type)->tp_dealloc(self);
}

static PyMemberDef derived_members[] = {
    {"more", T_OBJECT, offsetof(Derived, more), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyTypeObject Derived_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "features.Derived",
    .tp_basicsize = sizeof(Derived),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_dealloc = derived_dealloc,
    .tp_traverse = derived_traverse,
    .tp_clear = derived_clear,
    .tp_members = derived_members,
    .tp_base = &Base_Type,
};
EXTSHIM_STATIC_TYPE(Derived_Type)

/* Adds nothing but a name: collected by inheritance. */
static PyTypeObject Same_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "features.Same",
    .tp_basicsize = sizeof(Base),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_base = &Base_Type,
};
EXTSHIM_STATIC_TYPE(Same_Type)

/* ---- bases of the interpreter's own: named before the type is made ready ---- */

static PyTypeObject Dict_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "features.Dict",
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
};
EXTSHIM_STATIC_TYPE(Dict_Type)
static PyTypeObject Error_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "features.Error",
    .tp_basicsize = sizeof(PyBaseExceptionObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
};
EXTSHIM_STATIC_TYPE(Error_Type)

/* OSError's own dealloc takes for granted that the collector tracks the instance. */
typedef struct {
    PyOSErrorObject base;
    PyObject *cause;
} Cause;

static int
cause_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((Cause *)self)->cause);
    return ((PyTypeObject *)PyExc_OSError)->tp_traverse(self, visit, arg);
}

static int
cause_clear(PyObject *self)
{
    Py_CLEAR(((Cause *)self)->cause);
    return ((PyTypeObject *)PyExc_OSError)->tp_clear(self);
}

static void
cause_dealloc(PyObject *self)
{
    Py_CLEAR(((Cause *)self)->cause);
    ((PyTypeObject *)PyExc_OSError)->tp_dealloc(self);
}

static PyMemberDef cause_members[] = {
    {"cause", T_OBJECT, offsetof(Cause, cause), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyTypeObject Cause_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "features.Cause",
    .tp_basicsize = sizeof(Cause),
    .tp_doc = "Cause(number, /)\n--\n\nAn error with another one behind it.",
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = cause_traverse,
    .tp_clear = cause_clear,
    .tp_dealloc = cause_dealloc,
    .tp_members = cause_members,
};
EXTSHIM_STATIC_TYPE(Cause_Type)
static PyTypeObject Meta_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "features.Meta",
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_TYPE_SUBCLASS,
};
EXTSHIM_STATIC_TYPE(Meta_Type)
static PyTypeObject Ruled_Type = {
    PyVarObject_HEAD_INIT(&Meta_Type, 0).tp_name = "features.Ruled",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
};
EXTSHIM_STATIC_TYPE(Ruled_Type)

/* ---- dead instances used again ---- */

typedef struct {
    PyObject_HEAD long number;
} Reused;

EXTSHIM_FREELIST(reused_list, 4, PyObject_Free)
EXTSHIM_STATE(reused_count, long, NULL)
static PyTypeObject Reused_Type;
EXTSHIM_STATIC_TYPE(Reused_Type)

static PyObject *
reused_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    PyObject *self = NULL;
    if (type == ExtShim_TYPE(Reused_Type)) {
        self = ExtShim_FreelistPop(&reused_list, type);
    }
    if (self != NULL) {
        ++*ExtShim_STATE(reused_count, long);
        return self;
    }
    return type->tp_alloc(type, 0);
}

static void
reused_dealloc(PyObject *self)
{
    if (Py_TYPE(self) != ExtShim_TYPE(Reused_Type) || !ExtShim_FreelistPush(&reused_list, self)) {
        Py_TYPE(self)->tp_free(self);
    }
}

static PyTypeObject Reused_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "features.Reused",
    .tp_basicsize = sizeof(Reused),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_dealloc = reused_dealloc,
    .tp_new = reused_new,
};

/* ---- attribute access, async, descriptors: slots that kinds.c does not fill ---- */

static PyObject *
slots_getattro(PyObject *self, PyObject *name)
{
    PyObject *found = PyObject_GenericGetAttr(self, name);
    if (found == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        Py_INCREF(name);
        return name;
    }
    return found;
}

static PyObject *
slots_get(PyObject *self, PyObject *object, PyObject *owner)
{
    (void)owner;
    PyObject *seen = object == NULL ? self : object;
    Py_INCREF(seen);
    return seen;
}

static PyObject *
slots_power(PyObject *left, PyObject *right, PyObject *modulus)
{
    return Py_BuildValue("(iii)", left != NULL, right != NULL, modulus != Py_None);
}

static PyObject *
slots_matmul(PyObject *left, PyObject *right)
{
    (void)left;
    (void)right;
    return PyLong_FromLong(7);
}

static int
slots_bool(PyObject *self)
{
    (void)self;
    return 0;
}

static PyObject *
slots_await(PyObject *self)
{
    (void)self;
    PyObject *list = PyList_New(0);
    PyObject *iterator = list == NULL ? NULL : PyObject_GetIter(list);
    Py_XDECREF(list);
    return iterator;
}

static int
slots_contains(PyObject *self, PyObject *item)
{
    return self != item;
}

static PyNumberMethods slots_number = {
    .nb_power = slots_power, .nb_matrix_multiply = slots_matmul, .nb_bool = slots_bool};
static PyAsyncMethods slots_async = {.am_await = slots_await};
static PySequenceMethods slots_sequence = {.sq_contains = slots_contains};
static PyTypeObject Slots_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "features.Slots",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_getattro = slots_getattro,
    .tp_descr_get = slots_get,
    .tp_as_number = &slots_number,
    .tp_as_async = &slots_async,
    .tp_as_sequence = &slots_sequence,
    .tp_new = PyType_GenericNew,
};
EXTSHIM_STATIC_TYPE(Slots_Type)

/* ---- the module, with module state of its own as well ---- */

struct module_state {
    PyObject *kept;
};

static PyObject *
features_set_nest(PyObject *module, PyObject *list)
{
    struct module_state *state = (struct module_state *)PyModule_GetState(module);
    PyObject *old = state->kept;
    Py_INCREF(list);
    state->kept = list;
    Py_XDECREF(old);
    if (ExtShim_SET(nest, list) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
features_reused(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyLong_FromLong(*ExtShim_STATE(reused_count, long));
}

static int
features_traverse(PyObject *module, visitproc visit, void *arg)
{
    struct module_state *state = (struct module_state *)PyModule_GetState(module);
    Py_VISIT(state->kept);
    return 0;
}

static int
features_clear(PyObject *module)
{
    struct module_state *state = (struct module_state *)PyModule_GetState(module);
    Py_CLEAR(state->kept);
    return 0;
}

static PyObject *features_self(PyObject *module, PyObject *unused);

static PyMethodDef features_methods[] = {
    {"set_nest", features_set_nest, METH_O, NULL},
    {"reused", features_reused, METH_NOARGS, NULL},
    {"self", features_self, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef features_def = {
    PyModuleDef_HEAD_INIT,       "features",       "Rarer kinds.",
    sizeof(struct module_state), features_methods, NULL,
    features_traverse,           features_clear,   NULL,
};

static PyObject *
features_self(PyObject *module, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(ExtShim_State_FindModule(&features_def) == module);
}

EXTSHIM_MODINIT_STATE(features, sizeof(struct module_state), features_traverse, features_clear,
                      NULL)
{
    PyObject *module = ExtShim_Module_Create(&features_def);
    if (module == NULL) {
        return NULL;
    }
    Dict_Type.tp_base = &PyDict_Type;
    Meta_Type.tp_base = &PyType_Type;
    Error_Type.tp_base = (PyTypeObject *)PyExc_ValueError;
    Cause_Type.tp_base = (PyTypeObject *)PyExc_OSError;
    if (ExtShim_ADD_TYPE(module, Link_Type) < 0 || ExtShim_ADD_TYPE(module, Cause_Type) < 0 ||
        ExtShim_ADD_TYPE(module, Derived_Type) < 0 || ExtShim_ADD_TYPE(module, Base_Type) < 0 ||
        ExtShim_ADD_TYPE(module, Same_Type) < 0 || ExtShim_ADD_TYPE(module, Phoenix_Type) < 0 ||
        ExtShim_ADD_TYPE(module, Dict_Type) < 0 || ExtShim_ADD_TYPE(module, Error_Type) < 0 ||
        ExtShim_ADD_TYPE(module, Ruled_Type) < 0 || ExtShim_ADD_TYPE(module, Meta_Type) < 0 ||
        ExtShim_ADD_TYPE(module, Reused_Type) < 0 || ExtShim_ADD_TYPE(module, Slots_Type) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}

/* ---- a second module in the same binary ---- */

static PyTypeObject Undotted_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "Undotted",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
};
EXTSHIM_STATIC_TYPE(Undotted_Type)
static PyModuleDef second_def = {
    PyModuleDef_HEAD_INIT, "features_second", NULL, -1, NULL, NULL, NULL, NULL, NULL,
};

EXTSHIM_MODINIT(features_second)
{
    PyObject *module = ExtShim_Module_Create(&second_def);
    if (module != NULL && ExtShim_ADD_TYPE(module, Undotted_Type) < 0) {
        Py_CLEAR(module);
    }
    return module;
}
