#include "worker_run.h"

#include <string.h>

#include "interp.h"
#include "transfer.h"

#define FEW_ARGS 8

/* ---- functions ---- */

/* module.a.b for ("n", module, "a.b"). */
static PyObject *
run_find(PyObject *spec)
{
    PyObject *module = PyImport_Import(PyTuple_GET_ITEM(spec, 1));
    PyObject *dot = module ? PyUnicode_FromString(".") : NULL;
    PyObject *names = dot ? PyUnicode_Split(PyTuple_GET_ITEM(spec, 2), dot, -1) : NULL;
    PyObject *found = module;
    Py_XDECREF(dot);
    if (!names) {
        Py_XDECREF(module);
        return NULL;
    }
    for (Py_ssize_t i = 0; found && i < PyList_GET_SIZE(names); i++) {
        PyObject *name = PyList_GetItemRef(names, i);
        Py_SETREF(found, name ? PyObject_GetAttr(found, name) : NULL);
        Py_XDECREF(name);
    }
    Py_DECREF(names);
    return found;
}

/* The function that the description gives in this interpreter, remembered by its serial number. */
static PyObject *
run_function(struct worker *worker, struct pool_state *state, const struct function *function)
{
    size_t slot = function->serial & (WORKER_FUNCTIONS - 1);
    if (worker->functions[slot].serial == function->serial) {
        return Py_NewRef(worker->functions[slot].function);
    }
    size_t position = 0;
    PyObject *spec = transfer_decode(state, &function->spec, &position);
    if (!spec) {
        return NULL;
    }
    PyObject *kind = PyTuple_Check(spec) ? PyTuple_GET_ITEM(spec, 0) : NULL;
    PyObject *found =
        kind && PyUnicode_Check(kind) && PyUnicode_CompareWithASCIIString(kind, "n") == 0
            ? run_find(spec)
            : state_call(state, &state->hook_build, spec);
    Py_DECREF(spec);
    if (found) {
        worker->functions[slot].serial = function->serial;
        Py_XSETREF(worker->functions[slot].function, Py_NewRef(found));
    }
    return found;
}

/* ---- calls ---- */

/* The decoded arguments of one call. */
struct run_args {
    PyObject **values; /* [0] is free for the callee, the arguments follow */
    Py_ssize_t count;
    PyObject *few[FEW_ARGS + 1];
};

static void
run_release(struct run_args *args)
{
    for (Py_ssize_t i = 1; i <= args->count; i++) {
        Py_DECREF(args->values[i]);
    }
    args->count = 0;
    if (args->values != args->few) {
        PyMem_Free(args->values);
        args->values = args->few;
    }
}

/* Reads `count` arguments. On failure -1, and there are none to release. */
static int
run_decode(struct pool_state *state, const struct message *in, struct run_args *args,
           Py_ssize_t count)
{
    size_t position = 0;
    args->values = args->few;
    args->count = 0;
    if (count > FEW_ARGS) {
        PyObject **many = PyMem_New(PyObject *, (size_t)count + 1);
        if (!many) {
            PyErr_NoMemory();
            return -1;
        }
        args->values = many;
    }
    if (transfer_decode_all(state, in, &position, args->values + 1, count) < 0) {
        run_release(args);
        return -1;
    }
    args->count = count;
    return 0;
}

/* function(*args, **kwargs) with what the message holds. */
static PyObject *
run_call(struct pool_state *state, PyObject *function, const struct message *in, int arg_count,
         int kw_count, struct run_args *args)
{
    if (run_decode(state, in, args, arg_count + kw_count + (kw_count > 0)) < 0) {
        return NULL;
    }
    PyObject *names = kw_count > 0 ? args->values[args->count] : NULL;
    return PyObject_Vectorcall(function, args->values + 1,
                               (size_t)arg_count | PY_VECTORCALL_ARGUMENTS_OFFSET, names);
}

