#include "worker_begin.h"

#include <stdio.h>
#include <string.h>

#include "lifecycle.h"
#include "transfer.h"
#include "worker_connect.h"
#include "worker_run.h"

PyMODINIT_FUNC PyInit__pool(void);

/* ---- beginning ---- */

/* Writes the exception being raised: type and message; with a state, behind WORKER_TRACEBACK the
 * whole traceback, as far as there is room. */
static void
begin_describe_error(struct pool_state *state, char *error, size_t size)
{
    PyObject *raised = PyErr_GetRaisedException();
    PyObject *text = raised ? PyObject_Str(raised) : NULL;
    PyErr_Clear();
    PyObject *dumped = raised && state ? state_call(state, &state->hook_dump_error, raised) : NULL;
    PyErr_Clear();
    const char *message = text ? PyUnicode_AsUTF8(text) : NULL;
    const char *traceback = NULL;
    if (dumped && PyTuple_Check(dumped) && PyTuple_GET_SIZE(dumped) == 4) {
        traceback = PyUnicode_AsUTF8(PyTuple_GET_ITEM(dumped, 3));
    }
    PyErr_Clear();
    const char *name = raised ? Py_TYPE(raised)->tp_name : "error";
    int room = (int)(size / 4);
    size_t length = traceback ? strlen(traceback) : 0;
    if (length > size / 2) {
        traceback += length - size / 2; /* its end tells most */
    }
    snprintf(error, size, "%s%s%.*s%s%s", name, message && *message ? ": " : "", room,
             message ? message : "", traceback ? WORKER_TRACEBACK : "", traceback ? traceback : "");
    Py_XDECREF(dumped);
    Py_XDECREF(text);
    Py_XDECREF(raised);
}

/* Makes the module without importing it: that would read folders, and wait for the lock of the
 * program's interpreter, where CPython runs every init function first. */
static PyObject *
begin_make_module(PyObject *file)
{
    PyModuleDef *def = (PyModuleDef *)PyInit__pool();
    PyObject *files = PyImport_ImportModule("_frozen_importlib_external");
    PyObject *spec =
        files ? PyObject_CallMethod(files, "spec_from_file_location", "sO", WORKER_MODULE, file)
              : NULL;
    PyObject *loader = spec ? PyObject_GetAttrString(spec, "loader") : NULL;
    PyObject *module = loader ? PyModule_FromDefAndSpec(def, spec) : NULL;
    if (module && (PyObject_SetAttrString(module, "__spec__", spec) < 0 ||
                   PyObject_SetAttrString(module, "__loader__", loader) < 0 ||
                   PyObject_SetAttrString(module, "__file__", file) < 0 ||
                   PyModule_AddStringConstant(module, "__package__", "extpool") < 0 ||
                   PyModule_ExecDef(module, def) < 0 ||
                   PyDict_SetItemString(PyImport_GetModuleDict(), WORKER_MODULE, module) < 0)) {
        Py_CLEAR(module);
    }
    Py_XDECREF(loader);
    Py_XDECREF(spec);
    Py_XDECREF(files);
    return module;
}

/* Is there a module that the policy has to look at, as a .pth file or sitecustomize imported it? */
static int
begin_has_foreign(void)
{
    int found = 0;
    PyObject *modules = PyMapping_Values(PyImport_GetModuleDict());
    for (Py_ssize_t i = 0; modules && !found && i < PyList_GET_SIZE(modules); i++) {
        PyObject *module = PyList_GET_ITEM(modules, i);
        PyObject *dict = PyModule_Check(module) ? PyModule_GetDict(module) : NULL;
        PyObject *file = NULL;
        if (dict && PyDict_GetItemStringRef(dict, "__file__", &file) > 0 && PyUnicode_Check(file)) {
            Py_ssize_t size = PyUnicode_GET_LENGTH(file);
            PyObject *end = PyUnicode_Substring(file, size > 3 ? size - 3 : 0, size);
            found = !end || PyUnicode_CompareWithASCIIString(end, ".py") != 0;
            Py_XDECREF(end);
        }
        Py_XDECREF(file);
        found = found || !dict;
    }
    Py_XDECREF(modules);
    return !modules || PyErr_Occurred() ? -1 : found;
}

/* The module of this interpreter; *eager when its Python part is needed at once. */
static PyObject *
begin_module(struct worker *worker, int *eager)
{
    PyObject *values[4];
    size_t position = 0;
    /* The strings among them need no state. */
    if (transfer_decode_all(NULL, &worker->start, &position, values, 4) < 0) {
        return NULL;
    }
    PyObject *name = PyUnicode_FromString(WORKER_MODULE);
    PyObject *module = NULL;
    int foreign = PySys_SetObject("path", values[0]) < 0 ? -1 : begin_has_foreign();
    *eager = foreign || worker->core->eager;
    if (name && foreign >= 0) {
        module = foreign ? PyImport_GetModule(name) : NULL;
        if (module &&
            (!PyModule_Check(module) || PyModule_GetDef(module) != (PyModuleDef *)PyInit__pool())) {
            Py_CLEAR(module);
        }
        if (!module && !PyErr_Occurred()) {
            module = Py_IsNone(values[1]) ? PyImport_Import(name) : begin_make_module(values[1]);
        }
    }
    Py_XDECREF(name);
    for (int i = 0; i < 4; i++) {
        Py_DECREF(values[i]);
    }
    return module;
}

static struct pool_state *
begin_state(struct worker *worker)
{
    int eager;
    PyObject *module = begin_module(worker, &eager);
    struct pool_state *state = module ? PyModule_GetState(module) : NULL;
    int ready = state && lifecycle_guard_frames(module) == 0;
    if (ready) {
        state->worker = worker;
    }
    ready = ready && worker_set_traps(module) == 0 && (!eager || worker_connect(state) == 0);
    Py_XDECREF(module);
    return ready ? state : NULL;
}

struct pool_state *
worker_prepare(struct worker *worker, char *error, size_t size)
{
    struct core *core = worker->core;
    if (core->initializer_error) {
        snprintf(error, size, "%s", core->initializer_error);
        return NULL;
    }
    struct pool_state *state = begin_state(worker);
    if (!state || worker_initialize(worker, state) < 0) {
        begin_describe_error(state, error, size);
        return NULL;
    }
    return state;
}

/* ---- end ---- */

/* Can there be threads of tasks? -1 with an exception set. */
static int
begin_has_threads(void)
{
    PyObject *name = PyUnicode_FromString("threading");
    PyObject *threading = name ? PyImport_GetModule(name) : NULL;
    PyObject *threads = PyImport_ImportModule("_thread");
    PyObject *count = threads ? PyObject_CallMethod(threads, "_count", NULL) : NULL;
    int found = threading || (count && PyLong_AsLong(count) != 0);
    Py_XDECREF(count);
    Py_XDECREF(threads);
    Py_XDECREF(threading);
    Py_XDECREF(name);
    return PyErr_Occurred() ? -1 : found;
}

int
worker_wind_up(struct pool_state *state)
{
    if (!state) {
        return 0; /* never got as far as running code that could leave threads behind */
    }
    int wanted = atomic_load(&state->connected) ? 1 : begin_has_threads();
    if (wanted == 0) {
        return 0;
    }
    PyObject *facade =
        wanted < 0 || worker_connect(state) < 0 ? NULL : PyImport_ImportModule("extpool._worker");
    PyObject *done = facade ? PyObject_CallMethod(facade, "wind_up", NULL) : NULL;
    Py_XDECREF(facade);
    if (!done) {
        PyErr_Clear();
        return -1;
    }
    Py_DECREF(done);
    return 0;
}
