/* The Channel type; what it does is in channel_core.h. */
#ifndef EXTPOOL_CHANNEL_H
#define EXTPOOL_CHANNEL_H

#include "state.h"

/* The block a channel lives in, borrowed. */
struct block *channel_block(PyObject *channel);

/* A Channel object for the block (takes its own reference). New reference, or NULL. */
PyObject *channel_from_block(struct pool_state *state, struct block *block);

/* select(channels, timeout): see extpool.select. */
PyObject *channel_select(PyObject *module, PyObject *args, PyObject *kwargs);

extern PyType_Spec channel_spec;

#endif
