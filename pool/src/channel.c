/* class Channel:
 *     def __init__(self, maxsize=0): ...
 *     def send(self, obj, timeout=None): ...
 *     def receive(self, timeout=None): ...
 *     def close(self): ...
 *     def poison(self, reason=""): ...
 *     def receive_async(self, timeout=None): ... # by way of _watch(fd)
 * select() is in channel_select.c. */
#include <stdlib.h>
#include <string.h>

#include "channel_parts.h"
#include "transfer.h"

struct block *
channel_block(PyObject *channel)
{
    return ((struct channel_object *)channel)->block;
}

PyObject *
channel_from_block(struct pool_state *state, struct block *block)
{
    struct channel_object *self = PyObject_New(struct channel_object, state->channel_type);
    if (self) {
        block_ref(block);
        self->block = block;
    }
    return (PyObject *)self;
}

/* ---- sending and receiving ---- */

struct channel_put {
    struct channel *channel;
    struct channel_item *item;
};

static enum channel_result
channel_try_put(void *what)
{
    struct channel_put *put = what;
    return channel_core_put(put->channel, put->item);
}

static PyObject *
channel_send(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"obj", "timeout", NULL};
    struct pool_state *state = state_of(Py_TYPE(self));
    PyObject *object;
    PyObject *timeout = NULL;
    int64_t deadline;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:send", names, &object, &timeout) ||
        state_deadline(timeout, &deadline) < 0) {
        return NULL;
    }
    state_drain(state);
    struct channel *channel = channel_of(self);
    struct channel_put put = {channel, channel_item_new()};
    if (!put.item) {
        return PyErr_NoMemory();
    }
    enum channel_result result = CHANNEL_OK;
    int failed = transfer_encode(state, &put.item->message, &object, 1);
    if (!failed) {
        int alive = channel_wait(state, &channel, 1, deadline, channel_try_put, &put, &result);
        failed = channel_conclude(state, channel, alive, result);
    }
    if (failed) {
        channel_item_free(put.item);
        return NULL;
    }
    Py_RETURN_NONE;
}

struct channel_take {
    struct channel *channel;
    struct channel_item *item;
};

static enum channel_result
channel_try_take(void *what)
{
    struct channel_take *take = what;
    return channel_core_take(take->channel, &take->item);
}

PyObject *
channel_decode_item(struct pool_state *state, struct channel_item *item)
{
    size_t position = 0;
    PyObject *value = transfer_decode(state, &item->message, &position);
    channel_item_free(item);
    return value;
}

/* The oldest object; with `stop`, NULL without an exception at the end of a closed channel. */
static PyObject *
channel_receive_until(PyObject *self, int64_t deadline, int stop)
{
    struct pool_state *state = state_of(Py_TYPE(self));
    state_drain(state);
    struct channel *channel = channel_of(self);
    struct channel_take take = {channel, NULL};
    enum channel_result result = CHANNEL_OK;
    char reason[1];
    int alive = channel_wait(state, &channel, 1, deadline, channel_try_take, &take, &result);
    if (stop && alive > 0 && result == CHANNEL_ENDED &&
        channel_core_state(channel, reason, sizeof(reason)) == CHANNEL_CLOSED) {
        return NULL;
    }
    if (channel_conclude(state, channel, alive, result) < 0) {
        return NULL;
    }
    return channel_decode_item(state, take.item);
}

static PyObject *
channel_receive(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"timeout", NULL};
    PyObject *timeout = NULL;
    int64_t deadline;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:receive", names, &timeout) ||
        state_deadline(timeout, &deadline) < 0) {
        return NULL;
    }
    return channel_receive_until(self, deadline, 0);
}

static PyObject *
channel_next(PyObject *self)
{
    return channel_receive_until(self, WAIT_FOREVER, 1);
}

/* ---- the rest ---- */

static PyObject *
channel_close(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    channel_core_end(channel_of(self), CHANNEL_CLOSED, NULL);
    Py_RETURN_NONE;
}

static PyObject *
channel_poison(PyObject *self, PyObject *args)
{
    const char *reason = "";
    if (!PyArg_ParseTuple(args, "|s:poison", &reason)) {
        return NULL;
    }
    channel_core_end(channel_of(self), CHANNEL_POISONED, strdup(reason));
    Py_RETURN_NONE;
}

struct watch {
    struct waiter_entry entry;
    struct waiter waiter;
    struct block *block; /* of the channel */
};

static void
channel_unwatch(struct watch *watch)
{
    channel_core_unlisten(channel_core(watch->block), &watch->entry);
    block_unref(watch->block);
    free(watch);
}

static void
channel_watch_end(PyObject *capsule)
{
    channel_unwatch(PyCapsule_GetPointer(capsule, NULL));
}

/* _watch(fd): the descriptor is written to at every change, until the returned object is gone. */
static PyObject *
channel_watch(PyObject *self, PyObject *argument)
{
    int fd = PyLong_AsInt(argument);
    if (fd == -1 && PyErr_Occurred()) {
        return NULL;
    }
    struct watch *watch = calloc(1, sizeof(*watch));
    if (!watch) {
        return PyErr_NoMemory();
    }
    waiter_init(&watch->waiter, fd);
    watch->entry.waiter = &watch->waiter;
    watch->block = channel_block(self);
    block_ref(watch->block);
    channel_core_listen(channel_core(watch->block), &watch->entry);
    PyObject *capsule = PyCapsule_New(watch, NULL, channel_watch_end);
    if (!capsule) {
        channel_unwatch(watch);
    }
    return capsule;
}

