/* What pool_object.c (the type, its life) and pool_submit.c share. */
#ifndef EXTPOOL_POOL_PARTS_H
#define EXTPOOL_POOL_PARTS_H

#include "core.h"
#include "pool_object.h"

#define KNOWN_FUNCTIONS 64 /* power of two */

struct pool {
    PyObject_HEAD struct core *core; /* NULL until _open() */
    /* Functions that need to be described once only, by address; the pool holds them. */
    struct {
        PyObject *callable;
        struct function *function;
    } known[KNOWN_FUNCTIONS];
};

/* What describe(callable) says, as a function; *keep tells whether it stays true. NULL for one
 * that does not travel with every call. */
struct function *pool_describe(struct pool_state *state, struct core *core, PyObject *callable,
                               int *keep);

/* Methods of the type. */
PyObject *pool_submit(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names);
PyObject *pool_submit_chunk(PyObject *self, PyObject *args);

#endif
