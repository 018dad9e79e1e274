/* lookups.c - what one access costs, for each way to keep state: loops of accesses in C. Two of the
 * ways are compiled twice, as whole modules (kinds.c of tests/shim); this file is about one access.
 */
#include "extshim.h"

#include <stdint.h>
#include <stdlib.h>

#include "loop.h"

struct counts {
    long used;
};

/* ---- the ways ---- */

static struct counts static_counts;

EXTSHIM_STATE(shim_counts, struct counts, NULL)

static PyModuleDef lookups_def;
static const char dict_key[] = "lookups.counts";
EXTSHIM_STRING(dict_name, "lookups.counts.interned")

static struct counts *
way_static(PyObject *module)
{
    (void)module;
    return &static_counts;
}

static struct counts *
way_shim(PyObject *module)
{
    (void)module;
    return ExtShim_STATE(shim_counts, struct counts);
}

static struct counts *
way_module(PyObject *module)
{
    return (struct counts *)PyModule_GetState(module);
}

#if PY_VERSION_HEX >= 0x030B0000
static PyTypeObject *own_type; /* of one interpreter: the benchmark calls it in the main one only */

static struct counts *
way_bydef(PyObject *module)
{
    (void)module;
    PyObject *found = PyType_GetModuleByDef(own_type, &lookups_def);
    return (struct counts *)PyModule_GetState(found);
}
#endif

/* The interpreter's dict: a capsule under an interned str, as pybind11 and many others do. */
static struct counts *
way_dict(PyObject *module)
{
    (void)module;
    PyObject *dict = PyInterpreterState_GetDict(PyInterpreterState_Get());
    PyObject *capsule = PyDict_GetItemWithError(dict, ExtShim_GET(dict_name));
    return (struct counts *)PyCapsule_GetPointer(capsule, dict_key);
}

/* A thread-local cache checked by interpreter pointer: pybind11's way since 3.0, without its slow
 * path. The pointer alone is not safe (an address is used again), which is what it costs less. */
static __thread PyInterpreterState *cached_for;
static __thread struct counts *cached;

static struct counts *
way_thread(PyObject *module)
{
    PyInterpreterState *interp = PyInterpreterState_Get();
    if (cached_for != interp) {
        cached = way_dict(module);
        cached_for = interp;
    }
    return cached;
}

/* Cython's module state table: keyed by interpreter id, readers counted in and out. */
static long readers;
static struct counts *by_id[64];

static struct counts *
way_counted(PyObject *module)
{
    (void)module;
    __atomic_add_fetch(&readers, 1, __ATOMIC_SEQ_CST);
    int64_t id = PyInterpreterState_GetID(PyInterpreterState_Get());
    struct counts *found = by_id[id & 63];
    __atomic_sub_fetch(&readers, 1, __ATOMIC_SEQ_CST);
    return found;
}

/* ---- loops ---- */

#define LOOP(name)                                                                                 \
    static PyObject *loop_##name(PyObject *module, PyObject *rounds)                               \
    {                                                                                              \
        long count = PyLong_AsLong(rounds);                                                        \
        double begin = loop_seconds();                                                             \
        for (long i = 0; i < count; i++) {                                                         \
            way_##name(module)->used++;                                                            \
            __asm__ volatile("" ::: "memory");                                                     \
        }                                                                                          \
        return PyFloat_FromDouble(1e9 * (loop_seconds() - begin) / (double)count);                 \
    }

LOOP(static)
LOOP(shim)
LOOP(module)
#if PY_VERSION_HEX >= 0x030B0000
LOOP(bydef)
#endif
LOOP(dict)
LOOP(thread)
LOOP(counted)

/* A comparator that counts its calls, with the state behind a static and behind the shim. */
static int
compare_static(const void *left, const void *right)
{
    static_counts.used++;
    long a = *(const long *)left, b = *(const long *)right;
    return a < b ? -1 : a > b;
}

static int
compare_shim(const void *left, const void *right)
{
    ExtShim_STATE(shim_counts, struct counts)->used++;
    long a = *(const long *)left, b = *(const long *)right;
    return a < b ? -1 : a > b;
}

/* A static variable, and the call without which no look-up can know the interpreter: the least that
 * any of them takes. */
static int
compare_call(const void *left, const void *right)
{
    __asm__ volatile("" : : "r"(ExtShim_InterpHere()));
    static_counts.used++;
    long a = *(const long *)left, b = *(const long *)right;
    return a < b ? -1 : a > b;
}

static int
compare_context(const void *left, const void *right, void *context)
{
    ((struct counts *)context)->used++;
    long a = *(const long *)left, b = *(const long *)right;
    return a < b ? -1 : a > b;
}

static void
sort_static(long *numbers, size_t length)
{
    qsort(numbers, length, sizeof(long), compare_static);
}

