/* Writing containers, and remembering those that may be met again. */
#include <stdlib.h>

#include "transfer_encoder.h"

/* Without a GIL another thread may drop an item while we look at it, so it is held meanwhile. */
#ifdef Py_GIL_DISABLED
#define ITEM_HOLD(item) Py_INCREF(item)
#define ITEM_RELEASE(item) Py_DECREF(item)
#else
#define ITEM_HOLD(item) ((void)(item))
#define ITEM_RELEASE(item) ((void)(item))
#endif

#define IN_PROGRESS UINT32_MAX
#define PACKED_LEAST 8 /* items that are worth a look whether all are numbers */

/* ---- memo: containers that may be met again ---- */

static struct memo_entry *
memo_find(struct memo_entry *memo, size_t size, size_t used, PyObject *object)
{
    if (size == MEMO_FEW) {
        for (size_t i = 0; i < used; i++) {
            if (memo[i].object == object) {
                return &memo[i];
            }
        }
        if (used == size) {
            return NULL;
        }
        memo[used].object = NULL; /* not written before */
        return &memo[used];
    }
    size_t at = ((uintptr_t)object >> 4) * 0x9E3779B1u;
    for (;; at++) {
        struct memo_entry *entry = &memo[at & (size - 1)];
        if (!entry->object || entry->object == object) {
            return entry;
        }
    }
}

static int
memo_grow(struct encoder *encoder)
{
    size_t size = encoder->memo_size == MEMO_FEW ? 64 : encoder->memo_size * 2;
    struct memo_entry *memo = calloc(size, sizeof(*memo));
    if (!memo) {
        return encode_no_memory();
    }
    for (size_t i = 0; i < encoder->memo_size; i++) {
        if (encoder->memo[i].object) {
            *memo_find(memo, size, 0, encoder->memo[i].object) = encoder->memo[i];
        }
    }
    if (encoder->memo != encoder->memo_few) {
        free(encoder->memo);
    }
    encoder->memo = memo;
    encoder->memo_size = size;
    return ENCODE_OK;
}

/* Remembers the object under the number; the numbers are given in the order the reader sees. */
static int
memo_set(struct encoder *encoder, PyObject *object, uint32_t number)
{
    size_t limit = encoder->memo_size == MEMO_FEW ? MEMO_FEW : encoder->memo_size / 2;
    struct memo_entry *entry =
        memo_find(encoder->memo, encoder->memo_size, encoder->memo_used, object);
    if (!entry || (entry->object != object && encoder->memo_used >= limit)) {
        if (memo_grow(encoder) < 0) {
            return ENCODE_ERROR;
        }
        entry = memo_find(encoder->memo, encoder->memo_size, encoder->memo_used, object);
    }
    if (entry->object != object) {
        entry->object = object;
        encoder->memo_used++;
    }
    entry->number = number;
    return ENCODE_OK;
}

void
encoder_forget(struct encoder *encoder)
{
    if (encoder->memo != encoder->memo_few) {
        free(encoder->memo);
    }
    encoder->memo = encoder->memo_few;
    encoder->memo_size = MEMO_FEW;
    encoder->memo_used = 0;
    encoder->slots_ready = 0;
}

/* 1: written as a reference; 0: new, goes on with its items; else as encode_value(). */
static int
memo_seen(struct encoder *encoder, PyObject *object, int *result)
{
    struct memo_entry *entry =
        memo_find(encoder->memo, encoder->memo_size, encoder->memo_used, object);
    if (!entry || entry->object != object) {
        return 0;
    }
    *result = entry->number == IN_PROGRESS
                  ? ENCODE_PICKLE
                  : encode_number(encoder, TAG_REF, &entry->number, sizeof(entry->number));
    return 1;
}

/* ---- numbers in a row ---- */

static int
encode_is_packable(PyObject *item)
{
    return PyLong_CheckExact(item) || PyFloat_CheckExact(item);
}

