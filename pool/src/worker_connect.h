/* The Python part of a worker, the policy first of all.
 *
 * It is loaded when something needs it: a value to pickle, a function sent by its code, an
 * extension module to import, a low-level thread to watch. Until then what would get past it
 * (_imp.create_dynamic and _thread.start_new_thread) leads to it. */
#ifndef EXTPOOL_WORKER_CONNECT_H
#define EXTPOOL_WORKER_CONNECT_H

#include "state.h"

#define WORKER_MODULE "extpool._pool"

/* Makes those functions lead to the Python part. `own`: this module. 0, or -1 with an exception. */
int worker_set_traps(PyObject *own);

/* Loads the Python part if this is a worker and it is not loaded. 0, or -1 with an exception set.
 * Threads: any of the interpreter, attached. */
int worker_connect(struct pool_state *state);

extern PyMethodDef worker_connect_methods[];

#endif