static void
sort_call(long *numbers, size_t length)
{
    qsort(numbers, length, sizeof(long), compare_call);
}

static void
sort_shim(long *numbers, size_t length)
{
    qsort(numbers, length, sizeof(long), compare_shim);
}

static void
sort_handed_down(long *numbers, size_t length)
{
    ExtShim_Sort(numbers, length, sizeof(long), compare_context,
                 ExtShim_STATE(shim_counts, struct counts));
}

/* Nanoseconds for one sort. In random order, or one that comes again every few rounds: then the
 * processor foresees every comparison, and the look-up is all that takes time. */
static PyObject *
sort_rounds(PyObject *rounds, void (*sort)(long *, size_t), int random)
{
    static const size_t length = 512;
    long count = PyLong_AsLong(rounds);
    long *numbers = (long *)PyMem_Malloc(length * sizeof(long));
    if (numbers == NULL) {
        return PyErr_NoMemory();
    }
    uint64_t seed = 88172645463325252u ^ (uint64_t)(1e9 * loop_seconds());
    double took = 0;
    for (long i = 0; i < count; i++) {
        for (size_t k = 0; k < length; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            numbers[k] = random ? (long)(seed >> 33) : (long)((k * 7919 + (size_t)i) % 1021);
        }
        double begin = loop_seconds();
        sort(numbers, length);
        took += loop_seconds() - begin;
    }
    PyMem_Free(numbers);
    return PyFloat_FromDouble(1e9 * took / (double)count);
}

#define SORT(name, sort, random)                                                                   \
    static PyObject *loop_sort_##name(PyObject *module, PyObject *rounds)                          \
    {                                                                                              \
        (void)module;                                                                              \
        return sort_rounds(rounds, sort, random);                                                  \
    }

SORT(static, sort_static, 1)
SORT(shim, sort_shim, 1)
SORT(with, sort_handed_down, 1)
SORT(static_same, sort_static, 0)
SORT(shim_same, sort_shim, 0)
SORT(call, sort_call, 1)
SORT(call_same, sort_call, 0)

static PyMethodDef lookups_methods[] = {
    {"static", loop_static, METH_O, NULL},
    {"shim", loop_shim, METH_O, NULL},
    {"module_state", loop_module, METH_O, NULL},
#if PY_VERSION_HEX >= 0x030B0000
    {"by_def", loop_bydef, METH_O, NULL},
#endif
    {"interpreter_dict", loop_dict, METH_O, NULL},
    {"thread_local", loop_thread, METH_O, NULL},
    {"reader_count", loop_counted, METH_O, NULL},
    {"sort_static", loop_sort_static, METH_O, NULL},
    {"sort_shim", loop_sort_shim, METH_O, NULL},
    {"sort_with", loop_sort_with, METH_O, NULL},
    {"sort_static_same", loop_sort_static_same, METH_O, NULL},
    {"sort_shim_same", loop_sort_shim_same, METH_O, NULL},
    {"sort_call", loop_sort_call, METH_O, NULL},
    {"sort_call_same", loop_sort_call_same, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static int
lookups_exec(PyObject *module)
{
    (void)module;
    if (ExtShim_Begin("lookups") < 0) {
        return -1;
    }
    struct counts *mine = ExtShim_STATE(shim_counts, struct counts);
    PyObject *capsule = PyCapsule_New(mine, dict_key, NULL);
    PyObject *dict = PyInterpreterState_GetDict(PyInterpreterState_Get());
    if (mine == NULL || capsule == NULL ||
        PyDict_SetItem(dict, ExtShim_GET(dict_name), capsule) < 0) {
        Py_XDECREF(capsule);
        return -1;
    }
    Py_DECREF(capsule);
    by_id[PyInterpreterState_GetID(PyInterpreterState_Get()) & 63] = mine;
#if PY_VERSION_HEX >= 0x030B0000
    static PyType_Slot slots[] = {{0, NULL}};
    static PyType_Spec spec = {"lookups.Own", sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT, slots};
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (type == NULL) {
        return -1;
    }
    if (own_type == NULL) {
        own_type = (PyTypeObject *)type;
    }
    else {
        Py_DECREF(type);
    }
#endif
    return 0;
}

static PyModuleDef_Slot lookups_slots[] = {
    {Py_mod_exec, (void *)lookups_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};
static PyModuleDef lookups_def = {
    PyModuleDef_HEAD_INIT,
    "lookups",
    NULL,
    sizeof(struct counts),
    lookups_methods,
    lookups_slots,
    NULL,
    NULL,
    NULL,
};

PyMODINIT_FUNC PyInit_lookups(void);
PyMODINIT_FUNC
PyInit_lookups(void)
{
    return PyModuleDef_Init(&lookups_def);
}
