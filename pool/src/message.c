#include "message.h"

#include <stdlib.h>
#include <string.h>

#include "pages.h"

struct inbox *
inbox_new(void)
{
    struct inbox *inbox = malloc(sizeof(*inbox));
    if (inbox) {
        atomic_init(&inbox->refs, 1);
        atomic_init(&inbox->returned, NULL);
    }
    return inbox;
}

void
inbox_unref(struct inbox *inbox)
{
    if (atomic_fetch_sub(&inbox->refs, 1) == 1) {
        /* The interpreter that could release the objects is gone: they went with it. */
        struct block *block = inbox_take(inbox);
        while (block) {
            struct block *next = block->next;
            free(block);
            block = next;
        }
        free(inbox);
    }
}

struct block *
inbox_take(struct inbox *inbox)
{
    if (!atomic_load_explicit(&inbox->returned, memory_order_relaxed)) {
        return NULL;
    }
    return atomic_exchange(&inbox->returned, NULL);
}

struct block *
block_around(struct inbox *owner, char *data, size_t size)
{
    struct block *block = calloc(1, sizeof(*block));
    if (!block) {
        return NULL;
    }
    atomic_init(&block->refs, 1);
    block->data = data;
    block->size = size;
    block->owner = owner;
    if (owner) {
        atomic_fetch_add(&owner->refs, 1);
    }
    block->format[0] = 'B';
    block->item_size = 1;
    block->ndim = 1;
    block->shape[0] = (ptrdiff_t)size;
    block->strides[0] = 1;
    return block;
}

static struct block *
block_own(char *data, size_t size)
{
    struct block *block = data ? block_around(NULL, data, size) : NULL;
    if (!block) {
        free(data);
    }
    return block;
}

struct block *
block_new(size_t size)
{
    return block_own(calloc(size ? size : 1, 1), size);
}

struct block *
block_to_fill(size_t size)
{
    char *data = malloc(size ? size : 1);
    if (data) {
        pages_prefer_large(data, size);
    }
    return block_own(data, size);
}

void
block_ref(struct block *block)
{
    atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
}

void
block_unref(struct block *block)
{
    if (atomic_fetch_sub_explicit(&block->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    struct inbox *owner = block->owner;
    if (!owner) {
        if (block->release) {
            block->release(block);
        }
        free(block->data);
        free(block);
        return;
    }
    struct block *head = atomic_load(&owner->returned);
    do {
        block->next = head;
    } while (!atomic_compare_exchange_weak(&owner->returned, &head, block));
    inbox_unref(owner);
}

void
block_free(struct block *block)
{
    free(block);
}

void
message_init(struct message *message)
{
    message->data = message->inline_data;
    message->size = 0;
    message->capacity = MESSAGE_INLINE;
    message->blocks = NULL;
    message->block_count = 0;
    message->block_capacity = 0;
    message->lively = 0;
}

void
message_move(struct message *to, struct message *from)
{
    *to = *from;
    if (from->data == from->inline_data) {
        to->data = to->inline_data;
    }
    message_init(from);
}

void
message_cut(struct message *message, size_t size, int block_count)
{
    while (message->block_count > block_count) {
        block_unref(message->blocks[--message->block_count]);
    }
    message->size = size;
}

void
message_clear(struct message *message)
{
    message_cut(message, 0, 0);
    if (message->data != message->inline_data) {
        free(message->data);
    }
    free(message->blocks);
    message_init(message);
}

char *
message_grow(struct message *message, size_t size)
{
    size_t needed = message->size + size;
    size_t capacity = message->capacity * 2;
    if (needed < size) {
        return NULL;
    }
    if (capacity < needed) {
        capacity = needed;
    }
    char *data;
    if (message->data == message->inline_data) {
        data = malloc(capacity);
        if (data) {
            memcpy(data, message->data, message->size);
        }
    }
    else {
        data = realloc(message->data, capacity);
    }
    if (!data) {
        return NULL;
    }
    message->data = data;
    message->capacity = capacity;
    char *place = data + message->size;
    message->size = needed;
    return place;
}

int
message_add_block(struct message *message, struct block *block)
{
    if (message->block_count == message->block_capacity) {
        int capacity = message->block_capacity ? message->block_capacity * 2 : 4;
        struct block **blocks = realloc(message->blocks, (size_t)capacity * sizeof(struct block *));
        if (!blocks) {
            return -1;
        }
        message->blocks = blocks;
        message->block_capacity = capacity;
    }
    block_ref(block);
    message->blocks[message->block_count] = block;
    return message->block_count++;
}
