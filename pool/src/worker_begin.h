/* Getting a worker's interpreter ready, and ending it.
 *
 * Ready takes the C module only. What else a worker has, the policy first of all, is Python code
 * and is loaded when something needs it: a value to pickle, a function sent by its code, an
 * extension module to import, a low-level thread to watch. Until then what would get past it
 * (_imp.create_dynamic and _thread.start_new_thread) leads to it.
 *
 * The message worker.start holds sys.path, the files of extpool._pool and of the package extpool
 * (or None), and the package's __path__. */
#ifndef EXTPOOL_WORKER_BEGIN_H
#define EXTPOOL_WORKER_BEGIN_H

#include "worker.h"

/* In the reason why a worker could not start: what follows is a traceback (extpool/_remote.py). */
#define WORKER_TRACEBACK "\x1f"

/* Import path, module, initializer. The state, or NULL with the reason in `error`. */
struct pool_state *worker_prepare(struct worker *worker, char *error, size_t size);

/* Loads the Python part if this is a worker and it is not loaded. 0, or -1 with an exception set.
 * Threads: any of the interpreter, attached. */
int worker_connect(struct pool_state *state);

/* Joins the threads that tasks left behind. 0, or -1 when some cannot be joined: then the
 * interpreter must not be ended. */
int worker_wind_up(struct pool_state *state);

extern PyMethodDef worker_begin_methods[];

#endif
