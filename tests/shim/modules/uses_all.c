/* uses_all.c - one use of everything in the headers, in the common subset of C99 and C++11. With
 * Py_LIMITED_API what the limited API allows; USES_TYPE and USES_MODINIT ask for what it does not. */
#include "extshim.h"

struct settings {
    long level;
    PyObject *names;
};

static void
settings_clear(void *memory)
{
    struct settings *settings = (struct settings *)memory;
    PyObject *names = settings->names;
    settings->names = NULL;
    Py_XDECREF(names);
}

EXTSHIM_STATE(settings, struct settings, settings_clear)
EXTSHIM_STATE_EXTERN(shared)
EXTSHIM_STATE_DEFINE(shared, long, NULL)
EXTSHIM_OBJECT(last)
EXTSHIM_OBJECT_EXTERN(first)
EXTSHIM_OBJECT_DEFINE(first)
EXTSHIM_STRING(str_append, "append")
EXTSHIM_IMPORT(ordered_dict, "collections", "OrderedDict")
EXTSHIM_IMPORT(collections, "collections", NULL)
EXTSHIM_EXCEPTION(UsesError, "uses_all.UsesError", "ValueError", "Raised by uses_all.")
EXTSHIM_EXCEPTION_FROM(WorseError, "uses_all.WorseError", UsesError, NULL)
EXTSHIM_STATE(api_table, struct settings, NULL)
EXTSHIM_CAPI_IMPORT(other_api, "uses_all.API")
EXTSHIM_INTERP_ONCE(here)

static ExtShim_Mutex lock = EXTSHIM_MUTEX_INIT;
static ExtShim_Once once = EXTSHIM_ONCE_INIT;
static long table[4];

static int
fill(void *argument)
{
    table[0] += *(long *)argument;
    return 0;
}

static PyObject *
uses_state(PyObject *module, PyObject *value)
{
    (void)module;
    struct settings *now = ExtShim_STATE(settings, struct settings);
    long *count = ExtShim_STATE(shared, long);
    if (now == NULL || count == NULL || ExtShim_SET(last, value) < 0 ||
        ExtShim_SET_NEW(first, PyLong_FromLong(*count)) < 0) {
        return NULL;
    }
    now->level++;
    (*count)++;
    PyObject *kept = ExtShim_GetRef(&last);
    PyObject *result = Py_BuildValue("(llOOOOO)", now->level, *count, kept, ExtShim_GET(str_append),
                                     ExtShim_GET(ordered_dict), ExtShim_GET(UsesError),
                                     ExtShim_GET(WorseError));
    Py_XDECREF(kept);
    return result;
}

static int
compare_with(const void *left, const void *right, void *context)
{
    long a = *(const long *)left, b = *(const long *)right;
    return (int)*(const long *)context * (a < b ? -1 : a > b);
}

static PyObject *
uses_threads(PyObject *module, PyObject *list)
{
    long one = 1;
    ExtShim_Mutex_Lock(&lock);
    table[1]++;
    ExtShim_Mutex_Unlock(&lock);
    if (ExtShim_Once_Call(&once, fill, &one) < 0 || ExtShim_InterpOnce(&here, fill, &one) < 0) {
        return NULL;
    }
    long numbers[2] = {2, 1};
    ExtShim_Sort(numbers, 2, sizeof(numbers[0]), compare_with, &one);
    EXTSHIM_BEGIN_CRITICAL_SECTION(list);
    table[2]++;
    EXTSHIM_END_CRITICAL_SECTION();
    EXTSHIM_BEGIN_CRITICAL_SECTION2(list, module);
    table[2]++;
    EXTSHIM_END_CRITICAL_SECTION2();
#if !(EXTSHIM_LIMITED && defined(Py_GIL_DISABLED))
    EXTSHIM_BEGIN_CRITICAL_SECTION_MUTEX(&lock);
    table[2]++;
    EXTSHIM_END_CRITICAL_SECTION();
#endif
    return PyLong_FromLong(table[0]);
}

static PyObject *
uses_capi(PyObject *module, PyObject *unused)
{
    (void)unused;
    struct settings *mine = ExtShim_STATE(api_table, struct settings);
    if (mine == NULL || ExtShim_CAPI_Export(module, "API", &api_table) < 0) {
        return NULL;
    }
    mine->level = 7;
    struct settings *same = ExtShim_CAPI(other_api, struct settings);
    if (same == NULL || ExtShim_GET(collections) == NULL) {
        return NULL;
    }
    return PyLong_FromLong(same == mine ? same->level : -1);
}

