/* Writing values. */
#include "transfer_encoder.h"

#include "channel.h"

#define MAX_DEPTH 150

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

/* Our own types, and what exports a buffer; anything else is pickled. */
static int
encode_special(struct encoder *encoder, PyObject *value)
{
    struct pool_state *state = encoder->state;
    encoder->message->lively = 1;
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

int
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
        return encode_immutable(encoder, value, depth);
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