/* Writes a number of that exact type in 8 bytes: 1, or 0 when it is none or does not fit. */
TRANSFER_INLINE int
encode_packed(PyTypeObject *type, PyObject *item, char *place)
{
    if (!Py_IS_TYPE(item, type)) {
        return 0;
    }
    if (type == &PyFloat_Type) {
        double number = PyFloat_AS_DOUBLE(item);
        memcpy(place, &number, 8);
        return 1;
    }
    long long number;
    if (!encode_int_value(item, &number)) {
        return 0;
    }
    memcpy(place, &number, 8);
    return 1;
}

/* All items as machine numbers, if they are of one type: ENCODE_PICKLE when they are not. */
static int
encode_list_numbers(struct encoder *encoder, PyObject *list, Py_ssize_t count)
{
    size_t before = encoder->message->size;
    PyObject *first = PyList_GET_ITEM(list, 0);
    if (!encode_is_packable(first)) {
        return ENCODE_PICKLE;
    }
    PyTypeObject *type = Py_TYPE(first);
    enum transfer_tag tag = PyLong_CheckExact(first) ? TAG_LIST_INT64 : TAG_LIST_FLOAT;
    char *place = encode_sized(encoder, tag, count, (size_t)count * 8);
    if (!place) {
        return ENCODE_ERROR;
    }
    for (Py_ssize_t i = 0; i < count; i++, place += 8) {
        if (!encode_packed(type, PyList_GET_ITEM(list, i), place)) {
            encoder->message->size = before;
            return ENCODE_PICKLE;
        }
    }
    return ENCODE_OK;
}

/* The same for a dict: keys of one type, values of one type. */
static int
encode_dict_numbers(struct encoder *encoder, PyObject *dict, Py_ssize_t count)
{
    size_t before = encoder->message->size;
    Py_ssize_t position = 0;
    PyObject *key;
    PyObject *value;
    if (!PyDict_Next(dict, &position, &key, &value) || !encode_is_packable(key) ||
        !encode_is_packable(value)) {
        return ENCODE_PICKLE;
    }
    PyTypeObject *key_type = Py_TYPE(key);
    PyTypeObject *value_type = Py_TYPE(value);
    char *place = encode_sized(encoder, TAG_DICT_NUMBERS, count, 1 + (size_t)count * 16);
    if (!place) {
        return ENCODE_ERROR;
    }
    int pair = PyLong_CheckExact(key) ? TRANSFER_INT_INT : TRANSFER_FLOAT_INT;
    *place++ = (char)(PyLong_CheckExact(value) ? pair : pair + 1);
    do {
        if (!encode_packed(key_type, key, place) || !encode_packed(value_type, value, place + 8)) {
            encoder->message->size = before;
            return ENCODE_PICKLE;
        }
        place += 16;
    } while (PyDict_Next(dict, &position, &key, &value));
    return ENCODE_OK;
}

/* ---- items ---- */

static int
encode_list_items(struct encoder *encoder, PyObject *list, int depth)
{
    Py_ssize_t count = PyList_GET_SIZE(list);
    int result = count < PACKED_LEAST ? ENCODE_PICKLE : encode_list_numbers(encoder, list, count);
    if (result != ENCODE_PICKLE) {
        return result;
    }
    if (!encode_sized(encoder, TAG_LIST, count, 0)) {
        return ENCODE_ERROR;
    }
    result = ENCODE_OK;
    for (Py_ssize_t i = 0; i < count && !result; i++) {
        if (i >= PyList_GET_SIZE(list)) {
            return ENCODE_PICKLE; /* became shorter under our hands */
        }
        PyObject *item = PyList_GET_ITEM(list, i);
        ITEM_HOLD(item);
        result = encode_value(encoder, item, depth + 1);
        ITEM_RELEASE(item);
    }
    return result;
}

