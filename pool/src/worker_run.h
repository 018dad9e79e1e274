/* What a worker does inside its interpreter, entered by its thread. */
#ifndef EXTPOOL_WORKER_RUN_H
#define EXTPOOL_WORKER_RUN_H

#include "worker.h"

/* Calls the pool's initializer, if there is one. 0, or -1 with an exception set. */
int worker_initialize(struct worker *worker, struct pool_state *state);

/* Runs tasks until the pool says to leave. */
void worker_serve(struct worker *worker, struct pool_state *state, PyThreadState **own);

/* Drops what the worker holds of its interpreter. */
void worker_forget(struct worker *worker);

#endif
