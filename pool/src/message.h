/* Messages and the memory blocks they refer to: how a value travels, whatever it is.
 *
 * A message is a run of bytes plus references to blocks. A block is memory that several
 * interpreters may look at. Either it is plain memory, freed by whoever lets go last, or it belongs
 * to an object of one interpreter (its owner): then letting go last puts it into that
 * interpreter's inbox, and only the owner may touch the object. Needs no Python. */
#ifndef EXTPOOL_MESSAGE_H
#define EXTPOOL_MESSAGE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_INLINE 112
#define BLOCK_MAX_NDIM 8

struct block;

struct inbox {
    atomic_int refs;
    _Atomic(struct block *) returned;
};

struct block {
    atomic_int refs;
    int readonly;
    char *data;
    size_t size;                          /* bytes */
    struct inbox *owner;                  /* NULL: plain memory */
    void *object;                         /* the owner's Py_buffer */
    void (*release)(struct block *block); /* undoes what lives in plain memory, or NULL */
    struct block *next;                   /* in the owner's inbox */
    char format[8];                       /* of an item, as in the struct module */
    ptrdiff_t item_size;                  /* bytes */
    int ndim;
    ptrdiff_t shape[BLOCK_MAX_NDIM];   /* items */
    ptrdiff_t strides[BLOCK_MAX_NDIM]; /* bytes */
};

struct message {
    char *data;
    size_t size;
    size_t capacity;
    struct block **blocks;
    int block_count;
    int block_capacity;
    int lively; /* objects made of it hold blocks, or may run code when they go */
    char inline_data[MESSAGE_INLINE];
};

struct inbox *inbox_new(void);
void inbox_unref(struct inbox *inbox);

/* Takes what was returned, linked by next; the caller releases the objects and calls block_free. */
struct block *inbox_take(struct inbox *inbox);

/* A block of plain zeroed memory, one dimension of bytes; NULL without memory. */
struct block *block_new(size_t size);

/* The same, but what is in the memory is for the caller to write. */
struct block *block_to_fill(size_t size);

/* A block around an owner's memory; the caller fills in object and layout. NULL without memory. */
struct block *block_around(struct inbox *owner, char *data, size_t size);

void block_ref(struct block *block);
void block_unref(struct block *block);

/* Frees a block that came out of its owner's inbox. */
void block_free(struct block *block);

void message_init(struct message *message);

/* Frees the bytes and lets go of the blocks; the message is empty and usable afterwards. */
void message_clear(struct message *message);

/* `to`, not in use before, gets everything; `from` is empty afterwards. */
void message_move(struct message *to, struct message *from);

/* Cuts back to an earlier state. */
void message_cut(struct message *message, size_t size, int block_count);

/* Makes room that message_reserve() could not find. */
char *message_grow(struct message *message, size_t size);

/* Room for `size` more bytes, or NULL without memory. Valid until the next call. */
static inline char *
message_reserve(struct message *message, size_t size)
{
    if (message->capacity - message->size < size) {
        return message_grow(message, size);
    }
    char *place = message->data + message->size;
    message->size += size;
    return place;
}

/* Adds a reference to the block (the caller keeps its own) and returns its number, or -1. */
int message_add_block(struct message *message, struct block *block);

#endif
