#include "core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "future.h"
#include "interp.h"
#include "worker.h"

/* Seconds in which workers take an interruption, but for C code; an event loop may stand still. */
#define INTERRUPT_WAIT 0.05

struct core *
core_new(struct pool_state *state, int max_workers, const char *name, double exit_timeout)
{
    struct core *core = calloc(1, sizeof(*core));
    if (!core || jobs_init(&core->jobs, max_workers) < 0) {
        free(core);
        PyErr_NoMemory();
        return NULL;
    }
    pthread_mutex_init(&core->lock, NULL);
    atomic_init(&core->refs, 2); /* the caller's and the list's */
    atomic_init(&core->next_serial, 1);
    snprintf(core->name, sizeof(core->name), "%s", name);
    core->exit_timeout = exit_timeout;
    message_init(&core->settings);
    message_init(&core->initializer_in);
    decisions_init(&core->decisions);
    core->notifier = state->notifier;
    notifier_ref(core->notifier);
    Py_BEGIN_CRITICAL_SECTION(state->lock);
    if (atomic_load(&state->forking) > 0) {
        jobs_set_mode(&core->jobs, JOBS_PAUSED);
    }
    core->next = state->cores;
    state->cores = core;
    Py_END_CRITICAL_SECTION();
    return core;
}

void
core_ref(struct core *core)
{
    atomic_fetch_add_explicit(&core->refs, 1, memory_order_relaxed);
}

