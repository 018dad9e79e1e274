/* cython_way.c - one access to the module state that Cython itself makes and looks up. */
#define CYTHON_USE_MODULE_STATE 1
#include CYTHON_OUTPUT

#include "loop.h"

static double
way_loop(long count)
{
    double begin = loop_seconds();
    for (long i = 0; i < count; i++) {
        __asm__ volatile("" : : "r"(__pyx_mstate_global) : "memory");
    }
    return 1e9 * (loop_seconds() - begin) / (double)count;
}
