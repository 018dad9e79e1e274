/* Waiting for channels: trying again whenever one of them has changed, never polling. */
#include <stdlib.h>

#include "channel_parts.h"
#include "interp.h"
#include "worker.h"

/* The worker knows what its thread sleeps on, so that an interruption can wake it. */
static void
channel_announce(struct pool_state *state, struct waiter *waiter)
{
    struct worker *worker = state->worker;
    if (worker && worker->thread_id == PyThread_get_thread_ident()) {
        pthread_mutex_lock(&worker->lock);
        worker->waiting = waiter;
        pthread_mutex_unlock(&worker->lock);
    }
}

/* Sleeps once. -1 when a signal handler or an interruption raised; 0 at the deadline; else 1. */
static int
channel_sleep(struct pool_state *state, struct waiter *waiter, int seen, int64_t deadline)
{
    PyThreadState *own;
    interp_leave(&own);
    enum wait_result result = wait_sleep(&waiter->word, seen, deadline);
    interp_return(&own);
    if (PyErr_CheckSignals() < 0) {
        return -1;
    }
    if (state->worker) {
        PyObject *done = state_call(state, &state->hook_checkpoint, Py_None);
        if (!done) {
            return -1;
        }
        Py_DECREF(done);
    }
    return result == WAIT_TIMED_OUT ? 0 : 1;
}

int
channel_wait(struct pool_state *state, struct channel **channels, Py_ssize_t count,
             int64_t deadline, channel_try attempt, void *what, enum channel_result *result)
{
    struct waiter waiter;
    struct waiter_entry *entries;
    *result = attempt(what);
    if (*result != CHANNEL_WOULD_BLOCK) {
        return 1;
    }
    entries = calloc((size_t)count, sizeof(*entries));
    if (!entries) {
        PyErr_NoMemory();
        return -1;
    }
    waiter_init(&waiter, -1);
    for (Py_ssize_t i = 0; i < count; i++) {
        entries[i].waiter = &waiter;
        channel_core_listen(channels[i], &entries[i]);
    }
    channel_announce(state, &waiter);
    int alive = 1;
    while (alive > 0) {
        int seen = atomic_load(&waiter.word.value);
        *result = attempt(what);
        if (*result != CHANNEL_WOULD_BLOCK) {
            break;
        }
        alive = channel_sleep(state, &waiter, seen, deadline);
    }
    channel_announce(state, NULL);
    for (Py_ssize_t i = 0; i < count; i++) {
        channel_core_unlisten(channels[i], &entries[i]);
    }
    wait_destroy(&waiter.word);
    free(entries);
    return alive;
}

static void
channel_raise_end(struct pool_state *state, struct channel *channel)
{
    char reason[400];
    enum channel_state end = channel_core_state(channel, reason, sizeof(reason));
    PyObject *error = state_failure(state, end == CHANNEL_POISONED ? -2 : -1, reason);
    state_raise(error);
    Py_XDECREF(error);
}

int
channel_conclude(struct pool_state *state, struct channel *channel, int alive,
                 enum channel_result result)
{
    if (alive < 0) {
        return -1;
    }
    if (alive == 0 || result == CHANNEL_WOULD_BLOCK) {
        PyErr_SetNone(PyExc_TimeoutError);
        return -1;
    }
    if (result == CHANNEL_ENDED) {
        channel_raise_end(state, channel);
        return -1;
    }
    return 0;
}
