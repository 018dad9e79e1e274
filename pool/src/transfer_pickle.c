/* Pickling what the codec does not know, with big buffers out of band. */
#include <string.h>

#include "transfer.h"
#include "transfer_tags.h"

/* Fetches _pickle (the accelerator alone: a tenth of the price of the pickle module). */
static int
pickle_ready(struct pool_state *state)
{
    int ready = 0;
    Py_BEGIN_CRITICAL_SECTION(state->lock);
    if (!state->loads) {
        PyObject *module = PyImport_ImportModule("_pickle");
        PyObject *dumps = module ? PyObject_GetAttrString(module, "dumps") : NULL;
        PyObject *loads = dumps ? PyObject_GetAttrString(module, "loads") : NULL;
        Py_XDECREF(module);
        if (loads) {
            state->dumps = dumps;
            state->loads = loads;
        }
        else {
            Py_XDECREF(dumps);
            ready = -1;
        }
    }
    Py_END_CRITICAL_SECTION();
    return ready;
}

/* Puts copies of the PickleBuffers into the message as blocks; their numbers go to `place`. */
static int
pickle_buffers(struct pool_state *state, struct message *message, PyObject *buffers, int *numbers)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(buffers); i++) {
        PyObject *buffer = PyList_GetItemRef(buffers, i);
        PyObject *raw = buffer ? PyObject_CallMethod(buffer, "raw", NULL) : NULL;
        Py_XDECREF(buffer);
        struct block *block = raw ? transfer_share(state, raw, 1) : NULL;
        Py_XDECREF(raw);
        if (!block) {
            return -1;
        }
        numbers[i] = message_add_block(message, block);
        block_unref(block);
        if (numbers[i] < 0) {
            PyErr_NoMemory();
            return -1;
        }
    }
    return 0;
}

/* Layout: tag, size of the pickle, count of buffers, their block numbers, the pickle. */
static int
pickle_write(struct pool_state *state, struct message *message, PyObject *pickle, PyObject *buffers)
{
    Py_ssize_t count = PyList_GET_SIZE(buffers);
    Py_ssize_t size = PyBytes_GET_SIZE(pickle);
    int *numbers = PyMem_New(int, (size_t)count + 1);
    if (!numbers) {
        PyErr_NoMemory();
        return -1;
    }
    int failed = pickle_buffers(state, message, buffers, numbers);
    size_t numbers_size = (size_t)count * sizeof(int);
    char *place =
        failed ? NULL
               : message_reserve(message, 1 + 2 * sizeof(size) + numbers_size + (size_t)size);
    if (place) {
        *place = (char)TAG_PICKLE;
        memcpy(place + 1, &size, sizeof(size));
        memcpy(place + 1 + sizeof(size), &count, sizeof(count));
        place += 1 + 2 * sizeof(size);
        memcpy(place, numbers, numbers_size);
        memcpy(place + numbers_size, PyBytes_AS_STRING(pickle), (size_t)size);
    }
    else if (!failed) {
        PyErr_NoMemory();
        failed = -1;
    }
    PyMem_Free(numbers);
    return failed;
}

/* The plain pickler refused: the facade's knows our types, and functions without a module. */
static int
pickle_own(struct pool_state *state, struct message *message, PyObject *value)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return -1;
    }
    PyErr_Clear();
    PyObject *dumped = state_call(state, &state->hook_dump, value);
    if (!dumped) {
        return -1;
    }
    char *place = message_reserve(message, 1);
    int result = -1;
    if (place) {
        *place = (char)TAG_PICKLE_OWN;
        result = transfer_encode(state, message, &dumped, 1);
    }
    else {
        PyErr_NoMemory();
    }
    Py_DECREF(dumped);
    return result;
}

