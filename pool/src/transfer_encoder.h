/* What the writing files share: transfer_encode.c has the plain values and the choice among types,
 * transfer_encode_items.c the containers and the memory of those already written. */
#ifndef EXTPOOL_TRANSFER_ENCODER_H
#define EXTPOOL_TRANSFER_ENCODER_H

#include <string.h>

#include "transfer.h"
#include "transfer_tags.h"

/* Why encoding stopped: an exception is set, or the value has to be pickled. */
enum { ENCODE_OK = 0, ENCODE_ERROR = -1, ENCODE_PICKLE = 1 };

#define MEMO_FEW 8

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

/* Writes a value that lies `depth` containers deep. */
int encode_value(struct encoder *encoder, PyObject *value, int depth);

/* Lists, dicts and sets, which can hold themselves; tuples and frozensets, which cannot. */
int encode_mutable(struct encoder *encoder, PyObject *value, int depth);
int encode_immutable(struct encoder *encoder, PyObject *value, int depth);

/* Forgets which containers and strings were written; also how an encoder begins and ends. */
void encoder_forget(struct encoder *encoder);

static inline int
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
static inline char *
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

#endif
