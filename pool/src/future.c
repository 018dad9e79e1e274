/* class Future(concurrent.futures.Future):
 *     _state, _condition, _waiters, _result, _exception   # what wait() and friends look at
 *     def result(self, timeout=None): ...                 # and the rest of the base class
 *     def interrupt(self): ...
 *
 * Two ways to learn of the end. result() sleeps on the task's own word and needs nobody's help. As
 * soon as somebody asks for _condition or adds a callback, the task is marked: the notifier will
 * publish the end, and until then the future is not FINISHED for those who look at _state. */
#include "future.h"

#include <stddef.h>

#include "core.h"
#include "transfer.h"

struct future {
    struct task *task; /* strong */
    PyObject *result;  /* decoded, with error: at most one of them */
    PyObject *error;
    PyObject *condition; /* the following four are made when somebody asks */
    PyObject *waiters;
    PyObject *callbacks;
    int published;
};

static struct future *
future_data(struct pool_state *state, PyObject *self)
{
    return (struct future *)(void *)((char *)self + state->future_offset);
}

static int
future_ended(const struct future *future)
{
    return (job_state(&future->task->job) & (JOB_DONE | JOB_CANCELLED)) != 0;
}

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

/* ---- the result ---- */

/* The exception of a task that has no result of its own making. */
static PyObject *
future_failure(struct pool_state *state, const struct task *task)
{
    PyObject *parts = Py_BuildValue("(is)", (int)task->outcome, task->text ? task->text : "");
    PyObject *error = parts ? state_call(state->hook_failed, parts) : NULL;
    Py_XDECREF(parts);
    return error;
}

/* Decodes what the worker wrote, once. */
static void
future_fill_locked(struct pool_state *state, struct future *future)
{
    struct task *task = future->task;
    size_t position = 0;
    if (future->result || future->error) {
        return;
    }
    switch (task->outcome) {
    case TASK_RETURNED:
        future->result = transfer_decode(state, &task->out, &position);
        break;
    case TASK_RAISED:
        future->error = transfer_decode_error(state, &task->out);
        break;
    case TASK_INTERRUPTED:
    case TASK_GIVEN_UP:
    case TASK_BROKEN:
        future->error = future_failure(state, task);
        break;
    }
    if (!future->result && !future->error) {
        future->error = PyErr_GetRaisedException(); /* it cannot be made here: that is the result */
    }
    message_clear(&task->out);
}

static void
future_fill(struct pool_state *state, PyObject *self, struct future *future)
{
    (void)self;
    Py_BEGIN_CRITICAL_SECTION(self);
    future_fill_locked(state, future);
    Py_END_CRITICAL_SECTION();
}

/* ---- waiting ---- */

/* 1: ended; 0: deadline; -1: a signal handler raised. */
static int
future_wait(struct future *future, int64_t deadline)
{
    while (!future_ended(future)) {
        enum wait_result result;
        Py_BEGIN_ALLOW_THREADS result = job_wait(&future->task->job, deadline);
        Py_END_ALLOW_THREADS if (result != WAIT_WOKEN && PyErr_CheckSignals() < 0)
        {
            return -1;
        }
        if (result == WAIT_TIMED_OUT) {
            return future_ended(future);
        }
    }
    return 1;
}

/* The one optional argument `timeout`, as a deadline. */
static int
future_deadline(PyObject *const *args, Py_ssize_t count, PyObject *names, int64_t *deadline)
{
    Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
    if (count + named > 1 ||
        (named && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "timeout") != 0)) {
        PyErr_SetString(PyExc_TypeError, "expected one optional argument, timeout");
        return -1;
    }
    *deadline = WAIT_FOREVER;
    if (count + named == 1 && !Py_IsNone(args[0])) {
        double seconds = PyFloat_AsDouble(args[0]);
        if (seconds == -1.0 && PyErr_Occurred()) {
            return -1;
        }
        *deadline = wait_deadline(seconds > 0.0 ? seconds : 0.0);
    }
    return 0;
}

