/* select(channels, timeout=None): receives from whichever channel has something first. */
#include <stdlib.h>

#include "channel_parts.h"
#include "transfer.h"

struct channel_choice {
    struct channel **channels;
    Py_ssize_t count;
    Py_ssize_t chosen;
    struct channel_item *item;
};

static enum channel_result
channel_try_any(void *what)
{
    struct channel_choice *choice = what;
    for (Py_ssize_t i = 0; i < choice->count; i++) {
        enum channel_result result = channel_core_take(choice->channels[i], &choice->item);
        if (result != CHANNEL_WOULD_BLOCK) {
            choice->chosen = i;
            return result;
        }
    }
    return CHANNEL_WOULD_BLOCK;
}

/* The channels of a sequence, which keeps them alive. NULL with an exception set. */
static struct channel **
channel_list(struct pool_state *state, PyObject *sequence)
{
    Py_ssize_t count = PyTuple_GET_SIZE(sequence);
    struct channel **channels = calloc((size_t)count + 1, sizeof(*channels));
    if (!channels) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyTuple_GET_ITEM(sequence, i);
        if (!Py_IS_TYPE(item, state->channel_type)) {
            PyErr_Format(PyExc_TypeError, "select() takes channels, not %s",
                         Py_TYPE(item)->tp_name);
            free(channels);
            return NULL;
        }
        channels[i] = channel_of(item);
    }
    return channels;
}

static PyObject *
channel_select_from(struct pool_state *state, PyObject *sequence, int64_t deadline)
{
    struct channel_choice choice = {.channels = channel_list(state, sequence)};
    if (!choice.channels) {
        return NULL;
    }
    choice.count = PyTuple_GET_SIZE(sequence);
    enum channel_result result = CHANNEL_OK;
    int alive = channel_wait(state, choice.channels, choice.count, deadline, channel_try_any,
                             &choice, &result);
    struct channel *chosen = choice.count ? choice.channels[choice.chosen] : NULL;
    PyObject *pair = NULL;
    if (channel_conclude(state, chosen, alive, result) == 0) {
        PyObject *value = channel_decode_item(state, choice.item);
        if (value) {
            pair = PyTuple_Pack(2, PyTuple_GET_ITEM(sequence, choice.chosen), value);
            Py_DECREF(value);
        }
    }
    free(choice.channels);
    return pair;
}

PyObject *
channel_select(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"channels", "timeout", NULL};
    PyObject *channels;
    PyObject *timeout = NULL;
    int64_t deadline;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:select", names, &channels, &timeout) ||
        state_deadline(timeout, &deadline) < 0) {
        return NULL;
    }
    struct pool_state *state = PyModule_GetState(module);
    state_drain(state);
    PyObject *sequence = PySequence_Tuple(channels);
    if (!sequence) {
        return NULL;
    }
    PyObject *pair = NULL;
    if (PyTuple_GET_SIZE(sequence) == 0) {
        PyErr_SetString(PyExc_ValueError, "select() needs at least one channel");
    }
    else {
        pair = channel_select_from(state, sequence, deadline);
    }
    Py_DECREF(sequence);
    return pair;
}
