/* Submitting: functions described once, arguments written, the task queued. */
#include <string.h>

#include "future.h"
#include "pool_parts.h"
#include "transfer.h"

/* ---- functions ---- */

/* Bytes of a description from which on the facade has a word about it. */
#define HEAVY ((size_t)1 << 20)

static int
pool_weigh(struct pool_state *state, const struct function *function, PyObject *spec)
{
    size_t size = function->spec.size;
    for (int i = 0; i < function->spec.block_count; i++) {
        size += function->spec.blocks[i]->size;
    }
    if (size < HEAVY) {
        return 0;
    }
    PyObject *told = state_call(state, &state->hook_heavy, spec);
    Py_XDECREF(told);
    return told ? 0 : -1;
}

struct function *
pool_describe(struct pool_state *state, struct core *core, PyObject *callable, int *keep)
{
    PyObject *answer = state_call(state, &state->hook_describe, callable);
    if (!answer) {
        return NULL;
    }
    PyObject *spec;
    const char *name;
    int stays;
    struct function *function = NULL;
    if (PyArg_ParseTuple(answer, "Osp;describe() gave something else", &spec, &name, &stays)) {
        function = function_new(state, core, spec, name);
    }
    if (function && keep) {
        *keep = stays;
        if (pool_weigh(state, function, spec) < 0) {
            function_unref(function);
            function = NULL;
        }
    }
    Py_DECREF(answer);
    return function;
}

/* The function for the callable; a reference of the caller's own. */
static struct function *
pool_function(struct pool *pool, struct pool_state *state, PyObject *callable)
{
    size_t slot = ((uintptr_t)callable >> 4) & (KNOWN_FUNCTIONS - 1);
    struct function *function = NULL;
    Py_BEGIN_CRITICAL_SECTION(pool);
    if (pool->known[slot].callable == callable) {
        function = pool->known[slot].function;
        function_ref(function);
    }
    Py_END_CRITICAL_SECTION();
    if (function) {
        return function;
    }
    int keep = 0;
    function = pool_describe(state, pool->core, callable, &keep);
    if (function && keep) {
        function_ref(function);
        Py_BEGIN_CRITICAL_SECTION(pool);
        struct function *old = pool->known[slot].function;
        pool->known[slot].function = function;
        Py_XSETREF(pool->known[slot].callable, Py_NewRef(callable));
        function_unref(old);
        Py_END_CRITICAL_SECTION();
    }
    return function;
}

/* ---- submitting ---- */

static void
pool_raise_refusal(struct pool_state *state, struct core *core)
{
    const char *broken = atomic_load(&core->broken);
    if (broken) {
        PyObject *error = state_failure(state, TASK_BROKEN, broken);
        state_raise(error);
        Py_XDECREF(error);
    }
    else {
        PyErr_SetString(PyExc_RuntimeError, "cannot schedule new futures after shutdown");
    }
}

/* Queues the task of the future and starts a worker where one is missing. Steals `future`. */
static PyObject *
pool_enqueue(struct pool *pool, struct pool_state *state, struct task *task, PyObject *future)
{
    struct core *core = pool->core;
    int start = jobs_push(&core->jobs, &task->job);
    if (start < 0) {
        job_unref(&task->job); /* what the queue would have held */
        Py_DECREF(future);
        pool_raise_refusal(state, core);
        return NULL;
    }
    if (start > 0 && core_start_workers(state, core, start) < 0) {
        future_cancel_task(state, task); /* whoever submits again must not run this one, too */
        Py_DECREF(future);
        return NULL;
    }
    return future;
}

/* A task that could not be sent: its future tells why, as it would from a worker. */
static PyObject *
pool_failed(struct pool_state *state, struct task *task, PyObject *future)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        job_unref(&task->job);
        Py_DECREF(future);
        return NULL;
    }
    future_fail(state, future);
    job_unref(&task->job);
    return future;
}

/* Is this pool ready for a task? Also gives back what the interpreter's objects lent out. */
static int
pool_begin(struct pool *pool, struct pool_state *state)
{
    if (!pool->core) {
        PyErr_SetString(PyExc_RuntimeError, "the pool's __init__() was not called");
        return -1;
    }
    if (state->exiting) {
        PyErr_SetString(PyExc_RuntimeError,
                        "cannot schedule new futures after interpreter shutdown");
        return -1;
    }
    int mode = atomic_load(&pool->core->jobs.mode);
    if (mode != JOBS_OPEN && mode != JOBS_PAUSED) {
        pool_raise_refusal(state, pool->core);
        return -1;
    }
    state_drain(state);
    return 0;
}

/* A task and its future, the function described; *failed when only the future can tell. */
static struct task *
pool_new_task(struct pool *pool, struct pool_state *state, PyObject *callable, enum task_kind kind,
              PyObject **future, int *failed)
{
    struct function *function = pool_function(pool, state, callable);
    *failed = function == NULL;
    struct task *task = task_new(pool->core, function, kind);
    function_unref(function);
    if (!task) {
        if (!*failed) {
            PyErr_NoMemory();
        }
        return NULL;
    }
    PyObject *error = *failed ? PyErr_GetRaisedException() : NULL;
    *future = future_new(state, task);
    if (!*future) {
        job_unref(&task->job);
        job_unref(&task->job);
        Py_XDECREF(error);
        return NULL;
    }
    if (error) {
        PyErr_SetRaisedException(error);
    }
    return task;
}

/* Arguments, keyword values, then the names: in the order the worker wants them. */
static int
pool_encode_call(struct pool_state *state, struct task *task, PyObject *const *args,
                 Py_ssize_t count, PyObject *names)
{
    Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
    task->arg_count = (int)count;
    task->kw_count = (int)named;
    if (!named) {
        return transfer_encode(state, &task->in, args, count);
    }
    PyObject **values = PyMem_New(PyObject *, (size_t)(count + named + 1));
    if (!values) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(values, args, (size_t)(count + named) * sizeof(*values));
    values[count + named] = names;
    int result = transfer_encode(state, &task->in, values, count + named + 1);
    PyMem_Free(values);
    return result;
}

PyObject *
pool_submit(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    struct pool *pool = (struct pool *)self;
    struct pool_state *state = state_of(Py_TYPE(self));
    PyObject *future;
    int failed;
    if (count < 1) {
        PyErr_SetString(PyExc_TypeError, "submit() takes the function as its first argument");
        return NULL;
    }
    if (pool_begin(pool, state) < 0) {
        return NULL;
    }
    struct task *task = pool_new_task(pool, state, args[0], TASK_CALL, &future, &failed);
    if (!task) {
        return NULL;
    }
    if (failed || pool_encode_call(state, task, args + 1, count - 1, names) < 0) {
        return pool_failed(state, task, future);
    }
    return pool_enqueue(pool, state, task, future);
}

PyObject *
pool_submit_chunk(PyObject *self, PyObject *args)
{
    struct pool *pool = (struct pool *)self;
    struct pool_state *state = state_of(Py_TYPE(self));
    PyObject *callable;
    PyObject *items;
    PyObject *future;
    int starred;
    int failed;
    if (!PyArg_ParseTuple(args, "OO!p:_submit_chunk", &callable, &PyList_Type, &items, &starred) ||
        pool_begin(pool, state) < 0) {
        return NULL;
    }
    struct task *task =
        pool_new_task(pool, state, callable, starred ? TASK_STARRED : TASK_CHUNK, &future, &failed);
    if (!task) {
        return NULL;
    }
    if (failed || transfer_encode(state, &task->in, &items, 1) < 0) {
        return pool_failed(state, task, future);
    }
    return pool_enqueue(pool, state, task, future);
}
