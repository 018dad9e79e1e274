#include "lifecycle.h"

#include <string.h>

#include "core.h"
#include "future.h"

#define GRACE 1.0 /* seconds for interrupted tasks to end */

/* ---- exit ---- */

/* Adds the tasks that run to `stuck`, or those of workers that were given up. */
static int
exit_list(struct core *core, int given_up, PyObject *stuck)
{
    PyObject *running = core_running(core, given_up);
    int failed = !running || PyList_Extend(stuck, running) < 0;
    Py_XDECREF(running);
    return -failed;
}

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
    Py_ssize_t before = PyList_GET_SIZE(stuck);
    int failed = exit_list(core, 1, stuck) < 0;
    if (gone <= 0) {
        failed = failed || exit_list(core, 0, stuck) < 0;
        core_give_up(core);
    }
    if (!failed && atomic_load(&core->lost) > 0 && PyList_GET_SIZE(stuck) == before) {
        PyObject *entry = Py_BuildValue("(isd)", 0, "a worker given up earlier", 0.0);
        failed = !entry || PyList_Append(stuck, entry) < 0;
        Py_XDECREF(entry);
    }
    return -failed;
}

static int
exit_cores(struct pool_state *state, PyObject *stuck)
{
    struct core **cores = core_all(state);
    int failed = !cores;
    for (struct core **core = cores; !failed && *core; core++) {
        failed = exit_core(state, *core, stuck) < 0;
    }
    core_free_all(cores);
    return -failed;
}

PyObject *
lifecycle_exit(PyObject *module, PyObject *ignored)
{
    struct pool_state *state = PyModule_GetState(module);
    (void)ignored;
    state->exiting = 1;
    PyObject *stuck = PyList_New(0);
    if (!stuck || exit_cores(state, stuck) < 0) {
        Py_XDECREF(stuck);
        return NULL;
    }
    if (state->notifier) {
        notifier_stop(state->notifier);
    }
    state_drain(state);
    core_prune(state);
    return stuck;
}

/* ---- fork: a child with live interpreters of other threads dies, so there must be none ---- */

static int
fork_refuse(struct core *core)
{
    int lost = atomic_load(&core->lost) > 0;
    if (!lost && jobs_busy(&core->jobs) == 0) {
        return 0;
    }
    PyErr_Format(PyExc_RuntimeError,
                 "fork refused: pool %s %s, and a forked process would die with their "
                 "interpreters; %suse another way to start processes (spawn, forkserver, "
                 "subprocess)",
                 core->name, lost ? "gave up workers that have not come back" : "is running tasks",
                 lost ? "" : "wait for the tasks or ");
    return -1;
}

/* Until it was mended, CPython makes frame objects of what other interpreters run just then, with
 * the caller's memory, and both interpreters free them. */
#define FRAMES_MENDED 0x030e0800

static int
frames_refuse(struct core *core, const char *event)
{
    if (jobs_calm(&core->jobs) && atomic_load(&core->lost) == 0) {
        return 0;
    }
    PyErr_Format(PyExc_RuntimeError,
                 "%s() refused: pool %s is running tasks, and before version 3.14.8 CPython would "
                 "corrupt the memory of their interpreters; call it while no task runs",
                 event, core->name);
    return -1;
}

PyObject *
lifecycle_refuse_frames(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyErr_SetString(PyExc_RuntimeError,
                    "a task cannot look at all frames: before version 3.14.8 CPython would corrupt "
                    "the memory of other interpreters");
    return NULL;
}

int
lifecycle_guard_frames(PyObject *module)
{
    if (Py_Version >= FRAMES_MENDED) {
        return 0;
    }
    PyObject *refuse = PyObject_GetAttrString(module, "_refuse_frames");
    int failed = !refuse || PySys_SetObject("_current_frames", refuse) < 0 ||
                 PySys_SetObject("_current_exceptions", refuse) < 0;
    Py_XDECREF(refuse);
    return -failed;
}

