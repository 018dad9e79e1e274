/* memory_probe.c - makes the n-th allocation fail inside one call of the shim. Built with
 * EXTSHIM_TEST_ALLOCATIONS, so the shim's own allocations are counted as well as Python's. */
#include "extshim.h"

#include <structmember.h>

extern int extshim_allocations_left; /* memory.c */

/* ---- Python's allocators, one of whose calls fails ---- */

/* Process-wide on purpose: allocators are. Set while one thread runs only. */
static PyMemAllocatorEx real[3];
static int python_left = -1;
static int python_failed;

static int
probe_fails_now(void)
{
    if (python_left == 0) {
        python_failed++;
        return 1;
    }
    if (python_left > 0) {
        python_left--;
    }
    return 0;
}

static void *
probe_malloc(void *context, size_t size)
{
    PyMemAllocatorEx *allocator = (PyMemAllocatorEx *)context;
    return probe_fails_now() ? NULL : allocator->malloc(allocator->ctx, size);
}

static void *
probe_calloc(void *context, size_t count, size_t size)
{
    PyMemAllocatorEx *allocator = (PyMemAllocatorEx *)context;
    return probe_fails_now() ? NULL : allocator->calloc(allocator->ctx, count, size);
}

static void *
probe_realloc(void *context, void *memory, size_t size)
{
    PyMemAllocatorEx *allocator = (PyMemAllocatorEx *)context;
    return probe_fails_now() ? NULL : allocator->realloc(allocator->ctx, memory, size);
}

static void
probe_free(void *context, void *memory)
{
    PyMemAllocatorEx *allocator = (PyMemAllocatorEx *)context;
    allocator->free(allocator->ctx, memory);
}

static void
probe_hook(void)
{
    for (int domain = 0; domain < 3; domain++) {
        PyMem_GetAllocator((PyMemAllocatorDomain)domain, &real[domain]);
        PyMemAllocatorEx hooked = {&real[domain], probe_malloc, probe_calloc, probe_realloc,
                                   probe_free};
        PyMem_SetAllocator((PyMemAllocatorDomain)domain, &hooked);
    }
}

static void
probe_unhook(void)
{
    for (int domain = 0; domain < 3; domain++) {
        PyMem_SetAllocator((PyMemAllocatorDomain)domain, &real[domain]);
    }
}

/* ---- what is called: every entry point that may allocate, on its first use here ---- */

EXTSHIM_STATE(some_state, long, NULL)
EXTSHIM_OBJECT(some_object)
EXTSHIM_OBJECT(other_object)
EXTSHIM_STRING(some_string, "a string that nobody else has interned")
EXTSHIM_IMPORT(some_import, "collections", "OrderedDict")
EXTSHIM_EXCEPTION(SomeError, "memory_probe.SomeError", "ValueError", "doc")
EXTSHIM_EXCEPTION_FROM(OtherError, "memory_probe.OtherError", SomeError, NULL)
EXTSHIM_STATE(table, long, NULL)
EXTSHIM_CAPI_IMPORT(capi, "memory_probe.API")
EXTSHIM_INTERP_ONCE(some_once)
EXTSHIM_FREELIST(some_list, 4, PyObject_Free)

typedef struct {
    PyObject_HEAD PyObject *held;
    PyObject *weak;
} Thing;

static int
thing_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((Thing *)self)->held);
    return 0;
}

static void
thing_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    if (((Thing *)self)->weak != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    Py_CLEAR(((Thing *)self)->held);
    Py_TYPE(self)->tp_free(self);
}

static PyMemberDef thing_members[] = {
    {"held", T_OBJECT, offsetof(Thing, held), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyTypeObject Base_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "Base",
    .tp_basicsize = sizeof(Thing),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = thing_traverse,
    .tp_dealloc = thing_dealloc,
    .tp_members = thing_members,
    .tp_weaklistoffset = offsetof(Thing, weak),
};
EXTSHIM_STATIC_TYPE(Base_Type)
static PyTypeObject Thing_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "memory_probe.Thing",
    .tp_basicsize = sizeof(Thing),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = thing_traverse,
    .tp_dealloc = thing_dealloc,
    .tp_base = &Base_Type,
    .tp_new = PyType_GenericNew,
};
EXTSHIM_STATIC_TYPE(Thing_Type)

static PyModuleDef nested_def = {
    PyModuleDef_HEAD_INIT, "memory_probe.nested", "doc", -1, NULL, NULL, NULL, NULL, NULL,
};