static PyObject *
channel_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"maxsize", NULL};
    Py_ssize_t limit = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|n:Channel", names, &limit)) {
        return NULL;
    }
    struct block *block = channel_core_new(limit > 0 ? (size_t)limit : 0);
    if (!block) {
        return PyErr_NoMemory();
    }
    PyObject *self = channel_from_block(state_of(type), block);
    block_unref(block);
    return self;
}

static void
channel_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    block_unref(channel_block(self));
    PyObject_Free(self);
    Py_DECREF(type);
}

static Py_ssize_t
channel_length(PyObject *self)
{
    return (Py_ssize_t)channel_core_count(channel_of(self));
}

static int
channel_bool(PyObject *self)
{
    (void)self;
    return 1; /* an empty channel is still a channel */
}

static PyObject *
channel_get_closed(PyObject *self, void *closure)
{
    char reason[1];
    (void)closure;
    return PyBool_FromLong(channel_core_state(channel_of(self), reason, sizeof(reason)) !=
                           CHANNEL_OPEN);
}

static PyObject *
channel_compare(PyObject *self, PyObject *other, int operation)
{
    if (!Py_IS_TYPE(other, Py_TYPE(self)) || (operation != Py_EQ && operation != Py_NE)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    return PyBool_FromLong((channel_block(self) == channel_block(other)) == (operation == Py_EQ));
}

static Py_hash_t
channel_hash(PyObject *self)
{
    return (Py_hash_t)((uintptr_t)channel_block(self) >> 4);
}

static PyObject *
channel_receive_async(PyObject *self, PyObject *args)
{
    struct pool_state *state = state_of(Py_TYPE(self));
    PyObject *timeout = Py_None;
    if (!PyArg_ParseTuple(args, "|O:receive_async", &timeout)) {
        return NULL;
    }
    PyObject *parts = PyTuple_Pack(2, self, timeout);
    PyObject *coroutine = parts ? state_call(state, &state->hook_receive_async, parts) : NULL;
    Py_XDECREF(parts);
    return coroutine;
}

static PyObject *
channel_repr(PyObject *self)
{
    struct channel *channel = channel_of(self);
    char reason[1];
    enum channel_state state = channel_core_state(channel, reason, sizeof(reason));
    const char *ends = state == CHANNEL_POISONED ? " poisoned" : " closed";
    return PyUnicode_FromFormat("<extpool.Channel %p size=%zu maxsize=%zu%s>",
                                (void *)channel_block(self), channel_core_count(channel),
                                channel->limit, state == CHANNEL_OPEN ? "" : ends);
}

static PyMethodDef channel_methods[] = {
    {"send", (PyCFunction)(void (*)(void))channel_send, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("send($self, obj, timeout=None)\n--\n\n"
               "Appends a copy of obj; waits at most timeout seconds while the channel is full.\n\n"
               "Returns: None; ChannelClosed or ChannelPoisoned, TimeoutError,\n"
               "NotShareableError.\n"
               "Threads: any, in any interpreter.\n"
               "Since: 0.1.")},
    {"receive", (PyCFunction)(void (*)(void))channel_receive, METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("receive($self, timeout=None)\n--\n\n"
               "The oldest object; waits at most timeout seconds for one.\n\n"
               "Returns: the object; ChannelClosed when it is closed and empty, ChannelPoisoned\n"
               "at once when it is poisoned, TimeoutError.\n"
               "Threads: any, in any interpreter.\n"
               "Since: 0.1.")},
    {"receive_async", channel_receive_async, METH_VARARGS,
     PyDoc_STR("receive_async($self, timeout=None)\n--\n\n"
               "await it in asyncio: like receive(), without blocking the event loop.")},
    {"close", channel_close, METH_NOARGS,
     PyDoc_STR("close($self)\n--\n\nNo more sending; what is there can still be received.")},
    {"poison", channel_poison, METH_VARARGS,
     PyDoc_STR("poison($self, reason='')\n--\n\n"
               "Readers and writers get ChannelPoisoned(reason) from now on, also those waiting.")},
    {"_watch", channel_watch, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef channel_getset[] = {
    {"closed", channel_get_closed, NULL, "Whether it was closed or poisoned.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(
    channel_doc,
    "Channel(maxsize=0)\n--\n\n"
    "A queue between tasks and the program, in any interpreters; pass it as an argument.\n\n"
    "maxsize: most objects it holds, 0 for no limit. Objects are copied as arguments of\n"
    "tasks are. Waiting is a real wait, which Ctrl-C and Future.interrupt() end. Iterating\n"
    "receives until the channel is closed and empty.");

static PyType_Slot channel_slots[] = {
    {Py_tp_new, channel_new},
    {Py_tp_dealloc, channel_dealloc},
    {Py_tp_methods, channel_methods},
    {Py_tp_getset, channel_getset},
    {Py_tp_richcompare, channel_compare},
    {Py_tp_hash, channel_hash},
    {Py_tp_repr, channel_repr},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, channel_next},
    {Py_tp_doc, (void *)channel_doc},
    {Py_sq_length, channel_length},
    {Py_nb_bool, channel_bool},
    {0, NULL},
};

PyType_Spec channel_spec = {
    .name = "extpool.Channel",
    .basicsize = sizeof(struct channel_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = channel_slots,
};
