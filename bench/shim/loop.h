/* loop.h - the clock of the loops: what this thread has run. */
#ifndef EXTCHECK_BENCH_LOOP_H
#define EXTCHECK_BENCH_LOOP_H

#include <time.h>

static inline double
loop_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#endif
