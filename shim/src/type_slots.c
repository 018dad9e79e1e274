/* type_slots.c - from the fields of a static type to the slots of a PyType_Spec. */
#include "internal.h"

#if !EXTSHIM_LIMITED

#include "type_slots.h"

struct slot_field {
    int slot;
    size_t offset;
};

#define TP(name)                                                                                   \
    {                                                                                              \
        Py_##name, offsetof(PyTypeObject, name)                                                    \
    }
/* Without those that are treated one by one: name, base, flags, members, doc and the wrapped ones.
 */
static const struct slot_field type_fields[] = {
    TP(tp_getattr),     TP(tp_setattr),   TP(tp_repr),     TP(tp_hash),    TP(tp_call),
    TP(tp_str),         TP(tp_getattro),  TP(tp_setattro), TP(tp_doc),     TP(tp_clear),
    TP(tp_richcompare), TP(tp_iter),      TP(tp_iternext), TP(tp_methods), TP(tp_getset),
    TP(tp_descr_get),   TP(tp_descr_set), TP(tp_init),     TP(tp_alloc),   TP(tp_new),
    TP(tp_free),        TP(tp_is_gc),     TP(tp_del),
#ifdef Py_tp_vectorcall
    TP(tp_vectorcall),
#endif
};

#define NB(name)                                                                                   \
    {                                                                                              \
        Py_##name, offsetof(PyNumberMethods, name)                                                 \
    }
static const struct slot_field number_fields[] = {
    NB(nb_add),
    NB(nb_subtract),
    NB(nb_multiply),
    NB(nb_remainder),
    NB(nb_divmod),
    NB(nb_power),
    NB(nb_negative),
    NB(nb_positive),
    NB(nb_absolute),
    NB(nb_bool),
    NB(nb_invert),
    NB(nb_lshift),
    NB(nb_rshift),
    NB(nb_and),
    NB(nb_xor),
    NB(nb_or),
    NB(nb_int),
    NB(nb_float),
    NB(nb_inplace_add),
    NB(nb_inplace_subtract),
    NB(nb_inplace_multiply),
    NB(nb_inplace_remainder),
    NB(nb_inplace_power),
    NB(nb_inplace_lshift),
    NB(nb_inplace_rshift),
    NB(nb_inplace_and),
    NB(nb_inplace_xor),
    NB(nb_inplace_or),
    NB(nb_floor_divide),
    NB(nb_true_divide),
    NB(nb_index),
    NB(nb_inplace_floor_divide),
    NB(nb_matrix_multiply),
    NB(nb_inplace_true_divide),
    NB(nb_inplace_matrix_multiply),
};

#define SQ(name)                                                                                   \
    {                                                                                              \
        Py_##name, offsetof(PySequenceMethods, name)                                               \
    }
static const struct slot_field sequence_fields[] = {
    SQ(sq_length),   SQ(sq_concat),   SQ(sq_repeat),         SQ(sq_item),
    SQ(sq_ass_item), SQ(sq_contains), SQ(sq_inplace_concat), SQ(sq_inplace_repeat),
};

#define MP(name)                                                                                   \
    {                                                                                              \
        Py_##name, offsetof(PyMappingMethods, name)                                                \
    }
static const struct slot_field mapping_fields[] = {
    MP(mp_length),
    MP(mp_subscript),
    MP(mp_ass_subscript),
};

#define AM(name)                                                                                   \
    {                                                                                              \
        Py_##name, offsetof(PyAsyncMethods, name)                                                  \
    }
static const struct slot_field async_fields[] = {
    AM(am_await),
    AM(am_aiter),
    AM(am_anext),
#ifdef Py_am_send
    AM(am_send),
#endif
};

#define BF(name)                                                                                   \
    {                                                                                              \
        Py_##name, offsetof(PyBufferProcs, name)                                                   \
    }
static const struct slot_field buffer_fields[] = {
    BF(bf_getbuffer),
    BF(bf_releasebuffer),
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

void
extshim_slots_add(struct extshim_slots *slots, int slot, void *value)
{
    slots->items[slots->count].slot = slot;
    slots->items[slots->count].pfunc = value;
    slots->count++;
}

static void
slots_copy(struct extshim_slots *slots, const void *from, const struct slot_field *fields,
           size_t count)
{
    if (from == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        void *value;
        /* Function and data pointers alike; a copy of the bytes needs no cast between them. */
        memcpy(&value, (const char *)from + fields[i].offset, sizeof(value));
        if (value != NULL) {
            extshim_slots_add(slots, fields[i].slot, value);
        }
    }
}

void
extshim_slots_from_static(struct extshim_slots *slots, const PyTypeObject *from)
{
    slots_copy(slots, from, type_fields, LENGTH(type_fields));
    slots_copy(slots, from->tp_as_number, number_fields, LENGTH(number_fields));
    slots_copy(slots, from->tp_as_sequence, sequence_fields, LENGTH(sequence_fields));
    slots_copy(slots, from->tp_as_mapping, mapping_fields, LENGTH(mapping_fields));
    slots_copy(slots, from->tp_as_async, async_fields, LENGTH(async_fields));
    slots_copy(slots, from->tp_as_buffer, buffer_fields, LENGTH(buffer_fields));
}

#endif /* !EXTSHIM_LIMITED */
