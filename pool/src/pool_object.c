/* class Pool:                                       # InterpreterPool adds Executor and defaults
 *     def _open(self, max_workers, name, exit_timeout, settings, initializer, initargs): ...
 *     def submit(self, fn, /, *args, **kwargs): ...    # -> Future
 *     def _submit_chunk(self, fn, items, starred): ... # -> Future of a list
 *     def _shutdown(self, timeout, cancel_futures): ...# -> are the workers gone?
 *     def _interrupt_all(self): ...                    # -> how many tasks
 *     def _give_up(self): ...                          # -> how many workers
 *     def _decisions(self): ...                        # -> [(key, bytes)] about modules
 *     def running(self): ...                           # -> [(worker, task, seconds)]
 *
 * submit() and _submit_chunk() are in pool_submit.c. */
#include <string.h>

#include "pool_parts.h"
#include "transfer.h"

/* ---- opening ---- */

/* The initializer's function and arguments; if they cannot travel, workers will say so. */
static int
pool_set_initializer(struct pool_state *state, struct core *core, PyObject *initializer,
                     PyObject *initargs)
{
    core->initializer = pool_describe(state, core, initializer, NULL);
    core->initializer_args = (int)PyTuple_GET_SIZE(initargs);
    if (core->initializer &&
        transfer_encode(state, &core->initializer_in, ((PyTupleObject *)initargs)->ob_item,
                        PyTuple_GET_SIZE(initargs)) == 0) {
        return 0;
    }
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return -1;
    }
    PyObject *error = PyErr_GetRaisedException();
    PyObject *text = PyUnicode_FromFormat("%s: %S", Py_TYPE(error)->tp_name, error);
    const char *message = text ? PyUnicode_AsUTF8(text) : NULL;
    core->initializer_error = strdup(message ? message : "the initializer cannot be sent");
    PyErr_Clear();
    Py_XDECREF(text);
    Py_DECREF(error);
    return 0;
}

static PyObject *
pool_open(PyObject *self, PyObject *args)
{
    struct pool *pool = (struct pool *)self;
    struct pool_state *state = state_of(Py_TYPE(self));
    int max_workers;
    const char *name;
    double exit_timeout;
    PyObject *settings;
    PyObject *initializer;
    PyObject *initargs;
    if (!PyArg_ParseTuple(args, "isdOOO!:_open", &max_workers, &name, &exit_timeout, &settings,
                          &initializer, &PyTuple_Type, &initargs)) {
        return NULL;
    }
    if (pool->core || !state->future_type) {
        PyErr_SetString(PyExc_RuntimeError, "a pool is opened once, through InterpreterPool");
        return NULL;
    }
    if (state->exiting) {
        PyErr_SetString(PyExc_RuntimeError, "cannot make a pool after interpreter shutdown");
        return NULL;
    }
    core_prune(state);
    struct core *core = core_new(state, max_workers, name, exit_timeout);
    if (!core) {
        return NULL;
    }
    pool->core = core;
    PyObject *isolation = PyMapping_GetItemString(settings, "isolation");
    if (!isolation || transfer_encode(state, &core->settings, &settings, 1) < 0) {
        Py_XDECREF(isolation);
        return NULL;
    }
    core->eager = !Py_IsNone(isolation);
    Py_DECREF(isolation);
    if (!Py_IsNone(initializer) && (notifier_start(core->notifier) < 0 ||
                                    pool_set_initializer(state, core, initializer, initargs) < 0)) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* ---- ending ---- */

static PyObject *
pool_shutdown(PyObject *self, PyObject *args)
{
    struct pool *pool = (struct pool *)self;
    struct pool_state *state = state_of(Py_TYPE(self));
    double timeout; /* seconds; negative: no limit; 0: do not wait */
    int cancel;     /* 1: what no worker is starting for; 2: everything */
    if (!PyArg_ParseTuple(args, "di:_shutdown", &timeout, &cancel)) {
        return NULL;
    }
    struct core *core = pool->core;
    if (!core) {
        Py_RETURN_TRUE;
    }
    if (atomic_load(&core->jobs.mode) != JOBS_ABORT) {
        jobs_set_mode(&core->jobs, JOBS_DRAIN);
    }
    if (cancel) {
        core_cancel_queue(state, core, cancel == 1);
    }
    int gone = 0;
    if (timeout != 0.0) {
        gone = core_wait(core, wait_deadline(timeout));
        if (gone < 0) {
            return NULL;
        }
        if (gone) {
            notifier_catch_up(core->notifier);
        }
    }
    state_drain(state);
    return PyBool_FromLong(gone);
}

static PyObject *
pool_interrupt_all(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct pool *pool = (struct pool *)self;
    return pool->core ? PyLong_FromLong(core_interrupt_all(pool->core)) : PyLong_FromLong(0);
}

static PyObject *
pool_give_up(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct pool *pool = (struct pool *)self;
    if (!pool->core) {
        return PyLong_FromLong(0);
    }
    jobs_set_mode(&pool->core->jobs, JOBS_ABORT);
    core_cancel_queue(state_of(Py_TYPE(self)), pool->core, 0);
    return PyLong_FromLong(core_give_up(pool->core));
}

static PyObject *
pool_running(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct pool *pool = (struct pool *)self;
    return pool->core ? core_running(pool->core, 0) : PyList_New(0);
}

static PyObject *
pool_decisions(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct pool *pool = (struct pool *)self;
    return pool->core ? core_decisions(pool->core) : PyList_New(0);
}

static PyObject *
pool_get_workers(PyObject *self, void *closure)
{
    (void)closure;
    struct pool *pool = (struct pool *)self;
    return PyLong_FromLong(pool->core ? jobs_workers(&pool->core->jobs) : 0);
}

static PyObject *
pool_get_queued(PyObject *self, void *closure)
{
    (void)closure;
    struct pool *pool = (struct pool *)self;
    return PyLong_FromLong(pool->core ? atomic_load(&pool->core->jobs.queued) : 0);
}

static PyObject *
pool_get_broken(PyObject *self, void *closure)
{
    (void)closure;
    struct pool *pool = (struct pool *)self;
    const char *broken = pool->core ? atomic_load(&pool->core->broken) : NULL;
    if (!broken) {
        Py_RETURN_FALSE;
    }
    return PyUnicode_DecodeUTF8(broken, (Py_ssize_t)strlen(broken), "replace");
}

/* ---- type ---- */

static int
pool_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct pool *pool = (struct pool *)self;
    Py_VISIT(Py_TYPE(self));
    for (int i = 0; i < KNOWN_FUNCTIONS; i++) {
        Py_VISIT(pool->known[i].callable);
    }
    return 0;
}

