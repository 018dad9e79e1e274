/* Writing values. */
#include "transfer.h"

#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "transfer_tags.h"

#define MAX_DEPTH 150

/* Why encoding stopped: an exception is set, or the value has to be pickled. */
enum { ENCODE_OK = 0, ENCODE_ERROR = -1, ENCODE_PICKLE = 1 };

/* Without a GIL another thread may drop an item while we look at it, so it is held meanwhile. */
#ifdef Py_GIL_DISABLED
#define ITEM_HOLD(item) Py_INCREF(item)
#define ITEM_RELEASE(item) Py_DECREF(item)
#else
#define ITEM_HOLD(item) ((void)(item))
#define ITEM_RELEASE(item) ((void)(item))
#endif

#define MEMO_FEW 8
#define IN_PROGRESS UINT32_MAX

struct memo_entry {
    PyObject *object; /* compared by address only */
    uint32_t number;
};

struct encoder {
    struct pool_state *state;
    struct message *message;
    uint32_t memo_next; /* number of the next remembered container */
    size_t memo_used;
    size_t memo_size; /* power of two, or MEMO_FEW: then searched in order */
    struct memo_entry *memo;
    struct memo_entry memo_few[MEMO_FEW];
    int slots_ready;
    PyObject *slots[TRANSFER_SLOTS];
};

static int encode_value(struct encoder *encoder, PyObject *value, int depth);

static int
encode_no_memory(void)
{
    PyErr_NoMemory();
    return ENCODE_ERROR;
}

TRANSFER_INLINE int
encode_tag(struct encoder *encoder, enum transfer_tag tag)
{
    char *place = message_reserve(encoder->message, 1);
    if (!place) {
        return encode_no_memory();
    }
    *place = (char)tag;
    return ENCODE_OK;
}

/* A tag followed by a fixed-size number. */
TRANSFER_INLINE int
encode_number(struct encoder *encoder, enum transfer_tag tag, const void *number, size_t size)
{
    char *place = message_reserve(encoder->message, 1 + size);
    if (!place) {
        return encode_no_memory();
    }
    *place = (char)tag;
    memcpy(place + 1, number, size);
    return ENCODE_OK;
}

/* A tag, a count, and the place for `size` bytes after it. NULL with an exception set. */
static char *
encode_sized(struct encoder *encoder, enum transfer_tag tag, Py_ssize_t count, size_t size)
{
    char *place = message_reserve(encoder->message, 1 + sizeof(count) + size);
    if (!place) {
        PyErr_NoMemory();
        return NULL;
    }
    *place = (char)tag;
    memcpy(place + 1, &count, sizeof(count));
    return place + 1 + sizeof(count);
}

static int
encode_int_big(struct encoder *encoder, PyObject *value)
{
#if PY_VERSION_HEX >= 0x030d0000
    Py_ssize_t size = PyLong_AsNativeBytes(value, NULL, 0, Py_ASNATIVEBYTES_LITTLE_ENDIAN);
    if (size < 0) {
        return ENCODE_ERROR;
    }
    char *place = encode_sized(encoder, TAG_INT_BIG, size, (size_t)size);
    if (!place) {
        return ENCODE_ERROR;
    }
    return PyLong_AsNativeBytes(value, place, size, Py_ASNATIVEBYTES_LITTLE_ENDIAN) < 0
               ? ENCODE_ERROR
               : ENCODE_OK;
#else
    (void)encoder;
    (void)value;
    return ENCODE_PICKLE;
#endif
}

/* The value of an exact int, if it fits: 1 or 0. */
TRANSFER_INLINE int
encode_int_value(PyObject *value, long long *number)
{
    if (PyUnstable_Long_IsCompact((PyLongObject *)value)) {
        *number = PyUnstable_Long_CompactValue((PyLongObject *)value);
        return 1;
    }
    int overflow;
    *number = PyLong_AsLongLongAndOverflow(value, &overflow);
    return !overflow;
}

static int
encode_int(struct encoder *encoder, PyObject *value)
{
    long long number;
    if (!encode_int_value(value, &number)) {
        return encode_int_big(encoder, value);
    }
    if (number >= INT8_MIN && number <= INT8_MAX) {
        int8_t small = (int8_t)number;
        return encode_number(encoder, TAG_INT8, &small, sizeof(small));
    }
    if (number >= INT32_MIN && number <= INT32_MAX) {
        int32_t small = (int32_t)number;
        return encode_number(encoder, TAG_INT32, &small, sizeof(small));
    }
    return encode_number(encoder, TAG_INT64, &number, sizeof(number));
}