int
transfer_pickle(struct pool_state *state, struct message *message, PyObject *value)
{
    if (pickle_ready(state) < 0) {
        return -1;
    }
    size_t size = message->size;
    int blocks = message->block_count;
    message->lively = 1;
    PyObject *buffers = PyList_New(0);
    PyObject *append = buffers ? PyObject_GetAttrString(buffers, "append") : NULL;
    int result = -1;
    if (append) {
        PyObject *args[] = {value, state->protocol, append};
        PyObject *pickle = PyObject_Vectorcall(state->dumps, args, 2, state->name_buffer_callback);
        if (pickle) {
            result = pickle_write(state, message, pickle, buffers);
            Py_DECREF(pickle);
        }
        else {
            result = pickle_own(state, message, value);
        }
    }
    Py_XDECREF(append);
    Py_XDECREF(buffers);
    if (result < 0) {
        message_cut(message, size, blocks);
    }
    return result;
}

/* The buffers of a pickle as a list of memoryviews. */
static PyObject *
unpickle_buffers(struct pool_state *state, const struct message *message, const char *numbers,
                 Py_ssize_t count)
{
    PyObject *buffers = PyList_New(count);
    for (Py_ssize_t i = 0; buffers && i < count; i++) {
        int number;
        memcpy(&number, numbers + (size_t)i * sizeof(int), sizeof(int));
        PyObject *shared = transfer_shared_new(state, message->blocks[number]);
        PyObject *view = shared ? PyMemoryView_FromObject(shared) : NULL;
        Py_XDECREF(shared);
        if (!view) {
            Py_CLEAR(buffers);
            break;
        }
        PyList_SET_ITEM(buffers, i, view);
    }
    return buffers;
}

/* A worker does not have what the main script defines until somebody needs it. */
static PyObject *
unpickle_again(struct pool_state *state, PyObject *pickle, PyObject *buffers)
{
    if (!state->worker || !PyErr_ExceptionMatches(PyExc_Exception)) {
        return NULL;
    }
    PyObject *error = PyErr_GetRaisedException();
    PyObject *copy = PyBytes_FromObject(pickle);
    PyObject *args = copy ? PyTuple_Pack(3, copy, buffers, error) : NULL;
    PyObject *value = args ? state_call(state, &state->hook_load, args) : NULL;
    Py_XDECREF(args);
    Py_XDECREF(copy);
    Py_DECREF(error);
    return value;
}

static PyObject *
unpickle_own(struct pool_state *state, const struct message *message, size_t *position)
{
    PyObject *dumped = transfer_decode(state, message, position);
    if (!dumped) {
        return NULL;
    }
    PyObject *value = state_call(state, &state->hook_load, dumped);
    Py_DECREF(dumped);
    return value;
}

PyObject *
transfer_unpickle(struct pool_state *state, const struct message *message, size_t *position)
{
    const char *place = message->data + *position;
    if (*place++ == (char)TAG_PICKLE_OWN) {
        *position += 1;
        return unpickle_own(state, message, position);
    }
    Py_ssize_t size;
    Py_ssize_t count;
    memcpy(&size, place, sizeof(size));
    memcpy(&count, place + sizeof(size), sizeof(count));
    place += 2 * sizeof(size);
    size_t numbers_size = (size_t)count * sizeof(int);
    *position += 1 + 2 * sizeof(size) + numbers_size + (size_t)size;
    if (pickle_ready(state) < 0) {
        return NULL;
    }
    PyObject *buffers = unpickle_buffers(state, message, place, count);
    PyObject *pickle =
        buffers ? PyMemoryView_FromMemory((char *)place + numbers_size, size, PyBUF_READ) : NULL;
    PyObject *value = NULL;
    if (pickle) {
        PyObject *args[] = {pickle, buffers};
        value = PyObject_Vectorcall(state->loads, args, 1, state->name_buffers);
        if (!value) {
            value = unpickle_again(state, pickle, buffers);
        }
        Py_DECREF(pickle);
    }
    Py_XDECREF(buffers);
    return value;
}
