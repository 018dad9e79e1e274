/* The Python part of a worker: what leads to it, loading it, what it calls. */
#include "worker_connect.h"

#include "interp.h"
#include "leftovers.h"
#include "transfer.h"
#include "worker.h"

/* ---- what leads to the Python part ---- */

static const char *const connect_trapped[][2] = {
    {"_imp", "create_dynamic"},
    {"_thread", "start_new_thread"},
    {"_thread", "start_new"},
};

static PyObject *connect_trap(PyObject *self, PyObject *const *args, Py_ssize_t count,
                              PyObject *names);

/* One for all; what it stands for is in its self: (own module, other module, name, original). */
static PyMethodDef connect_trap_def = {
    "builtin_function", (PyCFunction)(void (*)(void))connect_trap, METH_FASTCALL | METH_KEYWORDS,
    PyDoc_STR("What extpool has not looked at yet; the first call makes it look.")};

static int
connect_is_trap(PyObject *function)
{
    return PyCFunction_CheckExact(function) &&
           PyCFunction_GET_FUNCTION(function) == connect_trap_def.ml_meth;
}

static PyObject *
connect_trap(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    PyObject *name = PyTuple_GET_ITEM(self, 2);
    if (worker_connect(PyModule_GetState(PyTuple_GET_ITEM(self, 0))) < 0) {
        return NULL;
    }
    PyObject *function = PyObject_GetAttr(PyTuple_GET_ITEM(self, 1), name);
    if (function && connect_is_trap(function)) {
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
connect_original(PyObject *module, PyObject *function)
{
    (void)module;
    if (!connect_is_trap(function)) {
        return Py_NewRef(function);
    }
    return Py_NewRef(PyTuple_GET_ITEM(PyCFunction_GET_SELF(function), 3));
}

static int
connect_set_trap(PyObject *own, const char *module, const char *name)
{
    PyObject *place = PyImport_ImportModule(module);
    PyObject *original = place ? PyObject_GetAttrString(place, name) : NULL;
    PyObject *self = original ? Py_BuildValue("(OOsO)", own, place, name, original) : NULL;
    PyObject *trap = self ? PyCFunction_New(&connect_trap_def, self) : NULL;
    int result = trap ? PyObject_SetAttrString(place, name, trap) : -1;
    Py_XDECREF(trap);
    Py_XDECREF(self);
    Py_XDECREF(original);
    Py_XDECREF(place);
    return result;
}

int
worker_set_traps(PyObject *own)
{
    for (size_t i = 0; i < sizeof(connect_trapped) / sizeof(connect_trapped[0]); i++) {
        if (connect_set_trap(own, connect_trapped[i][0], connect_trapped[i][1]) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- the Python part ---- */

/* The package from where the program has it, whatever a task did to sys.path meanwhile. Where that
 * does not work (a package in a zip file) the import path is asked. */
static PyObject *
connect_load_package(PyObject *file, PyObject *path)
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
connect_enter_modules(struct pool_state *state)
{
    PyObject *modules = PyImport_GetModuleDict();
    PyObject *values[4] = {NULL, NULL, NULL, NULL};
    size_t position = 0;
    PyObject *own = PyUnicode_FromString(WORKER_MODULE);
    PyObject *name = PyUnicode_FromString("extpool");
    int result = -1;
    if (own && name && PyDict_SetDefaultRef(modules, own, state->module, NULL) >= 0 &&
        transfer_decode_all(state, &state->worker->start, &position, values, 4) == 0) {
        PyObject *package = PyDict_Contains(modules, name) || Py_IsNone(values[2])
                                ? NULL
                                : connect_load_package(values[2], values[3]);
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
        connect_enter_modules(state) == 0 ? PyImport_ImportModule("extpool._connect") : NULL;
    Py_XDECREF(connect);
    return connect ? 0 : -1;
}

/* _settings(): what the pool was made with, as plain data. Workers only. */
static PyObject *
connect_settings(PyObject *module, PyObject *Py_UNUSED(ignored))
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
connect_done(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    struct pool_state *state = PyModule_GetState(module);
    atomic_store_explicit(&state->connected, 1, memory_order_release);
    Py_RETURN_NONE;
}

/* _watch_threads(): makes _thread_begins() and _threads_end() usable. */
static PyObject *
connect_watch_threads(PyObject *module, PyObject *Py_UNUSED(ignored))
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
connect_thread_begins(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    struct pool_state *state = PyModule_GetState(module);
    return leftovers_add(state->threads) < 0 ? PyErr_NoMemory() : Py_NewRef(Py_None);
}

/* _threads_end(): waits until those threads are out of CPython. */
static PyObject *
connect_threads_end(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    struct pool_state *state = PyModule_GetState(module);
    PyThreadState *own;
    interp_leave(&own);
    leftovers_wait(state->threads);
    interp_return(&own);
    Py_RETURN_NONE;
}

PyMethodDef worker_connect_methods[] = {
    {"_original", connect_original, METH_O, NULL},
    {"_settings", connect_settings, METH_NOARGS, NULL},
    {"_connected", connect_done, METH_NOARGS, NULL},
    {"_watch_threads", connect_watch_threads, METH_NOARGS, NULL},
    {"_thread_begins", connect_thread_begins, METH_NOARGS, NULL},
    {"_threads_end", connect_threads_end, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
