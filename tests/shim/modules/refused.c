/* refused.c - what cannot be converted: each type is broken in its own way; try(name) says how the
 * shim refuses it. */
#include "extshim.h"

typedef struct {
    PyObject_HEAD
} Plain;

typedef struct {
    PyHeapTypeObject base;
    long more;
} WideMeta;

#define BROKEN(T, name)                                                                            \
    static PyTypeObject T = {                                                                      \
        PyVarObject_HEAD_INIT(NULL, 0).tp_name = (name),                                           \
        .tp_basicsize = sizeof(Plain),                                                             \
        .tp_flags = Py_TPFLAGS_DEFAULT,                                                            \
    };                                                                                             \
    EXTSHIM_STATIC_TYPE(T)

BROKEN(Nameless_Type, NULL)
BROKEN(Ready_Type, "refused.Ready")
BROKEN(Dict_Type, "refused.Dict")
BROKEN(Heap_Type, "refused.Heap")
BROKEN(Mro_Type, "refused.Mro")
BROKEN(Orphan_Type, "refused.Orphan")
BROKEN(Final_Type, "refused.Final")
BROKEN(SonOfFinal_Type, "refused.SonOfFinal")
BROKEN(Small_Type, "refused.Small")
BROKEN(Metaclassed_Type, "refused.Metaclassed")
BROKEN(Unmade_Type, "refused.Unmade")
BROKEN(Fine_Type, "refused.Fine")

static PyTypeObject Forgotten_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "refused.Forgotten",
    .tp_basicsize = sizeof(Plain),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
};
static PyTypeObject WideMeta_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "refused.WideMeta",
    .tp_basicsize = sizeof(WideMeta),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_TYPE_SUBCLASS,
};
EXTSHIM_STATIC_TYPE(WideMeta_Type)

#define TRY(T)                                                                                     \
    if (strcmp(name, #T) == 0) {                                                                   \
        return Py_XNewRef_((PyObject *)ExtShim_TYPE(T##_Type));                                    \
    }

static PyObject *
Py_XNewRef_(PyObject *object)
{
    Py_XINCREF(object);
    return object;
}

static PyObject *
refused_try(PyObject *module, PyObject *text)
{
    (void)module;
    const char *name = PyUnicode_AsUTF8(text);
    if (name == NULL) {
        return NULL;
    }
    TRY(Nameless)
    TRY(Ready)
    TRY(Dict)
    TRY(Heap)
    TRY(Mro)
    TRY(Orphan)
    TRY(SonOfFinal)
    TRY(Small)
    TRY(Metaclassed)
    TRY(Unmade)
    TRY(Fine)
    PyErr_SetString(PyExc_KeyError, name);
    return NULL;
}

static PyMethodDef refused_methods[] = {
    {"try_", refused_try, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef refused_def = {
    PyModuleDef_HEAD_INIT, "refused", NULL, -1, refused_methods, NULL, NULL, NULL, NULL,
};

/* As old modules do before PyType_Ready(): here it makes templates that cannot be converted. */
static int
refused_prepare(void)
{
    if (PyType_Ready(&Ready_Type) < 0) {
        return -1;
    }
    Dict_Type.tp_dict = PyDict_New();
    Mro_Type.tp_mro = PyTuple_New(0);
    if (Dict_Type.tp_dict == NULL || Mro_Type.tp_mro == NULL) {
        return -1;
    }
    Heap_Type.tp_flags |= Py_TPFLAGS_HEAPTYPE;
    Orphan_Type.tp_base = &Forgotten_Type;
    SonOfFinal_Type.tp_base = &Final_Type;
    Small_Type.tp_base = &PyType_Type;
    WideMeta_Type.tp_base = &PyType_Type;
    Py_SET_TYPE((PyObject *)&Metaclassed_Type, &WideMeta_Type);
    Unmade_Type.tp_bases = PyTuple_Pack(1, (PyObject *)Py_None);
    return Unmade_Type.tp_bases == NULL ? -1 : 0;
}

#if defined(REFUSED_STATE)
static PyModuleDef wrong_def = {
    PyModuleDef_HEAD_INIT, "refused", NULL, 16, refused_methods, NULL, NULL, NULL, NULL,
};
#elif defined(REFUSED_SLOTS)
static PyModuleDef_Slot wrong_slots[] = {{0, NULL}};
static PyModuleDef wrong_def = {
    PyModuleDef_HEAD_INIT, "refused", NULL, 0, refused_methods, wrong_slots, NULL, NULL, NULL,
};
#else
#define wrong_def refused_def
#endif

EXTSHIM_OBJECT(unset)
EXTSHIM_EXCEPTION_FROM(BaselessError, "refused.BaselessError", unset, NULL)

EXTSHIM_MODINIT(refused)
{
#if defined(REFUSED_SILENT)
    return NULL;
#elif defined(REFUSED_OTHER)
    return PyModule_Create(&refused_def);
#elif defined(REFUSED_RAISES)
    PyErr_SetString(PyExc_KeyError, "from the init function");
    return NULL;
#elif defined(REFUSED_BASE)
    (void)ExtShim_GET(BaselessError);
    return NULL;
#elif defined(REFUSED_KIND)
    (void)ExtShim_SET(BaselessError, Py_None);
    return NULL;
#elif defined(REFUSED_NULL)
    (void)ExtShim_SET_NEW(unset, NULL);
    return NULL;
#else
    PyObject *module = ExtShim_Module_Create(&wrong_def);
    if (module != NULL && refused_prepare() < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
#endif
}

/* A second module in the same binary, multi-phase by hand, whose author forgot ExtShim_Begin(). */
static int
forgetful_exec(PyObject *module)
{
    (void)module;
    return ExtShim_TYPE(Fine_Type) == NULL ? -1 : 0;
}

static PyModuleDef_Slot forgetful_slots[] = {
    {Py_mod_exec, (void *)forgetful_exec},
    {0, NULL},
};
static PyModuleDef forgetful_def = {
    PyModuleDef_HEAD_INIT, "forgetful", NULL, 0, NULL, forgetful_slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_forgetful(void);
PyMODINIT_FUNC
PyInit_forgetful(void)
{
    return PyModuleDef_Init(&forgetful_def);
}
