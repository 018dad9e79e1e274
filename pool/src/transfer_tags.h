/* The bytes that say what follows. Private to transfer*.c; both sides are always the same build. */
#ifndef EXTPOOL_TRANSFER_TAGS_H
#define EXTPOOL_TRANSFER_TAGS_H

enum transfer_tag {
    TAG_NONE = 1,
    TAG_TRUE,
    TAG_FALSE,
    TAG_INT8,         /* int8 */
    TAG_INT32,        /* int32 */
    TAG_INT64,        /* int64 */
    TAG_INT_BIG,      /* size, two's complement bytes, least significant first */
    TAG_FLOAT,        /* double */
    TAG_COMPLEX,      /* double, double */
    TAG_STR,          /* kind (0 = ASCII), length, characters */
    TAG_STR_KEEP,     /* slot, then TAG_STR: the reader keeps it in the slot */
    TAG_STR_KEPT,     /* slot */
    TAG_BYTES,        /* size, bytes */
    TAG_BYTES_BIG,    /* block */
    TAG_BYTEARRAY,    /* size, bytes */
    TAG_TUPLE,        /* count, items */
    TAG_LIST,         /* count, items */
    TAG_LIST_INT64,   /* count, int64s */
    TAG_LIST_FLOAT,   /* count, doubles */
    TAG_DICT,         /* count, keys and values */
    TAG_DICT_NUMBERS, /* count, transfer_pair, int64s or doubles in pairs */
    TAG_SET,          /* count, items */
    TAG_FROZENSET,    /* count, items */
    TAG_MEMO,         /* the container that follows gets the next number */
    TAG_REF,          /* uint32: the container with that number again */
    TAG_VIEW,         /* block: a memoryview */
    TAG_SHARED,       /* block: a Shared object */
    TAG_CHANNEL,      /* block: a Channel object */
    TAG_PICKLE,       /* size, count of buffers, blocks, bytes */
    TAG_PICKLE_OWN,   /* what the hook `dump` returned follows: (bytes, extras) */
};

/* What a dict of numbers holds: its keys, its values. */
enum transfer_pair {
    TRANSFER_INT_INT,
    TRANSFER_INT_FLOAT,
    TRANSFER_FLOAT_INT,
    TRANSFER_FLOAT_FLOAT,
};

/* The innermost steps: with a known size, the copy in them is one instruction. */
#if defined(__GNUC__)
#define TRANSFER_INLINE static inline __attribute__((always_inline))
#else
#define TRANSFER_INLINE static inline
#endif

/* Strings that occur again are sent once: both sides keep the same small table of slots. */
#define TRANSFER_SLOTS 256

#endif
