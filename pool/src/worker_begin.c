#include "worker_begin.h"

#include <stdio.h>
#include <string.h>

#include "interp.h"
#include "leftovers.h"
#include "lifecycle.h"
#include "transfer.h"
#include "worker_run.h"

#define OWN_NAME "extpool._pool"

PyMODINIT_FUNC PyInit__pool(void);

/* ---- what leads to the Python part ---- */

static const char *const begin_trapped[][2] = {
    {"_imp", "create_dynamic"},
    {"_thread", "start_new_thread"},
    {"_thread", "start_new"},
};

static PyObject *begin_trap(PyObject *self, PyObject *const *args, Py_ssize_t count,
                            PyObject *names);

/* One for all; what it stands for is in its self: (own module, other module, name, original). */
static PyMethodDef begin_trap_def = {
    "builtin_function", (PyCFunction)(void (*)(void))begin_trap, METH_FASTCALL | METH_KEYWORDS,
    PyDoc_STR("What extpool has not looked at yet; the first call makes it look.")};

static int
begin_is_trap(PyObject *function)
{
    return PyCFunction_CheckExact(function) &&
           PyCFunction_GET_FUNCTION(function) == begin_trap_def.ml_meth;
}

static PyObject *
begin_trap(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    PyObject *name = PyTuple_GET_ITEM(self, 2);
    if (worker_connect(PyModule_GetState(PyTuple_GET_ITEM(self, 0))) < 0) {
        return NULL;
    }
    PyObject *function = PyObject_GetAttr(PyTuple_GET_ITEM(self, 1), name);
    if (function && begin_is_trap(function)) {
        /* The Python part itself is being loaded here, or the interpreter was given up. */
        PyErr_Format(PyExc_ImportError, "extpool: %U() is out of use in this interpreter", name);
        Py_CLEAR(function);
    }
    PyObject *result = function ? PyObject_Vectorcall(function, args, (size_t)count, names) : NULL;
    Py_XDECREF(function);
    return result;
}

/* The function that a trap stands for, any other function itself. Returns a new reference. */
static PyObject *
begin_original(PyObject *module, PyObject *function)
{
    (void)module;
    if (!begin_is_trap(function)) {
        return Py_NewRef(function);
    }
    return Py_NewRef(PyTuple_GET_ITEM(PyCFunction_GET_SELF(function), 3));
}

static int
begin_set_trap(PyObject *own, const char *module, const char *name)
{
    PyObject *place = PyImport_ImportModule(module);
    PyObject *original = place ? PyObject_GetAttrString(place, name) : NULL;
    PyObject *self = original ? Py_BuildValue("(OOsO)", own, place, name, original) : NULL;
    PyObject *trap = self ? PyCFunction_New(&begin_trap_def, self) : NULL;
    int result = trap ? PyObject_SetAttrString(place, name, trap) : -1;
    Py_XDECREF(trap);
    Py_XDECREF(self);
    Py_XDECREF(original);
    Py_XDECREF(place);
    return result;
}

/* ---- the Python part ---- */

/* The package from where the program has it, whatever a task did to sys.path meanwhile. Where that
 * does not work (a package in a zip file) the import path is asked. */
static PyObject *
begin_load_package(PyObject *file, PyObject *path)
{
    PyObject *loading = PyImport_ImportModule("_frozen_importlib");
    PyObject *files = loading ? PyImport_ImportModule("_frozen_importlib_external") : NULL;
    PyObject *make = files ? PyObject_GetAttrString(files, "spec_from_file_location") : NULL;
    PyObject *args = make ? Py_BuildValue("(sO)", "extpool", file) : NULL;
    PyObject *named = args ? Py_BuildValue("{sO}", "submodule_search_locations", path) : NULL;
    PyObject *spec = named ? PyObject_Call(make, args, named) : NULL;
    PyObject *package = spec ? PyObject_CallMethod(loading, "module_from_spec", "O", spec) : NULL;
    PyObject *loader = package ? PyObject_GetAttrString(spec, "loader") : NULL;
    PyObject *done = loader ? PyObject_CallMethod(loader, "exec_module", "O", package) : NULL;
    if (!done) {
        Py_CLEAR(package);
    }
    Py_XDECREF(done);
    Py_XDECREF(loader);
    Py_XDECREF(spec);
    Py_XDECREF(named);
    Py_XDECREF(args);
    Py_XDECREF(make);
    Py_XDECREF(files);
    Py_XDECREF(loading);
    return package;
}