/* Waits and fills in; -1 with TimeoutError, CancelledError or what a signal handler raised. */
static int
future_complete(struct pool_state *state, PyObject *self, PyObject *const *args, Py_ssize_t count,
                PyObject *names)
{
    struct future *future = future_data(state, self);
    int64_t deadline;
    if (future_deadline(args, count, names, &deadline) < 0) {
        return -1;
    }
    int ended = future_wait(future, deadline);
    state_drain(state);
    if (ended <= 0) {
        if (ended == 0) {
            PyErr_SetNone(PyExc_TimeoutError);
        }
        return -1;
    }
    if (job_state(&future->task->job) & JOB_CANCELLED) {
        PyObject *error = state_call(state->hook_cancelled, Py_None);
        if (error) {
            PyErr_SetObject((PyObject *)Py_TYPE(error), error);
            Py_DECREF(error);
        }
        return -1;
    }
    if (!future->result) {
        future_fill(state, self, future);
    }
    return 0;
}

static PyObject *
future_result(PyObject *self, PyTypeObject *type, PyObject *const *args, Py_ssize_t count,
              PyObject *names)
{
    struct pool_state *state = PyType_GetModuleState(type);
    if (future_complete(state, self, args, count, names) < 0) {
        return NULL;
    }
    struct future *future = future_data(state, self);
    if (future->error) {
        PyErr_SetObject((PyObject *)Py_TYPE(future->error), future->error);
        return NULL;
    }
    return Py_NewRef(future->result);
}

static PyObject *
future_exception(PyObject *self, PyTypeObject *type, PyObject *const *args, Py_ssize_t count,
                 PyObject *names)
{
    struct pool_state *state = PyType_GetModuleState(type);
    if (future_complete(state, self, args, count, names) < 0) {
        return NULL;
    }
    struct future *future = future_data(state, self);
    return Py_NewRef(future->error ? future->error : Py_None);
}

/* ---- callbacks and publication ---- */

/* Marks the task so that its end is published. 1: it will be; 0: it has ended; -1: error. */
static int
future_watch(PyObject *self, struct future *future)
{
    struct task *task = future->task;
    if (job_state(&task->job) & JOB_NOTIFY) {
        return 1;
    }
    if (notifier_start(task->core->notifier) < 0) {
        return -1;
    }
    task->future = Py_NewRef(self); /* given up by who publishes */
    if (job_ask_notice(&task->job)) {
        return 1;
    }
    Py_CLEAR(task->future);
    return 0;
}

static void
future_run_callback(struct pool_state *state, PyObject *self, PyObject *callback)
{
    PyObject *result = PyObject_CallOneArg(callback, self);
    if (!result) {
        PyObject *error = PyErr_GetRaisedException();
        PyObject *parts = PyTuple_Pack(2, self, error);
        result = parts ? state_call(state->hook_callback_failed, parts) : NULL;
        if (!result) {
            PyErr_WriteUnraisable(callback);
        }
        Py_XDECREF(parts);
        Py_DECREF(error);
    }
    Py_XDECREF(result);
}

static void
future_run_callbacks(struct pool_state *state, PyObject *self, PyObject *callbacks)
{
    for (Py_ssize_t i = 0; callbacks && i < PyList_GET_SIZE(callbacks); i++) {
        PyObject *callback = PyList_GetItemRef(callbacks, i);
        if (callback) {
            future_run_callback(state, self, callback);
            Py_DECREF(callback);
        }
    }
}

/* _publish(): the end is official from now on. Returns the callbacks to run, the waiters to tell,
 * and the name of the method that tells them. */
