/* mutex.c - the one-byte mutex of CPython 3.9 to 3.12, and the places where its waiters sleep.
 *
 * A mutex has no room for a queue: its address chooses one of a few parking places, each with a
 * lock and a condition of the system. Whoever has to wait lets go of the GIL first, and takes the
 * GIL again before it tries the mutex again. So nobody holds the mutex while waiting for a GIL that
 * a finalizing interpreter will never give, and nobody holds the GIL while waiting for the mutex.
 */
#include "internal.h"

#if defined(_WIN32)
/* Untested. */
#include <windows.h>
typedef SRWLOCK park_lock;
typedef CONDITION_VARIABLE park_condition;
#define PARK_INIT                                                                                  \
    {                                                                                              \
        SRWLOCK_INIT, CONDITION_VARIABLE_INIT                                                      \
    }
#define park_acquire(lock) AcquireSRWLockExclusive(lock)
#define park_release(lock) ReleaseSRWLockExclusive(lock)
#define park_wait(condition, lock) (void)SleepConditionVariableSRW((condition), (lock), INFINITE, 0)
#define park_wake(condition) WakeAllConditionVariable(condition)
#else
#include <pthread.h>
typedef pthread_mutex_t park_lock;
typedef pthread_cond_t park_condition;
#define PARK_INIT                                                                                  \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER                                        \
    }
#define park_acquire(lock) (void)pthread_mutex_lock(lock)
#define park_release(lock) (void)pthread_mutex_unlock(lock)
#define park_wait(condition, lock) (void)pthread_cond_wait((condition), (lock))
#define park_wake(condition) (void)pthread_cond_broadcast(condition)
#endif

enum { PARKS = 8 };

struct park {
    park_lock lock;
    park_condition condition;
};

/* Waiters of several mutexes may share a place; they wake up and look again. */
static struct park parks[PARKS] = {PARK_INIT, PARK_INIT, PARK_INIT, PARK_INIT,
                                   PARK_INIT, PARK_INIT, PARK_INIT, PARK_INIT};

static struct park *
park_of(const void *place)
{
    uint64_t bits = (uint64_t)(uintptr_t)place;
    return &parks[((bits * UINT64_C(0x9E3779B97F4A7C15)) >> 32) % PARKS];
}

void
extshim_park_fork(int phase)
{
    for (int i = 0; i < PARKS; i++) {
        if (phase == 0) {
            park_acquire(&parks[i].lock);
        }
        else if (phase == 1) {
            park_release(&parks[i].lock);
        }
        else {
            /* The waiters of the parent do not exist here; nor do the locks they hold. */
            const struct park fresh = PARK_INIT;
            parks[i] = fresh;
        }
    }
}

void
extshim_park_int(int *place, int unwanted)
{
    struct park *park = park_of(place);
    PyThreadState *state = extshim_detach();
    park_acquire(&park->lock);
    while (EXTSHIM_LOAD_INT(place) == unwanted) {
        park_wait(&park->condition, &park->lock);
    }
    park_release(&park->lock);
    extshim_attach(state);
}

void
extshim_park_store(int *place, int value)
{
    struct park *park = park_of(place);
    park_acquire(&park->lock);
    EXTSHIM_STORE_INT(place, value);
    park_wake(&park->condition);
    park_release(&park->lock);
}

void
extshim_park_count(int *place)
{
    struct park *park = park_of(place);
    park_acquire(&park->lock);
    /* Two at once must not count as one: whoever saw the first count would wait on. */
    EXTSHIM_STORE_INT(place, (EXTSHIM_LOAD_INT(place) + 1) & 0xFFFFFF);
    park_wake(&park->condition);
    park_release(&park->lock);
}

#if !EXTSHIM_LIMITED
PyThreadState *
extshim_thread_state(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return PyThreadState_GetUnchecked();
#elif PY_VERSION_HEX >= 0x030C0000
    return _PyThreadState_UncheckedGet();
#else
    /* Before 3.12 this is the state that holds the one GIL, whichever thread that belongs to. */
    PyThreadState *current = _PyThreadState_UncheckedGet();
    PyThreadState *usual = PyGILState_GetThisThreadState();
    if (current == NULL || usual == NULL) {
        return NULL; /* nobody has the GIL, or Python does not know this thread */
    }
    /* Another state of this very thread, in a subinterpreter, is told by its thread. */
    return current == usual || current->thread_id == PyThread_get_thread_ident() ? current : NULL;
#endif
}
#endif

PyThreadState *
extshim_detach(void)
{
#if !EXTSHIM_LIMITED
    if (extshim_thread_state() == NULL) {
        return NULL;
    }
#endif
    return PyEval_SaveThread();
}

void
extshim_attach(PyThreadState *state)
{
    if (state != NULL) {
        PyEval_RestoreThread(state);
    }
}

#if !EXTSHIM_HAS_PYMUTEX

enum { MUTEX_FREE = 0, MUTEX_LOCKED = 1, MUTEX_AWAITED = 2, MUTEX_SPINS = 40 };

/* Sleeps until the mutex was let go; it may be locked by another thread again. */
static void
mutex_wait(ExtShim_Mutex *mutex)
{
    struct park *park = park_of(mutex);
    PyThreadState *state = extshim_detach();
    park_acquire(&park->lock);
    /* Who unlocks an awaited mutex takes the place's lock first: it cannot wake us too early. */
    if (EXTSHIM_LOAD_BYTE(&mutex->bits) == MUTEX_AWAITED ||
        EXTSHIM_SWAP_BYTE(&mutex->bits, MUTEX_LOCKED, MUTEX_AWAITED)) {
        park_wait(&park->condition, &park->lock);
    }
    park_release(&park->lock);
    extshim_attach(state);
}

void
ExtShim_Mutex_Lock(ExtShim_Mutex *mutex)
{
    int awaited = 0;
    for (int spins = 0;; spins++) {
        /* Others may sleep as well: having slept, it is left marked for them. */
        if (EXTSHIM_SWAP_BYTE(&mutex->bits, MUTEX_FREE, awaited ? MUTEX_AWAITED : MUTEX_LOCKED)) {
            return;
        }
        if (spins >= MUTEX_SPINS) {
            mutex_wait(mutex);
            awaited = 1;
        }
    }
}

void
ExtShim_Mutex_Unlock(ExtShim_Mutex *mutex)
{
    if (EXTSHIM_SWAP_BYTE(&mutex->bits, MUTEX_LOCKED, MUTEX_FREE)) {
        return;
    }
    struct park *park = park_of(mutex);
    park_acquire(&park->lock);
    int was_locked = EXTSHIM_SWAP_BYTE(&mutex->bits, MUTEX_AWAITED, MUTEX_FREE) ||
                     EXTSHIM_SWAP_BYTE(&mutex->bits, MUTEX_LOCKED, MUTEX_FREE);
    park_wake(&park->condition);
    park_release(&park->lock);
    if (!was_locked) {
        Py_FatalError("extshim: ExtShim_Mutex_Unlock() of a mutex that is not locked");
    }
}

#endif /* !EXTSHIM_HAS_PYMUTEX */
