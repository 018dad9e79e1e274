#include "lifecycle.h"

#include "core.h"
#include "future.h"

#define GRACE 1.0 /* seconds for interrupted tasks to end */

/* ---- exit ---- */

/* Waits for the pool's work, then stops waiting politely. Adds to `stuck` what would not end. */
static int
exit_core(struct pool_state *state, struct core *core, PyObject *stuck)
{
    int mode = atomic_load(&core->jobs.mode);
    if (mode == JOBS_OPEN || mode == JOBS_PAUSED) {
        jobs_set_mode(&core->jobs, JOBS_DRAIN);
    }
    int gone = core_wait(core, wait_deadline(core->exit_timeout));
    if (gone <= 0) {
        if (gone < 0) {
            PyErr_Clear(); /* Ctrl-C: the user does not want to wait any longer */
        }
        core_cancel_queue(state, core, 0);
        jobs_set_mode(&core->jobs, JOBS_ABORT);
        core_interrupt_all(core);
        gone = core_wait(core, wait_deadline(GRACE));
        if (gone < 0) {
            PyErr_Clear();
        }
    }
    if (gone <= 0) {
        PyObject *running = core_running(core);
        int failed = !running || PyList_Extend(stuck, running) < 0;
        Py_XDECREF(running);
        core_give_up(core);
        if (failed) {
            return -1;
        }
    }
    if (atomic_load(&core->lost) > 0 && PyList_GET_SIZE(stuck) == 0) {
        PyObject *entry = Py_BuildValue("(isd)", 0, "a worker given up earlier", 0.0);
        int failed = !entry || PyList_Append(stuck, entry) < 0;
        Py_XDECREF(entry);
        return failed ? -1 : 0;
    }
    return 0;
}

PyObject *
lifecycle_exit(PyObject *module, PyObject *ignored)
{
    struct pool_state *state = PyModule_GetState(module);
    (void)ignored;
    state->exiting = 1;
    PyObject *stuck = PyList_New(0);
    if (!stuck) {
        return NULL;
    }
    for (struct core *core = state->cores; core; core = core->next) {
        if (exit_core(state, core, stuck) < 0) {
            Py_DECREF(stuck);
            return NULL;
        }
    }
    if (state->notifier) {
        notifier_stop(state->notifier);
    }
    state_drain(state);
    core_prune(state);
    return stuck;
}

/* ---- fork: a child with live interpreters of other threads dies, so there must be none ---- */

/* The audit hook refuses to fork while workers are at tasks. */
PyObject *
lifecycle_audit(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    struct pool_state *state = PyModule_GetState(module);
    if (count < 1 || !PyUnicode_Check(args[0]) || !state->cores ||
        PyUnicode_GET_LENGTH(args[0]) > 10 ||
        (PyUnicode_CompareWithASCIIString(args[0], "os.fork") != 0 &&
         PyUnicode_CompareWithASCIIString(args[0], "os.forkpty") != 0)) {
        Py_RETURN_NONE;
    }
    for (struct core *core = state->cores; core; core = core->next) {
        if (jobs_busy(&core->jobs) > 0 || atomic_load(&core->lost) > 0) {
            PyErr_Format(PyExc_RuntimeError,
                         "fork refused: pool %s is running tasks, and a forked process would "
                         "die with their interpreters; wait for the tasks or use another way "
                         "to start processes (spawn, forkserver, subprocess)",
                         core->name);
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

/* Tells all workers to leave; returns a pool that still has some, referenced, or NULL. */
static struct core *
fork_find_workers(struct pool_state *state)
{
    struct core *found = NULL;
    for (struct core *core = state->cores; core; core = core->next) {
        if (atomic_load(&core->jobs.mode) == JOBS_OPEN) {
            jobs_set_mode(&core->jobs, JOBS_PAUSED);
        }
        if (!found && jobs_workers(&core->jobs) > 0) {
            core_ref(core);
            found = core;
        }
    }
    return found;
}

/* Ends all workers and takes the locks, so that the child finds them in a known state. */
PyObject *
lifecycle_before_fork(PyObject *module, PyObject *ignored)
{
    struct pool_state *state = PyModule_GetState(module);
    struct core *core;
    (void)ignored;
    /* While one is waited for, other threads may make pools and drop them: look at all again. */
    while ((core = fork_find_workers(state)) != NULL) {
        while (core_wait(core, WAIT_FOREVER) < 0) {
            PyErr_Clear(); /* forking cannot be stopped from here any more */
        }
        core_unref(core);
    }
    for (core = state->cores; core; core = core->next) {
        pthread_mutex_lock(&core->lock);
        pthread_mutex_lock(&core->jobs.lock);
    }
    Py_RETURN_NONE;
}

static void
fork_unlock(struct core *core)
{
    pthread_mutex_unlock(&core->jobs.lock);
    pthread_mutex_unlock(&core->lock);
    if (atomic_load(&core->jobs.mode) == JOBS_PAUSED) {
        jobs_set_mode(&core->jobs, JOBS_OPEN);
    }
}

PyObject *
lifecycle_after_fork_parent(PyObject *module, PyObject *ignored)
{
    struct pool_state *state = PyModule_GetState(module);
    (void)ignored;
    for (struct core *core = state->cores; core; core = core->next) {
        fork_unlock(core);
        /* For what other threads submitted meanwhile; other workers come back with the next task.
         */
        if (core_start_workers(state, core, jobs_want_workers(&core->jobs)) < 0) {
            PyErr_WriteUnraisable(NULL);
        }
    }
    Py_RETURN_NONE;
}

PyObject *
lifecycle_after_fork_child(PyObject *module, PyObject *ignored)
{
    struct pool_state *state = PyModule_GetState(module);
    (void)ignored;
    if (state->notifier) {
        notifier_forget(state->notifier);
    }
    for (struct core *core = state->cores; core; core = core->next) {
        fork_unlock(core);
        core_cancel_queue(state, core, 0); /* the parent runs those */
    }
    Py_RETURN_NONE;
}