static PyObject *
future_mark_published(PyObject *self, PyTypeObject *type, PyObject *const *args, Py_ssize_t count,
                      PyObject *names)
{
    (void)args;
    (void)count;
    (void)names;
    struct pool_state *state = PyType_GetModuleState(type);
    struct future *future = future_data(state, self);
    PyObject *told;
    const char *tell = "add_result";
    if (job_state(&future->task->job) & JOB_CANCELLED) {
        tell = "add_cancelled";
    }
    else if (future->waiters) {
        future_fill(state, self, future);
        tell = future->error ? "add_exception" : "add_result";
    }
    Py_BEGIN_CRITICAL_SECTION(self);
    future->published = 1;
    told = Py_BuildValue("(OOs)", future->callbacks ? future->callbacks : state->nothing,
                         future->waiters ? future->waiters : state->nothing, tell);
    Py_CLEAR(future->callbacks);
    Py_END_CRITICAL_SECTION();
    return told;
}

/* Tells the waiters and runs the callbacks of a future whose task has ended. */
static void
future_tell(struct pool_state *state, PyObject *self)
{
    struct future *future = future_data(state, self);
    int simple = 0;
    PyObject *callbacks = NULL;
    Py_BEGIN_CRITICAL_SECTION(self);
    if (!future->condition) {
        simple = 1;
        future->published = 1;
        callbacks = future->callbacks;
        future->callbacks = NULL;
    }
    Py_END_CRITICAL_SECTION();
    if (simple) {
        future_run_callbacks(state, self, callbacks);
        Py_XDECREF(callbacks);
        return;
    }
    PyObject *done = state_call(state->hook_publish, self);
    if (!done) {
        PyErr_WriteUnraisable(self);
    }
    Py_XDECREF(done);
}

void
future_publish(struct pool_state *state, struct task *task)
{
    PyObject *self = task->future;
    task->future = NULL;
    if (self) {
        future_tell(state, self);
        Py_DECREF(self);
    }
}

