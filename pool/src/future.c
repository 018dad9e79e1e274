/* class Future(concurrent.futures.Future):
 *     _state, _condition, _waiters, _result, _exception   # what wait() and friends look at
 *     def result(self, timeout=None): ...                 # and the rest of the base class
 *     def interrupt(self): ...
 *
 * Two ways to learn of the end. result() sleeps on the task's own word and needs nobody's help. As
 * soon as somebody asks for _condition or adds a callback, the task is marked: the notifier will
 * publish the end, and until then the future is not FINISHED for those who look at _state. */
#include <stddef.h>

#include "future_parts.h"

PyObject *
future_new(struct pool_state *state, struct task *task)
{
    PyObject *self = state->future_type->tp_alloc(state->future_type, 0);
    if (self) {
        future_data(state, self)->task = task; /* all other fields are zero */
    }
    return self;
}

void
future_fail(struct pool_state *state, PyObject *self)
{
    struct future *future = future_data(state, self);
    future->error = PyErr_GetRaisedException();
    job_start(&future->task->job);
    job_seal(&future->task->job);
    job_finish(&future->task->job);
}

/* ---- cancelling, interrupting ---- */

/* A cancelled task needs no arguments any more, and who watches it has to be told. */
static void
future_after_cancel(struct pool_state *state, struct task *task)
{
    message_clear(&task->in);
    future_publish(state, task);
}

void
future_cancel_task(struct pool_state *state, struct task *task)
{
    int first;
    job_cancel(&task->job, &first);
    if (first) {
        future_after_cancel(state, task);
    }
}

static PyObject *
future_cancel(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct pool_state *state = future_state(self);
    struct task *task = future_data(state, self)->task;
    int first;
    int cancelled;
    Py_BEGIN_CRITICAL_SECTION(self);
    cancelled = job_cancel(&task->job, &first);
    Py_END_CRITICAL_SECTION();
    if (first) {
        future_after_cancel(state, task);
    }
    return PyBool_FromLong(cancelled);
}

static PyObject *
future_interrupt(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    struct task *task = future_data(future_state(self), self)->task;
    int state = job_state(&task->job);
    if (!(state & JOB_RUNNING) || (state & JOB_DONE)) {
        Py_RETURN_FALSE;
    }
    int done = core_interrupt(task->core, task);
    return done < 0 ? NULL : PyBool_FromLong(done);
}

/* ---- what the base class and its friends look at ---- */

static PyObject *
future_done(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return PyBool_FromLong(future_ended(future_data(future_state(self), self)));
}

static PyObject *
future_running(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    int state = job_state(&future_data(future_state(self), self)->task->job);
    return PyBool_FromLong((state & JOB_RUNNING) && !(state & JOB_DONE));
}

static PyObject *
future_cancelled(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    int state = job_state(&future_data(future_state(self), self)->task->job);
    return PyBool_FromLong(state & JOB_CANCELLED);
}

static PyObject *
future_get_state(PyObject *self, void *closure)
{
    (void)closure;
    struct pool_state *state = future_state(self);
    struct future *future = future_data(state, self);
    int bits = job_state(&future->task->job);
    PyObject *name;
    if (bits & JOB_CANCELLED) {
        name = state->cancelled_name;
    }
    else if ((bits & JOB_DONE) && (future->published || !(bits & JOB_NOTIFY))) {
        name = state->finished;
    }
    else {
        name = bits & JOB_RUNNING ? state->running : state->pending;
    }
    return Py_NewRef(name);
}

static PyObject *
future_get_condition(PyObject *self, void *closure)
{
    (void)closure;
    struct pool_state *state = future_state(self);
    struct future *future = future_data(state, self);
    PyObject *condition = NULL;
    PyObject *fresh = future->condition ? NULL : state_call(state, &state->hook_condition, Py_None);
    Py_BEGIN_CRITICAL_SECTION(self);
    if (!future->condition) {
        future->condition = Py_XNewRef(fresh);
    }
    if (future->condition && (future->published || future_watch(self, future) >= 0)) {
        condition = Py_NewRef(future->condition);
    }
    Py_END_CRITICAL_SECTION();
    Py_XDECREF(fresh);
    return condition;
}

static PyObject *
future_get_list(PyObject *self, void *closure)
{
    size_t offset = *(const size_t *)closure;
    struct future *future = future_data(future_state(self), self);
    PyObject **field = (PyObject **)(void *)((char *)future + offset);
    PyObject *list;
    Py_BEGIN_CRITICAL_SECTION(self);
    if (!*field) {
        *field = PyList_New(0);
    }
    list = Py_XNewRef(*field);
    Py_END_CRITICAL_SECTION();
    return list;
}

/* _result and _exception: None until there is one. */
static PyObject *
future_get_outcome(PyObject *self, void *closure)
{
    size_t offset = *(const size_t *)closure;
    struct pool_state *state = future_state(self);
    struct future *future = future_data(state, self);
    if (job_state(&future->task->job) & JOB_DONE) {
        future_fill(state, self, future);
    }
    PyObject *value;
    Py_BEGIN_CRITICAL_SECTION(self);
    value = Py_XNewRef(*(PyObject **)(void *)((char *)future + offset));
    Py_END_CRITICAL_SECTION();
    return value ? value : Py_NewRef(Py_None);
}