static int
encode_dict_items(struct encoder *encoder, PyObject *dict, int depth)
{
    Py_ssize_t count = PyDict_GET_SIZE(dict);
    Py_ssize_t position = 0;
    PyObject *key;
    PyObject *value;
    int result = count < PACKED_LEAST ? ENCODE_PICKLE : encode_dict_numbers(encoder, dict, count);
    if (result != ENCODE_PICKLE) {
        return result;
    }
    if (!encode_sized(encoder, TAG_DICT, count, 0)) {
        return ENCODE_ERROR;
    }
    while (PyDict_Next(dict, &position, &key, &value)) {
        count--;
        ITEM_HOLD(key);
        ITEM_HOLD(value);
        result = encode_value(encoder, key, depth + 1);
        if (!result) {
            result = encode_value(encoder, value, depth + 1);
        }
        ITEM_RELEASE(key);
        ITEM_RELEASE(value);
        if (result) {
            return result;
        }
    }
    return count == 0 ? ENCODE_OK : ENCODE_PICKLE;
}

static int
encode_set_items(struct encoder *encoder, PyObject *set, enum transfer_tag tag, int depth)
{
    Py_ssize_t count = PySet_GET_SIZE(set);
    if (!encode_sized(encoder, tag, count, 0)) {
        return ENCODE_ERROR;
    }
    PyObject *iterator = PyObject_GetIter(set);
    if (!iterator) {
        return ENCODE_ERROR;
    }
    int result = ENCODE_OK;
    PyObject *item;
    while (!result && (item = PyIter_Next(iterator))) {
        count--;
        result = encode_value(encoder, item, depth + 1);
        Py_DECREF(item); /* the set holds it */
    }
    Py_DECREF(iterator);
    if (PyErr_Occurred()) {
        return ENCODE_ERROR;
    }
    return result ? result : count == 0 ? ENCODE_OK : ENCODE_PICKLE;
}

static int
encode_tuple_items(struct encoder *encoder, PyObject *tuple, int depth)
{
    Py_ssize_t count = PyTuple_GET_SIZE(tuple);
    if (!encode_sized(encoder, TAG_TUPLE, count, 0)) {
        return ENCODE_ERROR;
    }
    int result = ENCODE_OK;
    for (Py_ssize_t i = 0; i < count && !result; i++) {
        PyObject *item = PyTuple_GET_ITEM(tuple, i);
        result = encode_value(encoder, item, depth + 1);
    }
    return result;
}

/* Containers that can hold themselves: the reader numbers them before it reads the items. */
int
encode_mutable(struct encoder *encoder, PyObject *value, int depth)
{
    int result = ENCODE_OK;
    if (encode_may_recur(value)) {
        if (memo_seen(encoder, value, &result)) {
            return result;
        }
        if (encode_tag(encoder, TAG_MEMO) || memo_set(encoder, value, encoder->memo_next++)) {
            return ENCODE_ERROR;
        }
    }
    Py_BEGIN_CRITICAL_SECTION(value);
    if (PyList_CheckExact(value)) {
        result = encode_list_items(encoder, value, depth);
    }
    else if (PyDict_CheckExact(value)) {
        result = encode_dict_items(encoder, value, depth);
    }
    else {
        result = encode_set_items(encoder, value, TAG_SET, depth);
    }
    Py_END_CRITICAL_SECTION();
    return result;
}

/* Tuples and frozensets: the reader numbers them when they are complete. Without the numbers, a
 * tuple that holds the same tuple twice, and so on, would grow without bound. */
int
encode_immutable(struct encoder *encoder, PyObject *value, int depth)
{
    int is_tuple = PyTuple_CheckExact(value);
    int is_empty = is_tuple && PyTuple_GET_SIZE(value) == 0; /* () is one object everywhere */
    int shared = !is_empty && encode_may_recur(value);
    int result;
    if (shared) {
        if (memo_seen(encoder, value, &result)) {
            return result;
        }
        if (encode_tag(encoder, TAG_MEMO) || memo_set(encoder, value, IN_PROGRESS)) {
            return ENCODE_ERROR;
        }
    }
    result = is_tuple ? encode_tuple_items(encoder, value, depth)
                      : encode_set_items(encoder, value, TAG_FROZENSET, depth);
    if (shared && !result) {
        result = memo_set(encoder, value, encoder->memo_next++);
    }
    return result;
}