/* The audit hook refuses to fork, or to look at all frames, while workers are at tasks. */
PyObject *
lifecycle_audit(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    struct pool_state *state = PyModule_GetState(module);
    const char *event = count > 0 && state->cores ? PyUnicode_AsUTF8(args[0]) : NULL;
    PyErr_Clear(); /* a name that is no UTF-8 is none of ours */
    int forks = event && (strcmp(event, "os.fork") == 0 || strcmp(event, "os.forkpty") == 0);
    int frames = event && Py_Version < FRAMES_MENDED &&
                 (strcmp(event, "sys._current_frames") == 0 ||
                  strcmp(event, "sys._current_exceptions") == 0);
    if (!forks && !frames) {
        Py_RETURN_NONE;
    }
    struct core **cores = core_all(state);
    int refused = !cores;
    for (struct core **core = cores; !refused && *core; core++) {
        refused = (forks ? fork_refuse(*core) : frames_refuse(*core, event)) < 0;
    }
    core_free_all(cores);
    return refused ? NULL : Py_NewRef(Py_None);
}

/* Tells all workers to leave; returns a pool that still has some, referenced, or NULL. */
static struct core *
fork_find_workers(struct pool_state *state)
{
    struct core *found = NULL;
    Py_BEGIN_CRITICAL_SECTION(state->lock);
    for (struct core *core = state->cores; core; core = core->next) {
        if (atomic_load(&core->jobs.mode) == JOBS_OPEN) {
            jobs_set_mode(&core->jobs, JOBS_PAUSED);
        }
        if (!found && jobs_workers(&core->jobs) > 0) {
            core_ref(core);
            found = core;
        }
    }
    Py_END_CRITICAL_SECTION();
    return found;
}

/* Ends all workers. None starts before the fork is over, though other threads may run between here
 * and there, while CPython calls what else was registered. So no lock is kept: they would wait for
 * it, and this thread for them. */
PyObject *
lifecycle_before_fork(PyObject *module, PyObject *ignored)
{
    struct pool_state *state = PyModule_GetState(module);
    struct core *core;
    (void)ignored;
    atomic_fetch_add(&state->forking, 1);
    while ((core = fork_find_workers(state)) != NULL) {
        while (core_wait(core, WAIT_FOREVER) < 0) {
            PyErr_Clear(); /* forking cannot be stopped from here any more */
        }
        core_unref(core);
    }
    Py_RETURN_NONE;
}

static void
fork_reopen(struct core *core)
{
    if (atomic_load(&core->jobs.mode) == JOBS_PAUSED) {
        jobs_set_mode(&core->jobs, JOBS_OPEN);
    }
}

PyObject *
lifecycle_after_fork_parent(PyObject *module, PyObject *ignored)
{
    struct pool_state *state = PyModule_GetState(module);
    (void)ignored;
    if (atomic_fetch_sub(&state->forking, 1) > 1) {
        Py_RETURN_NONE; /* another thread is about to fork and counts on empty pools */
    }
    struct core **cores = core_all(state);
    for (struct core **core = cores; core && *core; core++) {
        fork_reopen(*core);
        /* For what other threads submitted meanwhile; other workers come back with the next task.
         */
        if (core_start_workers(state, *core, jobs_want_workers(&(*core)->jobs)) < 0) {
            PyErr_WriteUnraisable(NULL);
        }
    }
    core_free_all(cores);
    return cores ? Py_NewRef(Py_None) : NULL;
}

PyObject *
lifecycle_after_fork_child(PyObject *module, PyObject *ignored)
{
    struct pool_state *state = PyModule_GetState(module);
    (void)ignored;
    atomic_store(&state->forking, 0);
    if (state->notifier) {
        notifier_forget(state->notifier);
    }
    for (struct core *core = state->cores; core; core = core->next) {
        pthread_mutex_init(&core->lock, NULL); /* whoever held it is not here */
        jobs_after_fork(&core->jobs);
    }
    struct core **cores = core_all(state);
    for (struct core **core = cores; core && *core; core++) {
        fork_reopen(*core);
        core_cancel_queue(state, *core, 0); /* the parent runs those */
    }
    core_free_all(cores);
    return cores ? Py_NewRef(Py_None) : NULL;
}
