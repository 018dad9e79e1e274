#include "notifier.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "future.h"
#include "interp.h"

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

static void *
notifier_main(void *arg)
{
    struct notifier *notifier = arg;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    interp_thread_begin(notifier->own);
    for (;;) {
        int seen = atomic_load(&notifier->finished.notice.value);
        notifier_handle_all(notifier);
        if (atomic_load(&notifier->finished.newest)) {
            continue;
        }
        if (atomic_load(&notifier->stop)) {
            break;
        }
        interp_leave(&notifier->own);
        wait_sleep(&notifier->finished.notice, seen, WAIT_FOREVER);
        interp_return(&notifier->own);
    }
    interp_thread_end(notifier->own);
    notifier_unref(notifier);
    return NULL;
}

/* Starts the thread with that thread state unless another caller was quicker; errno. */
static int
notifier_launch(struct notifier *notifier, PyThreadState *own, int *quicker)
{
    int error = 0;
    *quicker = 1;
    Py_BEGIN_CRITICAL_SECTION(notifier->state->lock);
    if (!notifier->running) {
        *quicker = 0;
        notifier->own = own;
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
    /* Not in the critical section: making a thread state can stop the world, which lets go of the
     * section, and a second thread would start. */
    PyThreadState *own = interp_new_thread();
    int quicker = 0;
    int error = own ? notifier_launch(notifier, own, &quicker) : ENOMEM;
    if (own && (quicker || error)) {
        interp_drop_thread(own);
    }
    if (error) {
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