/* sys.modules gets the package and the C module that serves this worker. */
static int
begin_enter_modules(struct pool_state *state)
{
    PyObject *modules = PyImport_GetModuleDict();
    PyObject *values[4] = {NULL, NULL, NULL, NULL};
    size_t position = 0;
    PyObject *own = PyUnicode_FromString(OWN_NAME);
    PyObject *name = PyUnicode_FromString("extpool");
    int result = -1;
    if (own && name && PyDict_SetDefaultRef(modules, own, state->module, NULL) >= 0 &&
        transfer_decode_all(state, &state->worker->start, &position, values, 4) == 0) {
        PyObject *package = PyDict_Contains(modules, name) || Py_IsNone(values[2])
                                ? NULL
                                : begin_load_package(values[2], values[3]);
        if (PyErr_ExceptionMatches(PyExc_Exception)) {
            PyErr_Clear();
        }
        result =
            PyErr_Occurred() || (package && PyDict_SetDefaultRef(modules, name, package, NULL) < 0);
        Py_XDECREF(package);
    }
    for (int i = 0; i < 4; i++) {
        Py_XDECREF(values[i]);
    }
    Py_XDECREF(own);
    Py_XDECREF(name);
    return result ? -1 : 0;
}

int
worker_connect(struct pool_state *state)
{
    if (!state->worker || atomic_load_explicit(&state->connected, memory_order_acquire)) {
        return 0;
    }
    /* A module, as importing is done once, and waited for, whichever threads come here. */
    PyObject *connect =
        begin_enter_modules(state) == 0 ? PyImport_ImportModule("extpool._connect") : NULL;
    Py_XDECREF(connect);
    return connect ? 0 : -1;
}

/* _settings(): what the pool was made with, as plain data. Workers only. */
static PyObject *
begin_settings(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    struct pool_state *state = PyModule_GetState(module);
    size_t position = 0;
    if (!state->worker) {
        PyErr_SetString(PyExc_RuntimeError, "this interpreter is no worker");
        return NULL;
    }
    return transfer_decode(state, &state->worker->core->settings, &position);
}

/* _connected(): the Python part is there. */
static PyObject *
begin_connected(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    struct pool_state *state = PyModule_GetState(module);
    atomic_store_explicit(&state->connected, 1, memory_order_release);
    Py_RETURN_NONE;
}

/* _watch_threads(): makes _thread_begins() and _threads_end() usable. */
static PyObject *
begin_watch_threads(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    struct pool_state *state = PyModule_GetState(module);
    if (!state->threads && (state->threads = leftovers_new()) == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "no room for what watches low-level threads");
        return NULL;
    }
    Py_RETURN_NONE;
}

/* _thread_begins(): the calling thread is one that _threads_end() has to wait for. */
static PyObject *
begin_thread_begins(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    struct pool_state *state = PyModule_GetState(module);
    return leftovers_add(state->threads) < 0 ? PyErr_NoMemory() : Py_NewRef(Py_None);
}

/* _threads_end(): waits until those threads are out of CPython. */
static PyObject *
begin_threads_end(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    struct pool_state *state = PyModule_GetState(module);
    PyThreadState *own;
    interp_leave(&own);
    leftovers_wait(state->threads);
    interp_return(&own);
    Py_RETURN_NONE;
}

PyMethodDef worker_begin_methods[] = {
    {"_original", begin_original, METH_O, NULL},
    {"_settings", begin_settings, METH_NOARGS, NULL},
    {"_connected", begin_connected, METH_NOARGS, NULL},
    {"_watch_threads", begin_watch_threads, METH_NOARGS, NULL},
    {"_thread_begins", begin_thread_begins, METH_NOARGS, NULL},
    {"_threads_end", begin_threads_end, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

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
        files ? PyObject_CallMethod(files, "spec_from_file_location", "sO", OWN_NAME, file) : NULL;
    PyObject *loader = spec ? PyObject_GetAttrString(spec, "loader") : NULL;
    PyObject *module = loader ? PyModule_FromDefAndSpec(def, spec) : NULL;
    if (module && (PyObject_SetAttrString(module, "__spec__", spec) < 0 ||
                   PyObject_SetAttrString(module, "__loader__", loader) < 0 ||
                   PyObject_SetAttrString(module, "__file__", file) < 0 ||
                   PyModule_AddStringConstant(module, "__package__", "extpool") < 0 ||
                   PyModule_ExecDef(module, def) < 0 ||
                   PyDict_SetItemString(PyImport_GetModuleDict(), OWN_NAME, module) < 0)) {
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
    PyObject *name = PyUnicode_FromString(OWN_NAME);
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
    for (size_t i = 0; ready && i < sizeof(begin_trapped) / sizeof(begin_trapped[0]); i++) {
        ready = begin_set_trap(module, begin_trapped[i][0], begin_trapped[i][1]) == 0;
    }
    ready = ready && (!eager || worker_connect(state) == 0);
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
