/* Moving values between interpreters: the only files (transfer*.c) that do.
 *
 * A value is written as tagged bytes in a session per message; what the codec does not know is
 * pickled. Equal results are the rule: sharing and cycles inside one value survive, types are never
 * changed silently. Big bytes are copied once, by the receiver; buffers are not copied at all. */
#ifndef EXTPOOL_TRANSFER_H
#define EXTPOOL_TRANSFER_H

#include "state.h"

/* Bytes objects from this size on travel as a reference to the sender's memory. */
#define TRANSFER_BIG 32768

/* Appends values to a message. Returns 0, or -1 with an exception set, the message unchanged. */
int transfer_encode(struct pool_state *state, struct message *message, PyObject *const *values,
                    Py_ssize_t count);

/* Reads the value at *position and moves on. New reference, or NULL with an exception set.
 * The message stays as it is: reading it again gives an equal value. */
PyObject *transfer_decode(struct pool_state *state, const struct message *message,
                          size_t *position);

/* Like transfer_decode() for `count` values that were encoded together. On failure -1, and nothing
 * is left in `values`. */
int transfer_decode_all(struct pool_state *state, const struct message *message, size_t *position,
                        PyObject **values, Py_ssize_t count);

/* The exception being raised here, with its remote traceback, replaces what the message holds.
 * Clears the exception; cannot fail (what cannot travel is described instead). */
void transfer_encode_error(struct pool_state *state, struct message *message);

/* Its counterpart: the exception object, with the remote traceback as its cause. */
PyObject *transfer_decode_error(struct pool_state *state, const struct message *message);

/* Pickling, when the codec gives up; see transfer_encode() and transfer_decode(). */
int transfer_pickle(struct pool_state *state, struct message *message, PyObject *value);
PyObject *transfer_unpickle(struct pool_state *state, const struct message *message,
                            size_t *position);

/* A block that lets others see the object's buffer: around the object where its interpreter takes
 * blocks back, a copy in plain memory otherwise. NULL with an exception set. */
struct block *transfer_share(struct pool_state *state, PyObject *object, int copy);

/* A Shared object over the block (takes its own reference). */
PyObject *transfer_shared_new(struct pool_state *state, struct block *block);

/* The block of a Shared object, borrowed. */
struct block *transfer_shared_block(PyObject *shared);

extern PyType_Spec transfer_shared_spec;

/* Functions for the module: _pack, _unpack. */
extern PyMethodDef transfer_pack_methods[];

#endif
