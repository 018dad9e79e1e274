/* The other side of workers.c: what a worker does from fork() to its end.
 *
 * Errors: none are returned; the parent sees the pipe close. */
#ifndef EXTCHECK_SOURCE_WORKER_LIFE_H
#define EXTCHECK_SOURCE_WORKER_LIFE_H

#include "source/workers/workers.h"

/* What a worker sends before a result. */
struct workers_answer {
    size_t n;
    bool leaves; /* it takes no more jobs */
};

/* Takes jobs from one pipe and sends results to the other, then ends the process. */
_Noreturn void worker_life(const struct workers *workers, int from, int to);
/* Does this process hold so much memory that a failure is one of memory? */
bool worker_memory_short(int memory_mb);

#endif
