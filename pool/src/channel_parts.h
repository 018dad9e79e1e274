/* What channel.c (the type), channel_wait.c and channel_select.c share. */
#ifndef EXTPOOL_CHANNEL_PARTS_H
#define EXTPOOL_CHANNEL_PARTS_H

#include "channel.h"
#include "channel_core.h"

struct channel_object {
    PyObject_HEAD struct block *block;
};

static inline struct channel *
channel_of(PyObject *self)
{
    return channel_core(((struct channel_object *)self)->block);
}

/* Tries something that may be CHANNEL_WOULD_BLOCK. */
typedef enum channel_result (*channel_try)(void *what);

/* Tries until something else comes out, which goes to *result; sleeps until one of the channels
 * has changed. 1: there is a result; 0: the deadline came first; -1: a signal or an interruption
 * has raised. */
int channel_wait(struct pool_state *state, struct channel **channels, Py_ssize_t count,
                 int64_t deadline, channel_try attempt, void *what, enum channel_result *result);

/* What that came to: 0, or -1 with the exception for the caller. */
int channel_conclude(struct pool_state *state, struct channel *channel, int alive,
                     enum channel_result result);

/* The object of an item, which is freed. New reference, or NULL with an exception set. */
PyObject *channel_decode_item(struct pool_state *state, struct channel_item *item);

#endif
