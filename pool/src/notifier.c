#include "notifier.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "future.h"
#include "interp.h"

#define RETRY 0.1 /* seconds */

struct notifier *
notifier_new(struct pool_state *state)
{
    struct notifier *notifier = calloc(1, sizeof(*notifier));
    if (!notifier) {
        PyErr_NoMemory();
        return NULL;
    }
    atomic_init(&notifier->refs, 1);
    jobs_finished_init(&notifier->finished);
    wait_init(&notifier->caught_up);
    notifier->state = state;
    return notifier;
}

void
notifier_ref(struct notifier *notifier)
{
    atomic_fetch_add(&notifier->refs, 1);
}

void
notifier_unref(struct notifier *notifier)
{
    if (atomic_fetch_sub(&notifier->refs, 1) == 1) {
        wait_destroy(&notifier->finished.notice);
        wait_destroy(&notifier->caught_up);
        free(notifier);
    }
}

void
notifier_add(struct notifier *notifier, struct job *job)
{
    atomic_fetch_add(&notifier->added, 1);
    jobs_finished_add(&notifier->finished, job);
}

static void
notifier_tell(struct pool_state *state, const char *text)
{
    PyObject *message = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
    PyObject *told = message ? state_call(state, &state->hook_tell, message) : NULL;
    if (!told) {
        PyErr_WriteUnraisable(NULL);
    }
    Py_XDECREF(told);
    Py_XDECREF(message);
}

static void
notifier_handle(struct notifier *notifier, struct task *task)
{
    if (task->kind == TASK_BREAK) {
        core_break(task->core, task->text ? task->text : "no memory");
    }
    else if (task->kind == TASK_TELL) {
        notifier_tell(notifier->state, task->text ? task->text : "no memory");
    }
    else {
        future_publish(notifier->state, task);
    }
    job_unref(&task->job);
}

static void
notifier_handle_all(struct notifier *notifier)
{
    struct job *job = jobs_finished_take(&notifier->finished);
    while (job) {
        struct job *next = job->next;
        notifier_handle(notifier, (struct task *)job);
        atomic_fetch_add(&notifier->handled, 1);
        job = next;
    }
    atomic_fetch_add(&notifier->caught_up.value, 1);
    wait_wake(&notifier->caught_up, INT_MAX);
    state_drain(notifier->state);
}

/* Enters the interpreter. By itself: a thread state belongs to the thread that makes it, in
 * free-threaded builds its reference counts and its memory as well. Without memory it tries again,
 * as futures are waiting for it; NULL when it is told to stop meanwhile. */
static PyThreadState *
notifier_enter(struct notifier *notifier)
{
    for (;;) {
        PyThreadState *own = interp_visit(notifier->home);
        if (own || atomic_load(&notifier->stop)) {
            return own;
        }
        int seen = atomic_load(&notifier->finished.notice.value);
        wait_sleep(&notifier->finished.notice, seen, wait_deadline(RETRY));
    }
}

static void *
notifier_main(void *arg)
{
    struct notifier *notifier = arg;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    PyThreadState *own = notifier_enter(notifier);
    while (own) {
        int seen = atomic_load(&notifier->finished.notice.value);
        notifier_handle_all(notifier);
        if (atomic_load(&notifier->finished.newest)) {
            continue;
        }
        if (atomic_load(&notifier->stop)) {
            break;
        }
        interp_leave(&own);
        wait_sleep(&notifier->finished.notice, seen, WAIT_FOREVER);
        interp_return(&own);
    }
    if (own) {
        interp_thread_end(own);
    }
    notifier_unref(notifier);
    return NULL;
}

/* Starts the thread unless another caller was quicker; errno. */
static int
notifier_launch(struct notifier *notifier)
{
    int error = 0;
    Py_BEGIN_CRITICAL_SECTION(notifier->state->lock);
    if (!notifier->running) {
        notifier->home = PyInterpreterState_Get();
        notifier_ref(notifier);
        error = pthread_create(&notifier->thread, NULL, notifier_main, notifier);
        notifier->running = error == 0;
    }
    Py_END_CRITICAL_SECTION();
    if (error) {
        notifier_unref(notifier);
    }
    return error;
}

int
notifier_start(struct notifier *notifier)
{
    if (notifier->running) {
        return 0;
    }
    if (notifier_launch(notifier)) {
        PyErr_SetString(PyExc_RuntimeError, "can't start new thread (extpool notifier)");
        return -1;
    }
    return 0;
}

void
notifier_stop(struct notifier *notifier)
{
    if (!notifier->running) {
        return;
    }
    atomic_store(&notifier->stop, 1);
    jobs_finished_wake(&notifier->finished);
    if (!pthread_equal(pthread_self(), notifier->thread)) {
        PyThreadState *own;
        interp_leave(&own);
        pthread_join(notifier->thread, NULL);
        interp_return(&own);
    }
    notifier->running = 0;
    atomic_store(&notifier->stop, 0);
}

void
notifier_forget(struct notifier *notifier)
{
    notifier->running = 0;
    atomic_store(&notifier->finished.newest, NULL);
    atomic_store(&notifier->handled, atomic_load(&notifier->added));
}

void
notifier_catch_up(struct notifier *notifier)
{
    int target = atomic_load(&notifier->added);
    if (!notifier->running || pthread_equal(pthread_self(), notifier->thread)) {
        return;
    }
    PyThreadState *own;
    interp_leave(&own);
    for (;;) {
        int seen = atomic_load(&notifier->caught_up.value);
        if (target - atomic_load(&notifier->handled) <= 0) {
            break;
        }
        wait_sleep(&notifier->caught_up, seen, WAIT_FOREVER);
    }
    interp_return(&own);
}