/* [function(item) or function(*item) for item in the one argument]. */
static PyObject *
run_chunk(struct pool_state *state, PyObject *function, const struct message *in, int starred,
          struct run_args *args)
{
    if (run_decode(state, in, args, 1) < 0) {
        return NULL;
    }
    PyObject *items = args->values[1];
    PyObject *results = PyList_New(PyList_GET_SIZE(items));
    for (Py_ssize_t i = 0; results && i < PyList_GET_SIZE(items); i++) {
        PyObject *item = PyList_GetItemRef(items, i);
        PyObject *result = NULL;
        if (item) {
            result =
                starred ? PyObject_CallObject(function, item) : PyObject_CallOneArg(function, item);
            Py_DECREF(item);
        }
        if (!result) {
            Py_CLEAR(results);
            break;
        }
        PyList_SET_ITEM(results, i, result);
    }
    return results;
}

static PyObject *
run_body(struct worker *worker, struct pool_state *state, struct task *task, struct run_args *args)
{
    PyObject *function = run_function(worker, state, task->function);
    PyObject *result = NULL;
    args->values = args->few;
    args->count = 0;
    if (function) {
        result = task->kind == TASK_CALL
                     ? run_call(state, function, &task->in, task->arg_count, task->kw_count, args)
                     : run_chunk(state, function, &task->in, task->kind == TASK_STARRED, args);
        Py_DECREF(function);
    }
    return result;
}

/* From here on nobody can interrupt the task. */
static void
run_leave_task(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    struct task *task = worker->current;
    worker->current = NULL;
    worker->given_up = NULL;
    if (!task || task->interrupted) { /* none: it was given up, after an interruption */
        interp_raise_here(worker->thread_id, NULL); /* in case it has not gone off yet */
    }
    pthread_mutex_unlock(&worker->lock);
}

/* Writes the result, or the exception being raised, into the sealed task. */
static void
run_store(struct pool_state *state, struct task *task, PyObject *result)
{
    if (result && transfer_encode(state, &task->out, &result, 1) == 0) {
        task->outcome = TASK_RETURNED;
        return;
    }
    task->outcome = task->interrupted && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)
                        ? TASK_INTERRUPTED
                        : TASK_RAISED;
    transfer_encode_error(state, &task->out);
}

/* Runs one task. Returns 0 when the worker has been given up meanwhile. */
static int
run_task(struct worker *worker, struct pool_state *state, struct task *task)
{
    struct core *core = worker->core;
    if (!job_start(&task->job)) {
        jobs_worker_idle(&core->jobs);
        job_unref(&task->job);
        return 1;
    }
    pthread_mutex_lock(&worker->lock);
    worker->current = task;
    worker->since = wait_now();
    pthread_mutex_unlock(&worker->lock);
    struct run_args args;
    PyObject *result = run_body(worker, state, task, &args);
    if (task->in.lively) {
        run_release(&args); /* may run code, which belongs to the task */
    }
    run_leave_task(worker);
    if (!job_seal(&task->job)) {
        run_release(&args);
        Py_XDECREF(result);
        PyErr_Clear();
        job_unref(&task->job);
        return 0;
    }
    run_store(state, task, result);
    if (task->out.lively) {
        Py_CLEAR(result);
    }
    message_clear(&task->in); /* buffers are back with their owner before anybody sees the result */
    jobs_worker_idle(&core->jobs);
    core_finish(core, task);
    /* Nobody has to wait while plain values are taken apart. */
    run_release(&args);
    Py_XDECREF(result);
    return 1;
}

void
worker_serve(struct worker *worker, struct pool_state *state, PyThreadState **own)
{
    struct jobs_blocking blocking = {interp_leave, interp_return, own};
    struct job *job;
    while ((job = jobs_pop(&worker->core->jobs, &blocking)) != NULL) {
        if (!run_task(worker, state, (struct task *)job)) {
            break;
        }
    }
}

int
worker_initialize(struct worker *worker, struct pool_state *state)
{
    struct core *core = worker->core;
    if (!core->initializer) {
        return 0;
    }
    PyObject *function = run_function(worker, state, core->initializer);
    if (!function) {
        return -1;
    }
    struct run_args args;
    PyObject *result =
        run_call(state, function, &core->initializer_in, core->initializer_args, 0, &args);
    run_release(&args);
    Py_DECREF(function);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

void
worker_forget(struct worker *worker)
{
    for (int i = 0; i < WORKER_FUNCTIONS; i++) {
        worker->functions[i].serial = 0;
        Py_CLEAR(worker->functions[i].function);
    }
}
