/* shapes.c - static types: the type objects stay as they are and become templates.
 *
 * Before:                                       Now:
 *     static PyTypeObject Point_Type = {...};       the same, and EXTSHIM_STATIC_TYPE(Point_Type)
 *     PyType_Ready(&Point_Type)                     ExtShim_READY(Point_Type)
 *     PyObject_New(Point, &Point_Type)              PyObject_New(Point, ExtShim_TYPE(Point_Type))
 *     PyObject_TypeCheck(o, &Point_Type)            ExtShim_CHECK(o, Point_Type)
 *     .tp_base = &Point_Type                        unchanged: a template names a template
 *
 * dealloc and traverse are unchanged as well: the reference that an instance of a heap type owns to
 * its type is the shim's business.
 */
#include "extshim.h"

#include <structmember.h>

typedef struct {
    PyObject_HEAD
    double x;
    double y;
} Point;

typedef struct {
    PyObject_HEAD
    PyObject *points;
} Path;

static PyTypeObject Point_Type;
EXTSHIM_STATIC_TYPE(Point_Type)

static PyObject *
point_make(double x, double y)
{
    Point *point = PyObject_New(Point, ExtShim_TYPE(Point_Type));
    if (point != NULL) {
        point->x = x;
        point->y = y;
    }
    return (PyObject *)point;
}

static PyObject *
point_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {(char *)"x", (char *)"y", NULL};
    double x, y;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "dd", names, &x, &y)) {
        return NULL;
    }
    Point *point = (Point *)type->tp_alloc(type, 0);
    if (point != NULL) {
        point->x = x;
        point->y = y;
    }
    return (PyObject *)point;
}

static PyObject *
point_add(PyObject *left, PyObject *right)
{
    if (!ExtShim_CHECK(left, Point_Type) || !ExtShim_CHECK(right, Point_Type)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    const Point *a = (const Point *)left, *b = (const Point *)right;
    return point_make(a->x + b->x, a->y + b->y);
}

static void
point_dealloc(PyObject *self)
{
    Py_TYPE(self)->tp_free(self);
}

static PyMemberDef point_members[] = {
    {"x", T_DOUBLE, offsetof(Point, x), READONLY, NULL},
    {"y", T_DOUBLE, offsetof(Point, y), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyNumberMethods point_number = {.nb_add = point_add};
static PyTypeObject Point_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "shapes.Point",
    .tp_basicsize = sizeof(Point),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = "A point of the plane.",
    .tp_dealloc = point_dealloc,
    .tp_as_number = &point_number,
    .tp_members = point_members,
    .tp_new = point_new,
};

/* A named point: inherits constructor, dealloc and addition. */
static PyTypeObject Origin_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "shapes.Origin",
    .tp_basicsize = sizeof(Point),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_base = &Point_Type,
};
EXTSHIM_STATIC_TYPE(Origin_Type)

static PyObject *
path_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    Path *path = (Path *)type->tp_alloc(type, 0);
    if (path == NULL) {
        return NULL;
    }
    path->points = PyList_New(0);
    if (path->points == NULL) {
        Py_DECREF(path);
        return NULL;
    }
    return (PyObject *)path;
}

static PyObject *
path_append(PyObject *self, PyObject *point)
{
    if (!ExtShim_CHECK(point, Point_Type)) {
        PyErr_SetString(PyExc_TypeError, "a path consists of points");
        return NULL;
    }
    if (PyList_Append(((Path *)self)->points, point) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static Py_ssize_t
path_length(PyObject *self)
{
    return PyList_Size(((Path *)self)->points);
}

/* No Py_VISIT(Py_TYPE(self)) here: the generated wrapper does it. */
static int
path_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((Path *)self)->points);
    return 0;
}

static int
path_clear(PyObject *self)
{
    Py_CLEAR(((Path *)self)->points);
    return 0;
}

static void
path_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    (void)path_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static PyMethodDef path_methods[] = {
    {"append", path_append, METH_O, "Adds a point."},
    {NULL, NULL, 0, NULL},
};
static PySequenceMethods path_sequence = {.sq_length = path_length};
static PyTypeObject Path_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "shapes.Path",
    .tp_basicsize = sizeof(Path),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "Points in order.",
    .tp_dealloc = path_dealloc,
    .tp_traverse = path_traverse,
    .tp_clear = path_clear,
    .tp_as_sequence = &path_sequence,
    .tp_methods = path_methods,
    .tp_new = path_new,
};
EXTSHIM_STATIC_TYPE(Path_Type)

static PyModuleDef shapes_def = {
    PyModuleDef_HEAD_INIT, "shapes", "Points and paths.", -1, NULL, NULL, NULL, NULL, NULL,
};

EXTSHIM_MODINIT(shapes)
{
    PyObject *module = ExtShim_Module_Create(&shapes_def);
    if (module == NULL) {
        return NULL;
    }
    /* Each of these makes the type ready and adds it, as PyModule_AddType() does. */
    if (ExtShim_ADD_TYPE(module, Point_Type) < 0 || ExtShim_ADD_TYPE(module, Origin_Type) < 0 ||
        ExtShim_ADD_TYPE(module, Path_Type) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