static PyObject *
future_add_done_callback(PyObject *self, PyTypeObject *type, PyObject *const *args,
                         Py_ssize_t count, PyObject *names)
{
    if (count != 1 || (names && PyTuple_GET_SIZE(names))) {
        PyErr_SetString(PyExc_TypeError, "add_done_callback() takes one argument, the callback");
        return NULL;
    }
    struct pool_state *state = PyType_GetModuleState(type);
    struct future *future = future_data(state, self);
    int watched = 0;
    Py_BEGIN_CRITICAL_SECTION(self);
    if (!future->published) {
        watched = future_watch(self, future);
    }
    if (watched > 0) {
        if (!future->callbacks) {
            future->callbacks = PyList_New(0);
        }
        if (!future->callbacks || PyList_Append(future->callbacks, args[0]) < 0) {
            watched = -1;
        }
    }
    Py_END_CRITICAL_SECTION();
    if (watched < 0) {
        return NULL;
    }
    if (watched == 0) {
        future_run_callback(state, self, args[0]);
    }
    Py_RETURN_NONE;
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
future_cancel(PyObject *self, PyTypeObject *type, PyObject *const *args, Py_ssize_t count,
              PyObject *names)
{
    (void)args;
    (void)count;
    (void)names;
    struct pool_state *state = PyType_GetModuleState(type);
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
future_interrupt(PyObject *self, PyTypeObject *type, PyObject *const *args, Py_ssize_t count,
                 PyObject *names)
{
    (void)args;
    (void)count;
    (void)names;
    struct task *task = future_data(PyType_GetModuleState(type), self)->task;
    int state = job_state(&task->job);
    if (!(state & JOB_RUNNING) || (state & JOB_DONE)) {
        Py_RETURN_FALSE;
    }
    int done = core_interrupt(task->core, task);
    return done < 0 ? NULL : PyBool_FromLong(done);
}

/* ---- what the base class and its friends look at ---- */

static PyObject *
future_done(PyObject *self, PyTypeObject *type, PyObject *const *args, Py_ssize_t count,
            PyObject *names)
{
    (void)args;
    (void)count;
    (void)names;
    return PyBool_FromLong(future_ended(future_data(PyType_GetModuleState(type), self)));
}

static PyObject *
future_running(PyObject *self, PyTypeObject *type, PyObject *const *args, Py_ssize_t count,
               PyObject *names)
{
    (void)args;
    (void)count;
    (void)names;
    int state = job_state(&future_data(PyType_GetModuleState(type), self)->task->job);
    return PyBool_FromLong((state & JOB_RUNNING) && !(state & JOB_DONE));
}

static PyObject *
future_cancelled(PyObject *self, PyTypeObject *type, PyObject *const *args, Py_ssize_t count,
                 PyObject *names)
{
    (void)args;
    (void)count;
    (void)names;
    int state = job_state(&future_data(PyType_GetModuleState(type), self)->task->job);
    return PyBool_FromLong(state & JOB_CANCELLED);
}

static PyObject *
future_get_state(PyObject *self, void *closure)
{
    (void)closure;
    struct pool_state *state = state_of(Py_TYPE(self));
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
    struct pool_state *state = state_of(Py_TYPE(self));
    struct future *future = future_data(state, self);
    PyObject *condition = NULL;
    PyObject *fresh = future->condition ? NULL : state_call(state->hook_condition, Py_None);
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
    struct future *future = future_data(state_of(Py_TYPE(self)), self);
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
    struct pool_state *state = state_of(Py_TYPE(self));
    struct future *future = future_data(state, self);
    if (job_state(&future->task->job) & JOB_DONE) {
        future_fill(state, self, future);
    }
    PyObject *value = *(PyObject **)(void *)((char *)future + offset);
    return Py_NewRef(value ? value : Py_None);
}

/* ---- type ---- */

static int
future_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct future *future = future_data(PyType_GetModuleState(Py_TYPE(self)), self);
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
    struct future *future = future_data(PyType_GetModuleState(Py_TYPE(self)), self);
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
    struct task *task = future_data(PyType_GetModuleState(type), self)->task;
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

#define FUTURE_METHOD(name, function, doc)                                                         \
    {                                                                                              \
        name, (PyCFunction)(void (*)(void))(function),                                             \
            METH_METHOD | METH_FASTCALL | METH_KEYWORDS, PyDoc_STR(doc)                            \
    }

static PyMethodDef future_methods[] = {
    FUTURE_METHOD("result", future_result,
                  "result(timeout=None)\n--\n\nWaits at most timeout seconds for what the call "
                  "returned; raises what it raised."),
    FUTURE_METHOD("exception", future_exception,
                  "exception(timeout=None)\n--\n\nWaits like result(); the exception of the call, "
                  "or None."),
    FUTURE_METHOD("done", future_done, "done()\n--\n\nWhether it has ended or was cancelled."),
    FUTURE_METHOD("running", future_running, "running()\n--\n\nWhether a worker is at it."),
    FUTURE_METHOD("cancelled", future_cancelled, "cancelled()\n--\n\nWhether it was cancelled."),
    FUTURE_METHOD(
        "cancel", future_cancel,
        "cancel()\n--\n\nCancels it unless it runs or has ended; whether it is cancelled."),
    FUTURE_METHOD("add_done_callback", future_add_done_callback,
                  "add_done_callback(fn)\n--\n\nCalls fn(future) at the end, at once if that was."),
    FUTURE_METHOD(
        "interrupt", future_interrupt,
        "interrupt()\n--\n\n"
        "Raises KeyboardInterrupt in the running task; its future then fails with\n"
        "TaskInterrupted unless the task deals with it. Python code and waits in channels\n"
        "are reached, C code not before it returns.\n\n"
        "Returns: whether it was running.\n"
        "Threads: any of the interpreter that made the pool.\n"
        "Since: 0.1."),
    FUTURE_METHOD("_publish", future_mark_published, NULL),
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
