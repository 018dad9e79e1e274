#include "channel_core.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
channel_destroy(struct block *block)
{
    struct channel *channel = channel_core(block);
    while (channel->head) {
        struct channel_item *item = channel->head;
        channel->head = item->next;
        channel_item_free(item);
    }
    free(channel->poison);
    pthread_mutex_destroy(&channel->lock);
}

struct block *
channel_core_new(size_t limit)
{
    struct block *block = block_new(sizeof(struct channel));
    if (!block) {
        return NULL;
    }
    struct channel *channel = channel_core(block);
    if (pthread_mutex_init(&channel->lock, NULL) != 0) {
        block_unref(block);
        return NULL;
    }
    channel->limit = limit;
    channel->state = CHANNEL_OPEN;
    block->release = channel_destroy;
    return block;
}

struct channel *
channel_core(struct block *block)
{
    return (struct channel *)(void *)block->data;
}

void
waiter_init(struct waiter *waiter, int fd)
{
    wait_init(&waiter->word);
    waiter->fd = fd;
}

void
waiter_signal(struct waiter *waiter)
{
    atomic_fetch_add(&waiter->word.value, 1);
    wait_wake(&waiter->word, INT_MAX);
    if (waiter->fd >= 0) {
        uint64_t one = 1; /* what an eventfd wants; a pipe takes it as well */
        ssize_t written = write(waiter->fd, &one, sizeof(one));
        (void)written; /* full means that the reader will look anyway */
    }
}

/* With the lock held: everybody looks again; who finds nothing goes on waiting. */
static void
channel_changed(struct channel *channel)
{
    for (struct waiter_entry *entry = channel->waiters; entry; entry = entry->next) {
        waiter_signal(entry->waiter);
    }
}

enum channel_result
channel_core_put(struct channel *channel, struct channel_item *item)
{
    enum channel_result result = CHANNEL_OK;
    pthread_mutex_lock(&channel->lock);
    if (channel->state != CHANNEL_OPEN) {
        result = CHANNEL_ENDED;
    }
    else if (channel->limit && channel->count >= channel->limit) {
        result = CHANNEL_WOULD_BLOCK;
    }
    else {
        item->next = NULL;
        if (channel->tail) {
            channel->tail->next = item;
        }
        else {
            channel->head = item;
        }
        channel->tail = item;
        channel->count++;
        channel_changed(channel);
    }
    pthread_mutex_unlock(&channel->lock);
    return result;
}

enum channel_result
channel_core_take(struct channel *channel, struct channel_item **item)
{
    enum channel_result result = CHANNEL_OK;
    pthread_mutex_lock(&channel->lock);
    *item = NULL;
    if (channel->state == CHANNEL_POISONED) {
        result = CHANNEL_ENDED;
    }
    else if (channel->head) {
        *item = channel->head;
        channel->head = channel->head->next;
        if (!channel->head) {
            channel->tail = NULL;
        }
        channel->count--;
        channel_changed(channel);
    }
    else {
        result = channel->state == CHANNEL_OPEN ? CHANNEL_WOULD_BLOCK : CHANNEL_ENDED;
    }
    pthread_mutex_unlock(&channel->lock);
    return result;
}

void
channel_core_end(struct channel *channel, enum channel_state state, char *poison)
{
    pthread_mutex_lock(&channel->lock);
    if (channel->state < state) {
        channel->state = state;
        char *before = channel->poison;
        channel->poison = poison;
        poison = before;
        channel_changed(channel);
    }
    pthread_mutex_unlock(&channel->lock);
    free(poison);
}

enum channel_state
channel_core_state(struct channel *channel, char *text, size_t size)
{
    pthread_mutex_lock(&channel->lock);
    enum channel_state state = channel->state;
    snprintf(text, size, "%s", channel->poison ? channel->poison : "");
    pthread_mutex_unlock(&channel->lock);
    return state;
}

size_t
channel_core_count(struct channel *channel)
{
    pthread_mutex_lock(&channel->lock);
    size_t count = channel->count;
    pthread_mutex_unlock(&channel->lock);
    return count;
}

void
channel_core_listen(struct channel *channel, struct waiter_entry *entry)
{
    pthread_mutex_lock(&channel->lock);
    entry->next = channel->waiters;
    channel->waiters = entry;
    pthread_mutex_unlock(&channel->lock);
}

void
channel_core_unlisten(struct channel *channel, struct waiter_entry *entry)
{
    pthread_mutex_lock(&channel->lock);
    for (struct waiter_entry **link = &channel->waiters; *link; link = &(*link)->next) {
        if (*link == entry) {
            *link = entry->next;
            break;
        }
    }
    pthread_mutex_unlock(&channel->lock);
}

struct channel_item *
channel_item_new(void)
{
    struct channel_item *item = malloc(sizeof(*item));
    if (item) {
        item->next = NULL;
        message_init(&item->message);
    }
    return item;
}

void
channel_item_free(struct channel_item *item)
{
    message_clear(&item->message);
    free(item);
}