void
core_unref(struct core *core)
{
    if (atomic_fetch_sub_explicit(&core->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    function_unref(core->initializer);
    message_clear(&core->settings);
    message_clear(&core->initializer_in);
    free(core->initializer_error);
    free(atomic_load(&core->broken));
    notifier_unref(core->notifier);
    decisions_destroy(&core->decisions);
    jobs_destroy(&core->jobs);
    pthread_mutex_destroy(&core->lock);
    free(core);
}

struct core **
core_all(struct pool_state *state)
{
    struct core **all;
    Py_BEGIN_CRITICAL_SECTION(state->lock);
    size_t count = 0;
    for (struct core *core = state->cores; core; core = core->next) {
        count++;
    }
    all = calloc(count + 1, sizeof(*all));
    struct core *core = state->cores;
    for (size_t i = 0; all && i < count; i++, core = core->next) {
        core_ref(core);
        all[i] = core;
    }
    Py_END_CRITICAL_SECTION();
    if (!all) {
        PyErr_NoMemory();
    }
    return all;
}

void
core_free_all(struct core **cores)
{
    for (struct core **core = cores; core && *core; core++) {
        core_unref(*core);
    }
    free(cores);
}

void
core_prune(struct pool_state *state)
{
    Py_BEGIN_CRITICAL_SECTION(state->lock);
    struct core **link = &state->cores;
    while (*link) {
        struct core *core = *link;
        if (atomic_load(&core->orphaned) && jobs_workers(&core->jobs) == 0 &&
            atomic_load(&core->lost) == 0) {
            *link = core->next;
            core_unref(core);
        }
        else {
            link = &core->next;
        }
    }
    Py_END_CRITICAL_SECTION();
}

void
core_finish(struct core *core, struct task *task)
{
    int before = job_finish(&task->job);
    if (before & JOB_NOTIFY) {
        notifier_add(core->notifier, &task->job);
    }
    else {
        job_unref(&task->job);
    }
}

static void
core_report(struct core *core, enum task_kind kind, const char *text)
{
    struct task *task = task_new(core, NULL, kind);
    if (task) {
        task_fail(task, TASK_BROKEN, text);
        job_unref(&task->job); /* nobody waits for it */
        notifier_add(core->notifier, &task->job);
    }
}

void
core_report_broken(struct core *core, const char *text)
{
    core_report(core, TASK_BREAK, text);
}

void
core_tell(struct core *core, const char *text)
{
    core_report(core, TASK_TELL, text);
}

PyObject *
core_decisions(struct core *core)
{
    PyObject *list = PyList_New(0);
    const struct decision *one = NULL;
    while (list && (one = decisions_next(&core->decisions, one)) != NULL) {
        const char *text = one->bytes + one->key_size;
        PyObject *pair = Py_BuildValue("(y#y#)", one->bytes, (Py_ssize_t)one->key_size, text,
                                       (Py_ssize_t)one->size);
        if (!pair || PyList_Append(list, pair) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(pair);
    }
    return list;
}

void
core_break(struct core *core, const char *text)
{
    struct pool_state *state = core->notifier->state;
    char *copy = strdup(text);
    char *expected = NULL;
    PyObject *message = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
    PyObject *logged = message ? state_call(state, &state->hook_log_broken, message) : NULL;
    if (!logged) {
        PyErr_WriteUnraisable(NULL);
    }
    Py_XDECREF(logged);
    Py_XDECREF(message);
    if (!atomic_compare_exchange_strong(&core->broken, &expected, copy)) {
        free(copy);
    }
    jobs_set_mode(&core->jobs, JOBS_ABORT);
    struct job *job = jobs_take_all(&core->jobs, 0);
    while (job) {
        struct job *next = job->next;
        struct task *task = (struct task *)job;
        if (job_start(job) && job_seal(job)) {
            message_clear(&task->in);
            task_fail(task, TASK_BROKEN, text);
            core_finish(core, task);
        }
        else {
            job_unref(job);
        }
        job = next;
    }
}

void
core_cancel_queue(struct pool_state *state, struct core *core, int keep_claimed)
{
    struct job *job = jobs_take_all(&core->jobs, keep_claimed);
    while (job) {
        struct job *next = job->next;
        future_cancel_task(state, (struct task *)job);
        job_unref(job);
        job = next;
    }
}

/* A strong reference to every worker; *count of them. NULL without memory or workers. */
static struct worker **
core_workers(struct core *core, int *count)
{
    pthread_mutex_lock(&core->lock);
    *count = 0;
    for (struct worker *worker = core->workers; worker; worker = worker->next) {
        ++*count;
    }
    struct worker **workers = calloc((size_t)*count + 1, sizeof(*workers));
    if (!workers) {
        *count = 0;
    }
    int i = 0;
    for (struct worker *worker = core->workers; worker && i < *count; worker = worker->next) {
        worker_ref(worker);
        workers[i++] = worker;
    }
    pthread_mutex_unlock(&core->lock);
    return workers;
}

static int
core_interrupt_workers(struct core *core, struct task *task)
{
    int count;
    int done = 0;
    struct worker **workers = core_workers(core, &count);
    int64_t deadline = wait_deadline(INTERRUPT_WAIT);
    for (int i = 0; i < count; i++) {
        if (worker_interrupt(workers[i], task, deadline) > 0) {
            done++;
        }
        worker_unref(workers[i]);
    }
    free(workers);
    return done;
}

int
core_interrupt(struct core *core, struct task *task)
{
    return core_interrupt_workers(core, task) > 0;
}

int
core_interrupt_all(struct core *core)
{
    return core_interrupt_workers(core, NULL);
}

/* Takes the task from its worker. Returns 1 when the worker will never be counted again. */
static int
core_give_up_worker(struct core *core, struct worker *worker)
{
    char text[400];
    int lost = 0;
    pthread_mutex_lock(&worker->lock);
    struct task *task = worker->current;
    if (!worker->lost && (!task || job_seal(&task->job))) {
        worker->lost = 1;
        lost = 1;
    }
    if (lost && task) {
        job_ref(&task->job); /* core_finish() lets go of one; the worker still has its own */
        worker->current = NULL;
        worker->given_up = task;
        snprintf(text, sizeof(text),
                 "%s did not stop in time: it is blocked in C code, or goes on after "
                 "KeyboardInterrupt; worker %d and its interpreter were given up",
                 task->function->name, worker->number);
    }
    pthread_mutex_unlock(&worker->lock);
    if (lost) {
        atomic_fetch_add(&core->lost, 1);
        jobs_worker_lost(&core->jobs);
        if (task) {
            task_fail(task, TASK_GIVEN_UP, text);
            core_finish(core, task);
        }
    }
    return lost;
}

int
core_give_up(struct core *core)
{
    int count;
    int lost = 0;
    struct worker **workers = core_workers(core, &count);
    for (int i = 0; i < count; i++) {
        lost += core_give_up_worker(core, workers[i]);
        worker_unref(workers[i]);
    }
    free(workers);
    return lost;
}

static PyObject *
core_running_one(struct worker *worker, int given_up)
{
    PyObject *entry = NULL;
    pthread_mutex_lock(&worker->lock);
    struct task *task = given_up ? worker->given_up : worker->current;
    struct function *function = task ? task->function : NULL;
    double seconds = (double)(wait_now() - worker->since) * 1e-9;
    if (function) {
        function_ref(function);
    }
    pthread_mutex_unlock(&worker->lock);
    if (function) {
        entry = Py_BuildValue("(isd)", worker->number, function->name, seconds);
        function_unref(function);
    }
    return entry;
}

PyObject *
core_running(struct core *core, int given_up)
{
    int count;
    struct worker **workers = core_workers(core, &count);
    PyObject *list = PyList_New(0);
    for (int i = 0; i < count; i++) {
        PyObject *entry = list ? core_running_one(workers[i], given_up) : NULL;
        if (entry && PyList_Append(list, entry) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(entry);
        worker_unref(workers[i]);
    }
    free(workers);
    if (PyErr_Occurred()) {
        Py_CLEAR(list);
    }
    return list;
}

int
core_wait(struct core *core, int64_t deadline)
{
    for (;;) {
        PyThreadState *own;
        interp_leave(&own);
        enum wait_result result = jobs_wait_left(&core->jobs, 0, deadline);
        interp_return(&own);
        if (PyErr_CheckSignals() < 0) {
            return -1;
        }
        if (result == WAIT_WOKEN) {
            return 1;
        }
        if (result == WAIT_TIMED_OUT) {
            return 0;
        }
    }
}