/* ---- type ---- */

static int
future_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct future *future = future_data(future_state(self), self);
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(future->result);
    Py_VISIT(future->error);
    Py_VISIT(future->condition);
    Py_VISIT(future->waiters);
    Py_VISIT(future->callbacks);
    return PyObject_VisitManagedDict(self, visit, arg);
}

static int
future_clear(PyObject *self)
{
    struct future *future = future_data(future_state(self), self);
    Py_CLEAR(future->result);
    Py_CLEAR(future->error);
    Py_CLEAR(future->condition);
    Py_CLEAR(future->waiters);
    Py_CLEAR(future->callbacks);
    PyObject_ClearManagedDict(self);
    return 0;
}

static void
future_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    struct task *task = future_data(future_state(self), self)->task;
    PyObject_GC_UnTrack(self);
    PyObject_ClearWeakRefs(self);
    future_clear(self);
    if (task) {
        job_unref(&task->job);
    }
    type->tp_free(self);
    Py_DECREF(type);
}

static const size_t future_waiters_field = offsetof(struct future, waiters);
static const size_t future_callbacks_field = offsetof(struct future, callbacks);
static const size_t future_result_field = offsetof(struct future, result);
static const size_t future_error_field = offsetof(struct future, error);

static PyGetSetDef future_getset[] = {
    {"_state", future_get_state, NULL, NULL, NULL},
    {"_condition", future_get_condition, NULL, NULL, NULL},
    {"_waiters", future_get_list, NULL, NULL, (void *)&future_waiters_field},
    {"_done_callbacks", future_get_list, NULL, NULL, (void *)&future_callbacks_field},
    {"_result", future_get_outcome, NULL, NULL, (void *)&future_result_field},
    {"_exception", future_get_outcome, NULL, NULL, (void *)&future_error_field},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef future_methods[] = {
    {"result", (PyCFunction)(void (*)(void))future_result, METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("result(timeout=None)\n--\n\nWaits at most timeout seconds for what the call "
               "returned; raises what it raised.")},
    {"exception", (PyCFunction)(void (*)(void))future_exception, METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("exception(timeout=None)\n--\n\nWaits like result(); the exception of the call, "
               "or None.")},
    {"done", future_done, METH_NOARGS,
     PyDoc_STR("done()\n--\n\nWhether it has ended or was cancelled.")},
    {"running", future_running, METH_NOARGS,
     PyDoc_STR("running()\n--\n\nWhether a worker is at it.")},
    {"cancelled", future_cancelled, METH_NOARGS,
     PyDoc_STR("cancelled()\n--\n\nWhether it was cancelled.")},
    {"cancel", future_cancel, METH_NOARGS,
     PyDoc_STR("cancel()\n--\n\nCancels it unless it runs or has ended; whether it is cancelled.")},
    {"add_done_callback", future_add_done_callback, METH_O,
     PyDoc_STR("add_done_callback(fn)\n--\n\n"
               "Calls fn(future) at the end, at once if that was.")},
    {"interrupt", future_interrupt, METH_NOARGS,
     PyDoc_STR("interrupt()\n--\n\n"
               "Raises KeyboardInterrupt in the running task; its future then fails with\n"
               "TaskInterrupted unless the task deals with it. Python code and waits in channels\n"
               "are reached, C code not before it returns.\n\n"
               "Returns: whether it was running.\n"
               "Threads: any of the interpreter that made the pool.\n"
               "Since: 0.1.")},
    {"_publish", future_mark_published, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot future_slots[] = {
    {Py_tp_dealloc, future_dealloc}, {Py_tp_traverse, future_traverse}, {Py_tp_clear, future_clear},
    {Py_tp_methods, future_methods}, {Py_tp_getset, future_getset},     {0, NULL},
};

static PyType_Spec future_spec = {
    .name = "extpool.Future",
    .basicsize = -(int)sizeof(struct future), /* behind the fields of the base class */
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = future_slots,
};

PyTypeObject *
future_make_type(PyObject *module, PyObject *base)
{
    struct pool_state *state = PyModule_GetState(module);
    PyObject *bases = PyTuple_Pack(1, base);
    PyTypeObject *type =
        bases ? (PyTypeObject *)PyType_FromModuleAndSpec(module, &future_spec, bases) : NULL;
    Py_XDECREF(bases);
    /* Where our part of a future is, measured on one: the type may be gone before the last. */
    PyObject *probe = type ? type->tp_alloc(type, 0) : NULL;
    if (!probe) {
        Py_XDECREF(type);
        return NULL;
    }
    state->future_offset = (char *)PyObject_GetTypeData(probe, type) - (char *)probe;
    Py_DECREF(probe);
    return type;
}
