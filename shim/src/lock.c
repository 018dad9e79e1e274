/* lock.c - the shim's one process-wide lock. */
#include "internal.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <pthread.h>
#include <sched.h>
#endif

static int lock_word; /* atomic: 1 while somebody holds it */

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
    while (!EXTSHIM_SWAP_INT(&lock_word, 0, 1)) {
        lock_pause();
    }
}

void
extshim_unlock(void)
{
    EXTSHIM_STORE_INT(&lock_word, 0);
}

#if !defined(_WIN32)
static void
lock_before_fork(void)
{
    extshim_park_fork(0);
    extshim_lock();
}

static void
lock_after_fork_parent(void)
{
    extshim_unlock();
    extshim_park_fork(1);
}

static void
lock_after_fork_child(void)
{
    extshim_unlock();
    extshim_park_fork(2);
}

/* A fork while another thread holds a lock would leave it taken in the child for ever. Once for the
 * process, when the binary is loaded; without memory for it a fork is as risky as with most locks.
 */
__attribute__((constructor)) static void
lock_load(void)
{
    (void)pthread_atfork(lock_before_fork, lock_after_fork_parent, lock_after_fork_child);
}
#endif
