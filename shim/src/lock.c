/* lock.c - the shim's one process-wide lock. */
#include "internal.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <pthread.h>
#include <sched.h>
#endif

static int lock_word; /* atomic: 1 while somebody holds it */

static int
lock_try(void)
{
#if defined(_MSC_VER) && !defined(__clang__)
    return _InterlockedCompareExchange((volatile long *)&lock_word, 1, 0) == 0;
#else
    int expected = 0;
    return __atomic_compare_exchange_n(&lock_word, &expected, 1, 0, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
#endif
}

static void
lock_pause(void)
{
#if defined(_WIN32)
    SwitchToThread();
#else
    sched_yield();
#endif
}

void
extshim_lock(void)
{
    /* Held for a few stores only: a holder that is not running was preempted, let it run. */
    while (!lock_try()) {
        lock_pause();
    }
}

void
extshim_unlock(void)
{
    EXTSHIM_STORE_INT(&lock_word, 0);
}

int
extshim_lock_prepare(void)
{
#if defined(_WIN32)
    return 0;
#else
    /* A fork while another thread holds the lock would leave it taken in the child for ever. */
    return pthread_atfork(extshim_lock, extshim_unlock, extshim_unlock);
#endif
}
