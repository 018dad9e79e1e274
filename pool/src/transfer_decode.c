/* Reading values. Messages come from transfer_encode() of this very build, so they are trusted. */
#include "transfer_decoder.h"

#include <stdlib.h>

#include "channel.h"
#include "pages.h"

static struct block *
decode_block(struct decoder *decoder)
{
    int number;
    memcpy(&number, decode_take(decoder, sizeof(number)), sizeof(number));
    return decoder->message->blocks[number];
}

static PyObject *
decode_str(struct decoder *decoder)
{
    static const Py_UCS4 largest[] = {0x7f, 0xff, 0xffff, 0, 0x10ffff};
    int kind = *decode_take(decoder, 1);
    Py_ssize_t length = decode_count(decoder);
    size_t size = (size_t)length * (size_t)(kind ? kind : 1);
    const char *characters = decode_take(decoder, size);
    PyObject *str = PyUnicode_New(length, length ? largest[kind] : 0);
    if (str && length) {
        memcpy(PyUnicode_DATA(str), characters, size);
    }
    return str;
}

static PyObject *
decode_str_keep(struct decoder *decoder)
{
    uint8_t slot = (uint8_t)*decode_take(decoder, 1);
    decode_take(decoder, 1); /* TAG_STR */
    PyObject *str = decode_str(decoder);
    if (!str) {
        return NULL;
    }
    if (!decoder->slots_ready) {
        memset(decoder->slots, 0, sizeof(decoder->slots));
        decoder->slots_ready = 1;
    }
    Py_XSETREF(decoder->slots[slot], Py_NewRef(str));
    return str;
}

static PyObject *
decode_int_big(struct decoder *decoder)
{
    Py_ssize_t size = decode_count(decoder);
    const char *bytes = decode_take(decoder, (size_t)size);
#if PY_VERSION_HEX >= 0x030d0000
    return PyLong_FromNativeBytes(bytes, (size_t)size, Py_ASNATIVEBYTES_LITTLE_ENDIAN);
#else
    (void)bytes;
    PyErr_SetString(PyExc_SystemError, "big integers are pickled here");
    return NULL;
#endif
}

static PyObject *
decode_view(struct decoder *decoder)
{
    PyObject *shared = transfer_shared_new(decoder->state, decode_block(decoder));
    if (!shared) {
        return NULL;
    }
    PyObject *view = PyMemoryView_FromObject(shared);
    Py_DECREF(shared);
    return view;
}

static PyObject *
decode_number(struct decoder *decoder, int tag)
{
    int32_t medium;
    Py_complex number;
    switch (tag) {
    case TAG_INT8:
        return PyLong_FromLong((signed char)*decode_take(decoder, 1));
    case TAG_INT32:
        memcpy(&medium, decode_take(decoder, sizeof(medium)), sizeof(medium));
        return PyLong_FromLong(medium);
    case TAG_INT64:
        return decode_int64(decoder);
    case TAG_FLOAT:
        return decode_float(decoder);
    default:
        memcpy(&number, decode_take(decoder, sizeof(number)), sizeof(number));
        return PyComplex_FromCComplex(number);
    }
}

static PyObject *
decode_bytes_big(const struct block *block)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)block->size);
    if (bytes) {
        char *place = PyBytes_AS_STRING(bytes);
        pages_prefer_large(place, block->size);
        memcpy(place, block->data, block->size);
    }
    return bytes;
}

static PyObject *
decode_bytes(struct decoder *decoder, int tag)
{
    if (tag == TAG_BYTES_BIG) {
        return decode_bytes_big(decode_block(decoder));
    }
    Py_ssize_t size = decode_count(decoder);
    const char *bytes = decode_take(decoder, (size_t)size);
    return tag == TAG_BYTES ? PyBytes_FromStringAndSize(bytes, size)
                            : PyByteArray_FromStringAndSize(bytes, size);
}

static PyObject *
decode_pickle(struct decoder *decoder)
{
    decoder->position--; /* transfer_unpickle() looks at the tag itself */
    return transfer_unpickle(decoder->state, decoder->message, &decoder->position);
}

PyObject *
decode_value(struct decoder *decoder)
{
    int tag = *decode_take(decoder, 1);
    switch (tag) {
    case TAG_NONE:
        Py_RETURN_NONE;
    case TAG_TRUE:
        Py_RETURN_TRUE;
    case TAG_FALSE:
        Py_RETURN_FALSE;
    case TAG_INT8:
    case TAG_INT32:
    case TAG_INT64:
    case TAG_FLOAT:
    case TAG_COMPLEX:
        return decode_number(decoder, tag);
    case TAG_INT_BIG:
        return decode_int_big(decoder);
    case TAG_STR:
        return decode_str(decoder);
    case TAG_STR_KEEP:
        return decode_str_keep(decoder);
    case TAG_STR_KEPT:
        return Py_NewRef(decoder->slots[(uint8_t)*decode_take(decoder, 1)]);
    case TAG_BYTES:
    case TAG_BYTES_BIG:
    case TAG_BYTEARRAY:
        return decode_bytes(decoder, tag);
    case TAG_TUPLE:
    case TAG_LIST:
    case TAG_LIST_INT64:
    case TAG_LIST_FLOAT:
    case TAG_DICT:
    case TAG_DICT_NUMBERS:
    case TAG_SET:
    case TAG_FROZENSET:
        return decode_container(decoder, tag);
    case TAG_MEMO:
        return decode_numbered(decoder);
    case TAG_REF:
        return decode_reference(decoder);
    case TAG_VIEW:
        return decode_view(decoder);
    case TAG_SHARED:
        return transfer_shared_new(decoder->state, decode_block(decoder));
    case TAG_CHANNEL:
        return channel_from_block(decoder->state, decode_block(decoder));
    case TAG_PICKLE:
    case TAG_PICKLE_OWN:
        return decode_pickle(decoder);
    default:
        PyErr_Format(PyExc_SystemError, "extpool: unknown tag %d in a message", tag);
        return NULL;
    }
}

static void
decoder_end(struct decoder *decoder)
{
    for (uint32_t i = 0; i < decoder->memo_count; i++) {
        Py_DECREF(decoder->memo[i]);
    }
    free(decoder->memo);
    if (decoder->slots_ready) {
        for (int i = 0; i < TRANSFER_SLOTS; i++) {
            Py_XDECREF(decoder->slots[i]);
        }
    }
}

int
transfer_decode_all(struct pool_state *state, const struct message *message, size_t *position,
                    PyObject **values, Py_ssize_t count)
{
    struct decoder decoder;
    decoder.state = state;
    decoder.message = message;
    decoder.position = *position;
    decoder.memo = NULL;
    decoder.memo_count = 0;
    decoder.memo_capacity = 0;
    decoder.slots_ready = 0;
    Py_ssize_t i = 0;
    while (i < count && (values[i] = decode_value(&decoder)) != NULL) {
        i++;
    }
    decoder_end(&decoder);
    *position = decoder.position;
    if (i == count) {
        return 0;
    }
    while (i > 0) {
        Py_CLEAR(values[--i]);
    }
    return -1;
}

PyObject *
transfer_decode(struct pool_state *state, const struct message *message, size_t *position)
{
    PyObject *value;
    return transfer_decode_all(state, message, position, &value, 1) < 0 ? NULL : value;
}