static int
pool_clear(PyObject *self)
{
    struct pool *pool = (struct pool *)self;
    for (int i = 0; i < KNOWN_FUNCTIONS; i++) {
        function_unref(pool->known[i].function);
        pool->known[i].function = NULL;
        Py_CLEAR(pool->known[i].callable);
    }
    return 0;
}

/* Workers finish what is queued and leave, as those of any executor that is dropped. */
static void
pool_dealloc(PyObject *self)
{
    struct pool *pool = (struct pool *)self;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (pool->core) {
        if (atomic_load(&pool->core->jobs.mode) == JOBS_OPEN) {
            jobs_set_mode(&pool->core->jobs, JOBS_DRAIN);
        }
        atomic_store(&pool->core->orphaned, 1);
        core_unref(pool->core);
    }
    pool_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef pool_methods[] = {
    {"submit", (PyCFunction)(void (*)(void))pool_submit, METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("submit($self, fn, /, *args, **kwargs)\n--\n\n"
               "Has fn(*args, **kwargs) called by a worker.\n\n"
               "Returns: a Future. What cannot be sent makes the future fail; RuntimeError after\n"
               "shutdown, BrokenInterpreterPool after a failed initializer.\n"
               "Threads: any of the interpreter that made the pool.\n"
               "Since: 0.1.")},
    {"running", pool_running, METH_NOARGS,
     PyDoc_STR("running($self)\n--\n\n"
               "What the workers are at: a list of (worker, task name, seconds since it began).")},
    {"_open", pool_open, METH_VARARGS, NULL},
    {"_submit_chunk", pool_submit_chunk, METH_VARARGS, NULL},
    {"_shutdown", pool_shutdown, METH_VARARGS, NULL},
    {"_interrupt_all", pool_interrupt_all, METH_NOARGS, NULL},
    {"_give_up", pool_give_up, METH_NOARGS, NULL},
    {"_decisions", pool_decisions, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef pool_getset[] = {
    {"_worker_count", pool_get_workers, NULL, NULL, NULL},
    {"_queued", pool_get_queued, NULL, NULL, NULL},
    {"_broken", pool_get_broken, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot pool_slots[] = {
    {Py_tp_dealloc, pool_dealloc}, {Py_tp_traverse, pool_traverse}, {Py_tp_clear, pool_clear},
    {Py_tp_methods, pool_methods}, {Py_tp_getset, pool_getset},     {0, NULL},
};

PyType_Spec pool_object_spec = {
    .name = "extpool._pool.Pool",
    .basicsize = sizeof(struct pool),
    .flags =
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = pool_slots,
};
