/* What a worker does inside its interpreter, entered by its thread. */
#ifndef EXTPOOL_WORKER_RUN_H
#define EXTPOOL_WORKER_RUN_H

#include "worker.h"

/* Import path, facade, settings, initializer. The state, or NULL with the reason in `error`. */
struct pool_state *worker_prepare(struct worker *worker, char *error, size_t size);

/* Runs tasks until the pool says to leave. */
void worker_serve(struct worker *worker, struct pool_state *state, PyThreadState **own);

/* Drops what the worker holds of its interpreter. */
void worker_forget(struct worker *worker, struct pool_state *state);

/* Joins the threads that tasks left behind. 0, or -1 when some cannot be joined: then the
 * interpreter must not be ended. */
int worker_wind_up(struct pool_state *state);

#endif
