/* Getting a worker's interpreter ready, and ending it. Ready takes the C module only.
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

/* Joins the threads that tasks left behind. 0, or -1 when some cannot be joined: then the
 * interpreter must not be ended. */
int worker_wind_up(struct pool_state *state);

#endif
