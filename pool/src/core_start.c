/* Starting the workers of a pool. */
#include <sys/mman.h>

#include "core.h"
#include "transfer.h"
#include "worker.h"

/* Address space that a worker may take while it starts, bytes: its stack, what the C library sets
 * aside for its thread, the interpreter. */
#define ROOM ((size_t)100 << 20)

/* sys.path as it is now: the strings in it, as import looks at nothing else there, and a worker has
 * to read the list before it can import what reads everything. New list. */
static PyObject *
core_import_path(void)
{
    PyObject *sys = PyImport_ImportModule("sys");
    PyObject *path = sys ? PyObject_GetAttrString(sys, "path") : NULL;
    PyObject *items = path ? PySequence_List(path) : NULL;
    PyObject *strings = items ? PyList_New(0) : NULL;
    for (Py_ssize_t i = 0; strings && i < PyList_GET_SIZE(items); i++) {
        PyObject *item = PyList_GetItemRef(items, i);
        PyObject *exact = item && PyUnicode_Check(item) ? PyUnicode_FromObject(item) : NULL;
        if (PyErr_Occurred() || (exact && PyList_Append(strings, exact) < 0)) {
            Py_CLEAR(strings);
        }
        Py_XDECREF(exact);
        Py_XDECREF(item);
    }
    Py_XDECREF(items);
    Py_XDECREF(path);
    Py_XDECREF(sys);
    return strings;
}

/* __file__ of a module as a string, None where it has none. */
static PyObject *
core_file(PyObject *module)
{
    PyObject *file = module ? PyObject_GetAttrString(module, "__file__") : NULL;
    PyErr_Clear();
    if (!file || !PyUnicode_CheckExact(file)) {
        Py_XSETREF(file, Py_NewRef(Py_None));
    }
    return file;
}

/* What worker_begin.h says of worker.start: four new references, or -1. */
static int
core_start_values(struct pool_state *state, PyObject **values)
{
    PyObject *name = PyUnicode_FromString("extpool");
    PyObject *package = name ? PyImport_GetModule(name) : NULL;
    PyObject *path = package ? PyObject_GetAttrString(package, "__path__") : NULL;
    values[0] = core_import_path();
    values[1] = values[0] ? core_file(state->module) : NULL;
    values[2] = values[0] ? core_file(package) : NULL;
    values[3] = path ? PySequence_List(path) : NULL;
    Py_XDECREF(path);
    Py_XDECREF(package);
    Py_XDECREF(name);
    return values[0] && values[3] ? 0 : -1;
}

/* Before 3.15, making an interpreter while tracemalloc is on never ends: it allocates with a lock
 * held that tracemalloc then wants. 0, or -1 with RuntimeError when it is on. */
static int
core_check_tracing(void)
{
    int tracing = 0;
#if PY_VERSION_HEX < 0x030f0000
    PyObject *name = PyUnicode_FromString("_tracemalloc");
    PyObject *module = name ? PyImport_GetModule(name) : NULL;
    PyObject *answer = module ? PyObject_CallMethod(module, "is_tracing", NULL) : NULL;
    tracing = answer && PyObject_IsTrue(answer) > 0;
    Py_XDECREF(answer);
    Py_XDECREF(module);
    Py_XDECREF(name);
    PyErr_Clear();
    if (tracing) {
        PyErr_SetString(PyExc_RuntimeError,
                        "interpreters cannot be made while tracemalloc is on (CPython before "
                        "3.15 would hang); call tracemalloc.stop() first");
    }
#endif
    return -tracing;
}

/* CPython crashes where memory runs out while it makes an interpreter. Where the address space is
 * limited (ulimit -v), workers are made only while there is room for all that are starting. 0, or
 * -1 with MemoryError. */
static int
core_check_room(struct core *core)
{
#if UINTPTR_MAX > 0xffffffff
    size_t size = ROOM * (size_t)jobs_starting(&core->jobs);
    void *room = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) {
        PyErr_SetString(PyExc_MemoryError,
                        "no room for the interpreter of one more worker (CPython would crash "
                        "making it); raise the limit of the address space or use fewer workers");
        return -1;
    }
    munmap(room, size);
#endif
    return 0;
}

int
core_start_workers(struct pool_state *state, struct core *core, int count)
{
    if (count == 0) {
        return 0;
    }
    if (notifier_start(core->notifier) < 0) {
        PyErr_Clear(); /* only what workers have to tell is lost */
    }
    PyObject *values[4] = {NULL, NULL, NULL, NULL};
    int ready = core_check_tracing() == 0 && core_start_values(state, values) == 0;
    for (; count > 0 && ready; count--) {
        struct message message;
        message_init(&message);
        int started =
            core_check_room(core) == 0 && transfer_encode(state, &message, values, 4) == 0;
        if (started && worker_start(core, &message) < 0) {
            PyErr_SetString(PyExc_RuntimeError, "can't start new thread (extpool worker)");
            started = 0;
        }
        message_clear(&message);
        if (!started) {
            break;
        }
    }
    for (int i = 0; i < 4; i++) {
        Py_XDECREF(values[i]);
    }
    int failed = count > 0;
    for (; count > 0; count--) {
        jobs_worker_left(&core->jobs, 0);
    }
    if (failed && jobs_workers(&core->jobs) > 0) {
        PyErr_Clear(); /* the others will do the work */
        failed = 0;
    }
    return failed ? -1 : 0;
}