static int
encode_str_plain(struct encoder *encoder, PyObject *value)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(value);
    int kind = (int)PyUnicode_KIND(value);
    size_t size = (size_t)length * (size_t)kind;
    char *place = message_reserve(encoder->message, 2 + sizeof(length) + size);
    if (!place) {
        return encode_no_memory();
    }
    place[0] = (char)TAG_STR;
    place[1] = (char)(PyUnicode_IS_ASCII(value) ? 0 : kind);
    memcpy(place + 2, &length, sizeof(length));
    memcpy(place + 2 + sizeof(length), PyUnicode_DATA(value), size);
    return ENCODE_OK;
}

/* Is it likely to come again, and sure to live until the message is written? */
static int
encode_str_recurs(PyObject *value)
{
#ifdef Py_GIL_DISABLED
    return PyUnicode_CHECK_INTERNED(value) != 0;
#else
    return Py_REFCNT(value) > 1 && PyUnicode_GET_LENGTH(value) > 0;
#endif
}

static int
encode_str(struct encoder *encoder, PyObject *value, int depth)
{
    if (depth == 0 || !encode_str_recurs(value)) {
        return encode_str_plain(encoder, value);
    }
    if (!encoder->slots_ready) {
        memset(encoder->slots, 0, sizeof(encoder->slots));
        encoder->slots_ready = 1;
    }
    uint8_t slot = (uint8_t)((uintptr_t)value >> 4);
    int kept = encoder->slots[slot] == value;
    encoder->slots[slot] = value;
    int result = encode_number(encoder, kept ? TAG_STR_KEPT : TAG_STR_KEEP, &slot, sizeof(slot));
    return kept || result ? result : encode_str_plain(encoder, value);
}

static int
encode_block(struct encoder *encoder, enum transfer_tag tag, struct block *block)
{
    int number = message_add_block(encoder->message, block);
    if (number < 0) {
        return encode_no_memory();
    }
    return encode_number(encoder, tag, &number, sizeof(number));
}

static int
encode_bytes(struct encoder *encoder, PyObject *value)
{
    Py_ssize_t size = PyBytes_GET_SIZE(value);
    if (size >= TRANSFER_BIG) {
        struct block *block = transfer_share(encoder->state, value, 0);
        if (!block) {
            return ENCODE_ERROR;
        }
        int result = encode_block(encoder, TAG_BYTES_BIG, block);
        block_unref(block);
        return result;
    }
    char *place = encode_sized(encoder, TAG_BYTES, size, (size_t)size);
    if (!place) {
        return ENCODE_ERROR;
    }
    memcpy(place, PyBytes_AS_STRING(value), (size_t)size);
    return ENCODE_OK;
}

static int
encode_bytearray(struct encoder *encoder, PyObject *value)
{
    int result = ENCODE_ERROR;
    Py_BEGIN_CRITICAL_SECTION(value);
    Py_ssize_t size = PyByteArray_GET_SIZE(value);
    char *place = encode_sized(encoder, TAG_BYTEARRAY, size, (size_t)size);
    if (place) {
        memcpy(place, PyByteArray_AS_STRING(value), (size_t)size);
        result = ENCODE_OK;
    }
    Py_END_CRITICAL_SECTION();
    return result;
}

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

/* Can the container turn up a second time? Without a GIL the count of references does not tell. */
TRANSFER_INLINE int
encode_may_recur(PyObject *value)
{
#ifdef Py_GIL_DISABLED
    (void)value;
    return 1;
#else
    return Py_REFCNT(value) > 1;
#endif
}

/* ---- containers ---- */

/* All items as machine numbers, if they are: 0 written, 1 not possible. */
static int
encode_list_numbers(struct encoder *encoder, PyObject *list, Py_ssize_t count)
{
    size_t before = encoder->message->size;
    PyObject *first = PyList_GET_ITEM(list, 0);
    Py_ssize_t i = 0;
    if (PyLong_CheckExact(first)) {
        char *place = encode_sized(encoder, TAG_LIST_INT64, count, (size_t)count * 8);
        if (!place) {
            return ENCODE_ERROR;
        }
        for (; i < count; i++) {
            PyObject *item = PyList_GET_ITEM(list, i);
            long long number;
            if (!PyLong_CheckExact(item) || !encode_int_value(item, &number)) {
                break;
            }
            memcpy(place + 8 * i, &number, 8);
        }
    }
    else if (PyFloat_CheckExact(first)) {
        char *place = encode_sized(encoder, TAG_LIST_FLOAT, count, (size_t)count * 8);
        if (!place) {
            return ENCODE_ERROR;
        }
        for (; i < count && PyFloat_CheckExact(PyList_GET_ITEM(list, i)); i++) {
            double number = PyFloat_AS_DOUBLE(PyList_GET_ITEM(list, i));
            memcpy(place + 8 * i, &number, 8);
        }
    }
    if (i == count) {
        return ENCODE_OK;
    }
    encoder->message->size = before;
    return ENCODE_PICKLE;
}

