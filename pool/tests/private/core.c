/* twin._core: everything that interpreters must not share, static. */
#include <Python.h>

int tally_add(void);
int *tally_unique(void);
int twin_core_count(void);

static int count;
static PyObject *cache;

int
twin_core_count(void)
{
    return count;
}

typedef struct {
    PyObject_HEAD int serial;
} Box;

static PyObject *
box_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    Box *box = (Box *)type->tp_alloc(type, 0);
    if (box) {
        box->serial = ++count;
    }
    return (PyObject *)box;
}

static PyObject *
box_repr(PyObject *box)
{
    return PyUnicode_FromFormat("Box %d", ((Box *)box)->serial);
}

static PyTypeObject box_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "twin._core.Box",
    .tp_basicsize = sizeof(Box),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = box_new,
    .tp_repr = box_repr,
};

static PyObject *
core_remember(PyObject *Py_UNUSED(module), PyObject *object)
{
    PyObject *old = cache;
    cache = Py_NewRef(object);
    return old ? old : Py_NewRef(Py_None);
}

static PyObject *
core_tally(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return Py_BuildValue("(ii)", tally_add(), ++*tally_unique());
}

static struct PyModuleDef core_def;

static PyObject *
core_self(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyObject *self = PyState_FindModule(&core_def);
    return Py_NewRef(self ? self : Py_None);
}

static PyMethodDef core_methods[] = {
    {"remember", core_remember, METH_O, NULL},
    {"tally", core_tally, METH_NOARGS, NULL},
    {"self", core_self, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef core_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_core",
    .m_size = -1,
    .m_methods = core_methods,
};

PyMODINIT_FUNC
PyInit__core(void)
{
    PyObject *module = PyType_Ready(&box_type) < 0 ? NULL : PyModule_Create(&core_def);
    PyObject *api = module ? PyCapsule_New((void *)&count, "twin._core._api", NULL) : NULL;
    if (!api || PyModule_AddObjectRef(module, "_api", api) < 0 ||
        PyModule_AddObjectRef(module, "Box", (PyObject *)&box_type) < 0) {
        Py_CLEAR(module);
    }
    Py_XDECREF(api);
    return module;
}
