/* What the reading files share: transfer_decode.c has the plain values and the choice among tags,
 * transfer_decode_items.c the containers. */
#ifndef EXTPOOL_TRANSFER_DECODER_H
#define EXTPOOL_TRANSFER_DECODER_H

#include <string.h>

#include "transfer.h"
#include "transfer_tags.h"

struct decoder {
    struct pool_state *state;
    const struct message *message;
    size_t position;
    PyObject **memo; /* strong references, in order of number */
    uint32_t memo_count;
    uint32_t memo_capacity;
    int slots_ready;
    PyObject *slots[TRANSFER_SLOTS]; /* strong references */
};

/* The next value, or NULL with an exception set. */
PyObject *decode_value(struct decoder *decoder);

/* What follows the tag of a container; `decode_numbered` what follows TAG_MEMO. */
PyObject *decode_container(struct decoder *decoder, int tag);
PyObject *decode_numbered(struct decoder *decoder);

/* The container that TAG_REF refers to. */
PyObject *decode_reference(struct decoder *decoder);

TRANSFER_INLINE const char *
decode_take(struct decoder *decoder, size_t size)
{
    const char *place = decoder->message->data + decoder->position;
    decoder->position += size;
    return place;
}

TRANSFER_INLINE Py_ssize_t
decode_count(struct decoder *decoder)
{
    Py_ssize_t count;
    memcpy(&count, decode_take(decoder, sizeof(count)), sizeof(count));
    return count;
}

TRANSFER_INLINE PyObject *
decode_int64(struct decoder *decoder)
{
    long long number;
    memcpy(&number, decode_take(decoder, sizeof(number)), sizeof(number));
    return PyLong_FromLongLong(number);
}

TRANSFER_INLINE PyObject *
decode_float(struct decoder *decoder)
{
    double number;
    memcpy(&number, decode_take(decoder, sizeof(number)), sizeof(number));
    return PyFloat_FromDouble(number);
}

#endif
