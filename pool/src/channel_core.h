/* Channels: queues of messages between threads of any interpreters. Needs no Python.
 *
 * A thread that has to wait enters a waiter into the list of every channel it waits for; whoever
 * changes a channel wakes those listed. So a wait for several channels is one wait. */
#ifndef EXTPOOL_CHANNEL_CORE_H
#define EXTPOOL_CHANNEL_CORE_H

#include <pthread.h>

#include "message.h"
#include "wait.h"

enum channel_state { CHANNEL_OPEN, CHANNEL_CLOSED, CHANNEL_POISONED };

/* Also a file descriptor to write to, for waiters that sit in an event loop. */
struct waiter {
    struct wait_word word;
    int fd; /* -1: none */
};

struct waiter_entry {
    struct waiter *waiter;
    struct waiter_entry *next;
};

struct channel_item {
    struct channel_item *next;
    struct message message;
};

struct channel {
    pthread_mutex_t lock;
    struct channel_item *head;
    struct channel_item *tail;
    size_t count;
    size_t limit; /* 0: none */
    enum channel_state state;
    char *poison; /* why, or NULL */
    struct waiter_entry *waiters;
};

enum channel_result { CHANNEL_OK, CHANNEL_WOULD_BLOCK, CHANNEL_ENDED, CHANNEL_NO_MEMORY };

/* A channel in a block of plain memory, destroyed with the block. NULL without memory. */
struct block *channel_core_new(size_t limit);
struct channel *channel_core(struct block *block);

/* Appends the item (whose ownership moves on CHANNEL_OK). */
enum channel_result channel_core_put(struct channel *channel, struct channel_item *item);

/* The oldest item; CHANNEL_ENDED when there is none and none will come, at once when poisoned. */
enum channel_result channel_core_take(struct channel *channel, struct channel_item **item);

/* No more sending; poisoned: no more receiving either. The first call wins, poison beats close. */
void channel_core_end(struct channel *channel, enum channel_state state, char *poison);

/* A copy of what poison() was given, in `text`. */
enum channel_state channel_core_state(struct channel *channel, char *text, size_t size);
size_t channel_core_count(struct channel *channel);

void channel_core_listen(struct channel *channel, struct waiter_entry *entry);
void channel_core_unlisten(struct channel *channel, struct waiter_entry *entry);

struct channel_item *channel_item_new(void);
void channel_item_free(struct channel_item *item);

void waiter_init(struct waiter *waiter, int fd);
void waiter_signal(struct waiter *waiter);

#endif