static int
encode_list_items(struct encoder *encoder, PyObject *list, int depth)
{
    Py_ssize_t count = PyList_GET_SIZE(list);
    if (count >= 8) {
        int result = encode_list_numbers(encoder, list, count);
        if (result <= 0) {
            return result;
        }
    }
    if (!encode_sized(encoder, TAG_LIST, count, 0)) {
        return ENCODE_ERROR;
    }
    int result = ENCODE_OK;
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
    if (!encode_sized(encoder, TAG_DICT, count, 0)) {
        return ENCODE_ERROR;
    }
    while (PyDict_Next(dict, &position, &key, &value)) {
        count--;
        ITEM_HOLD(key);
        ITEM_HOLD(value);
        int result = encode_value(encoder, key, depth + 1);
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
static int
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
static int
encode_immutable(struct encoder *encoder, PyObject *value, int depth)
{
    int is_tuple = PyTuple_CheckExact(value);
    int shared = encode_may_recur(value);
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

/* Our own types, and what exports a buffer. */
static int
encode_special(struct encoder *encoder, PyObject *value)
{
    struct pool_state *state = encoder->state;
    if (Py_IS_TYPE(value, state->shared_type)) {
        return encode_block(encoder, TAG_SHARED, transfer_shared_block(value));
    }
    if (Py_IS_TYPE(value, state->channel_type)) {
        return encode_block(encoder, TAG_CHANNEL, channel_block(value));
    }
    if (PyMemoryView_Check(value)) {
        struct block *block = transfer_share(state, value, 0);
        if (!block) {
            return ENCODE_ERROR;
        }
        int result = encode_block(encoder, TAG_VIEW, block);
        block_unref(block);
        return result;
    }
    return ENCODE_PICKLE;
}

static int
encode_value(struct encoder *encoder, PyObject *value, int depth)
{
    if (PyLong_CheckExact(value)) {
        return encode_int(encoder, value);
    }
    if (PyUnicode_CheckExact(value)) {
        return encode_str(encoder, value, depth);
    }
    if (Py_IsNone(value)) {
        return encode_tag(encoder, TAG_NONE);
    }
    if (PyFloat_CheckExact(value)) {
        double number = PyFloat_AS_DOUBLE(value);
        return encode_number(encoder, TAG_FLOAT, &number, sizeof(number));
    }
    if (PyBool_Check(value)) {
        return encode_tag(encoder, Py_IsTrue(value) ? TAG_TRUE : TAG_FALSE);
    }
    if (PyBytes_CheckExact(value)) {
        return encode_bytes(encoder, value);
    }
    if (depth > MAX_DEPTH) {
        return ENCODE_PICKLE;
    }
    if (PyTuple_CheckExact(value)) {
        return PyTuple_GET_SIZE(value) ? encode_immutable(encoder, value, depth)
                                       : encode_tuple_items(encoder, value, depth);
    }
    if (PyDict_CheckExact(value) || PyList_CheckExact(value) || Py_IS_TYPE(value, &PySet_Type)) {
        return encode_mutable(encoder, value, depth);
    }
    if (PyFrozenSet_CheckExact(value)) {
        return encode_immutable(encoder, value, depth);
    }
    if (PyComplex_CheckExact(value)) {
        Py_complex number = PyComplex_AsCComplex(value);
        return encode_number(encoder, TAG_COMPLEX, &number, sizeof(number));
    }
    if (Py_IS_TYPE(value, &PyByteArray_Type) &&
        (depth == 0 || !encode_may_recur(value))) { /* shared inside a value: pickle keeps that */
        return encode_bytearray(encoder, value);
    }
    return encode_special(encoder, value);
}

static void
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

int
transfer_encode(struct pool_state *state, struct message *message, PyObject *const *values,
                Py_ssize_t count)
{
    struct encoder encoder;
    size_t start = message->size;
    int start_blocks = message->block_count;
    encoder.state = state;
    encoder.message = message;
    encoder.memo = encoder.memo_few;
    encoder.memo_next = 0;
    encoder_forget(&encoder);
    int result = ENCODE_OK;
    for (Py_ssize_t i = 0; i < count && result == ENCODE_OK; i++) {
        size_t size = message->size;
        int blocks = message->block_count;
        uint32_t memo_next = encoder.memo_next;
        result = encode_value(&encoder, values[i], 0);
        if (result == ENCODE_PICKLE) {
            message_cut(message, size, blocks);
            /* Pickling runs Python code: nothing seen so far is sure to live on. */
            encoder_forget(&encoder);
            encoder.memo_next = memo_next;
            result = transfer_pickle(state, message, values[i]);
        }
    }
    encoder_forget(&encoder);
    if (result != ENCODE_OK) {
        message_cut(message, start, start_blocks);
        return -1;
    }
    return 0;
}