static PyMethodDef uses_methods[] = {
    {"state", uses_state, METH_O, NULL},
    {"threads", uses_threads, METH_O, NULL},
    {"capi", uses_capi, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

#if defined(USES_TYPE) || !EXTSHIM_LIMITED
#ifdef USES_TYPE
EXTSHIM_STATIC_TYPE(Thing_Type)
#else
typedef struct {
    PyObject_HEAD
    long value;
} Thing;

EXTSHIM_FREELIST(things, 8, PyObject_Free)

static void thing_dealloc(PyObject *self);
static PyObject *thing_new(PyTypeObject *type, PyObject *args, PyObject *kwargs);

static PyTypeObject Thing_Type = {
    PyVarObject_HEAD_INIT(NULL, 0) "uses_all.Thing", sizeof(Thing), 0, thing_dealloc,
};
EXTSHIM_STATIC_TYPE(Thing_Type)
extern PyTypeObject Other_Type;
EXTSHIM_TYPE_EXTERN(Other_Type)
PyTypeObject Other_Type = {
    PyVarObject_HEAD_INIT(NULL, 0) "uses_all.Other", sizeof(Thing), 0,
};
EXTSHIM_TYPE_DEFINE(Other_Type)

static void
thing_dealloc(PyObject *self)
{
    if (!ExtShim_FreelistPush(&things, self)) {
        PyObject_Free(self);
    }
}

static PyObject *
thing_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    PyObject *self = ExtShim_FreelistPop(&things, type);
    return self != NULL ? self : PyType_GenericAlloc(type, 0);
}

static PyObject *
uses_visit(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    ExtShim_Interp *interp = ExtShim_Interp_Save();
    ExtShim_Visit visit;
    if (interp == NULL) {
        return NULL;
    }
    int entered = ExtShim_Interp_Enter(interp, &visit);
    if (entered == 0) {
        ExtShim_Interp_Leave(&visit);
    }
    ExtShim_Interp_Free(interp);
    return PyLong_FromLong(entered + ExtShim_CHECK(module, Thing_Type));
}

static PyMethodDef uses_more_methods[] = {
    {"visit", uses_visit, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
#endif
#endif

#if EXTSHIM_LIMITED && !defined(USES_MODINIT)
/* Multi-phase by hand, as the limited API has it. */
static int
uses_exec(PyObject *module)
{
    (void)module;
    return ExtShim_Begin("uses_all");
}

static PyModuleDef_Slot uses_slots[] = {
    {Py_mod_exec, (void *)uses_exec},
    {0, NULL},
};
#ifndef _Py_OPAQUE_PYOBJECT
static struct PyModuleDef uses_def = {
    PyModuleDef_HEAD_INIT, "uses_all", NULL, 0, uses_methods, uses_slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_uses_all(void);
PyMODINIT_FUNC
PyInit_uses_all(void)
{
    return PyModuleDef_Init(&uses_def);
}
#else
/* abi3t has no PyModuleDef: what the hook of PEP 793 would return. */
void *uses_hook[] = {(void *)uses_slots, (void *)uses_methods};
#endif
#else
static struct PyModuleDef uses_def = {
    PyModuleDef_HEAD_INIT, "uses_all", NULL, -1, uses_methods, NULL, NULL, NULL, NULL,
};

EXTSHIM_MODINIT(uses_all)
{
    PyObject *module = ExtShim_Module_Create(&uses_def);
#if !EXTSHIM_LIMITED
    Thing_Type.tp_new = thing_new; /* still a template: nobody has made a type of it */
    if (module == NULL || PyModule_AddFunctions(module, uses_more_methods) < 0 ||
        ExtShim_READY(Thing_Type) < 0 || ExtShim_ADD_TYPE(module, Thing_Type) < 0 ||
        ExtShim_ADD_TYPE(module, Other_Type) < 0 ||
        ExtShim_State_FindModule(&uses_def) != module) {
        Py_XDECREF(module);
        return NULL;
    }
#endif
    return module;
}
#endif