static int
once_allocates(void *argument)
{
    (void)argument;
    PyObject *list = PyList_New(50);
    Py_XDECREF(list);
    return list == NULL ? -1 : 0;
}

/* 0, or -1 with the exception that the entry point left. */
static int
probe_call(const char *name, PyObject *module)
{
#define CALL(text, expression)                                                                     \
    if (strcmp(name, text) == 0) {                                                                 \
        return (expression) ? 0 : -1;                                                              \
    }
    CALL("ExtShim_Begin", ExtShim_Begin("memory_probe") == 0)
    CALL("ExtShim_Get memory", ExtShim_STATE(some_state, long) != NULL)
    CALL("ExtShim_Set", ExtShim_SET(some_object, Py_None) == 0)
    CALL("ExtShim_SetNew", ExtShim_SET_NEW(other_object, PyList_New(3)) == 0)
    CALL("ExtShim_GetRef", ExtShim_GetRef(&some_string) != NULL)
    CALL("ExtShim_Get import", ExtShim_GET(some_import) != NULL)
    CALL("ExtShim_Get exception", ExtShim_GET(OtherError) != NULL)
    CALL("ExtShim_CAPI_Export", ExtShim_CAPI_Export(module, "API", &table) == 0)
    CALL("ExtShim_Get capsule", ExtShim_CAPI(capi, long) != NULL)
    CALL("ExtShim_Get type", ExtShim_TYPE(Thing_Type) != NULL)
    CALL("ExtShim_AddType", ExtShim_ADD_TYPE(module, Thing_Type) == 0)
    CALL("ExtShim_InterpOnce", ExtShim_InterpOnce(&some_once, once_allocates, NULL) == 0)
    if (strcmp(name, "ExtShim_Module_Create") == 0) {
        PyObject *nested = ExtShim_Module_Create(&nested_def);
        Py_XDECREF(nested);
        return nested == NULL ? -1 : 0;
    }
    if (strcmp(name, "ExtShim_Interp_Save") == 0) {
        ExtShim_Interp *interp = ExtShim_Interp_Save();
        ExtShim_Interp_Free(interp);
        return interp == NULL ? -1 : 0;
    }
    PyErr_SetString(PyExc_KeyError, name);
    return -1;
}

/* It never fails: without memory there is no dead instance. The exception set before has to stay.
 */
static int
probe_pop(PyTypeObject *type)
{
    PyObject *none = ExtShim_FreelistPop(&some_list, type);
    return none == NULL && PyErr_ExceptionMatches(PyExc_KeyError) ? 0 : -1;
}

/* attempt(name, python, own): python / own more allocations succeed (-1: all). Returns whether
 * an allocation failed, and the exception or None. */
static PyObject *
probe_attempt(PyObject *module, PyObject *args)
{
    const char *name;
    int python, own;
    if (!PyArg_ParseTuple(args, "sii", &name, &python, &own)) {
        return NULL;
    }
    PyTypeObject *popped = NULL;
    if (strcmp(name, "ExtShim_FreelistPop") == 0) {
        popped = ExtShim_TYPE(Thing_Type);
        PyErr_SetNone(PyExc_KeyError);
    }
    python_failed = 0;
    probe_hook();
    python_left = python;
    extshim_allocations_left = own;
    int result = popped != NULL ? probe_pop(popped) : probe_call(name, module);
    int own_failed = own >= 0 && extshim_allocations_left == 0;
    python_left = -1;
    extshim_allocations_left = -1;
    probe_unhook();
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    PyObject *answer =
        Py_BuildValue("(iiO)", result, python_failed > 0 || own_failed, type ? type : Py_None);
    Py_XDECREF(type);
    return answer;
}

static PyMethodDef probe_methods[] = {
    {"attempt", probe_attempt, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* By hand, so that ExtShim_Begin() itself can be the one that fails. */
static int
probe_exec(PyObject *module)
{
    (void)module;
    return 0;
}

static PyModuleDef_Slot probe_slots[] = {
    {Py_mod_exec, (void *)probe_exec},
    {0, NULL},
};
static PyModuleDef probe_def = {
    PyModuleDef_HEAD_INIT, "memory_probe", NULL, 0, probe_methods, probe_slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_memory_probe(void);
PyMODINIT_FUNC
PyInit_memory_probe(void)
{
    return PyModuleDef_Init(&probe_def);
}
