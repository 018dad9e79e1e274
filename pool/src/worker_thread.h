/* The threads that a worker needs: its own, and that of a visitor. */
#ifndef EXTPOOL_WORKER_THREAD_H
#define EXTPOOL_WORKER_THREAD_H

#include <signal.h>

#include "worker.h"

/* Starts a detached thread that runs `thread_main` with the worker and a reference to it, which
 * the thread drops at its end. stack: in bytes. signals: what the thread blocks; NULL: what its
 * maker does. name: what tools for processes show, as far as the system keeps it; NULL: its
 * maker's. Returns 0 or -1. */
int worker_thread_start(struct worker *worker, void *(*thread_main)(void *), size_t stack,
                        const sigset_t *signals, const char *name);

#endif
