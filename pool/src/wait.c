#define _GNU_SOURCE
#include "wait.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <time.h>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

int64_t
wait_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t
wait_deadline(double seconds)
{
    if (!(seconds >= 0.0) || seconds > 9e9) {
        return WAIT_FOREVER;
    }
    return wait_now() + (int64_t)(seconds * 1e9);
}

void
wait_spin_begin(struct wait_spin *spin, int64_t deadline)
{
    int64_t now = wait_now();
    spin->pause_until = now + WAIT_PAUSE_NS;
    spin->until = now + WAIT_SPIN_NS < deadline ? now + WAIT_SPIN_NS : deadline;
}

static void
wait_pause(void)
{
    for (int i = 0; i < 8; i++) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("isb");
#else
        atomic_signal_fence(memory_order_seq_cst);
#endif
    }
}

int
wait_spin_step(const struct wait_spin *spin, int processor)
{
    int64_t now = wait_now();
    if (now >= spin->until) {
        return 0;
    }
    if (now < spin->pause_until && processor >= 0 && processor != wait_processor()) {
        wait_pause();
    }
    else {
        sched_yield();
    }
    return 1;
}

int
wait_processor(void)
{
#if defined(__linux__)
    return sched_getcpu();
#else
    return -1;
#endif
}

#if defined(__linux__)

void
wait_init(struct wait_word *word)
{
    atomic_init(&word->value, 0);
}

void
wait_destroy(struct wait_word *word)
{
    (void)word;
}

enum wait_result
wait_sleep(struct wait_word *word, int seen, int64_t deadline)
{
    struct timespec relative;
    struct timespec *timeout = NULL;
    if (deadline != WAIT_FOREVER) {
        int64_t left = deadline - wait_now();
        if (left <= 0) {
            return WAIT_TIMED_OUT;
        }
        relative.tv_sec = (time_t)(left / 1000000000);
        relative.tv_nsec = (long)(left % 1000000000);
        timeout = &relative;
    }
    if (syscall(SYS_futex, &word->value, FUTEX_WAIT_PRIVATE, seen, timeout, NULL, 0) == 0) {
        return WAIT_WOKEN;
    }
    switch (errno) {
    case ETIMEDOUT:
        return WAIT_TIMED_OUT;
    case EINTR:
        return WAIT_INTERRUPTED;
    default:
        return WAIT_WOKEN; /* EAGAIN: the word has changed already */
    }
}

void
wait_wake(struct wait_word *word, int count)
{
    syscall(SYS_futex, &word->value, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

#else

/* A condition variable cannot be interrupted by a signal, so a waiter looks up every now and then;
 * the caller then checks for signals. */
#define LOOK_UP_NS 100000000

void
wait_init(struct wait_word *word)
{
    atomic_init(&word->value, 0);
    pthread_mutex_init(&word->lock, NULL);
    pthread_cond_init(&word->changed, NULL);
}

void
wait_destroy(struct wait_word *word)
{
    pthread_cond_destroy(&word->changed);
    pthread_mutex_destroy(&word->lock);
}

enum wait_result
wait_sleep(struct wait_word *word, int seen, int64_t deadline)
{
    int64_t now = wait_now();
    if (deadline != WAIT_FOREVER && deadline <= now) {
        return WAIT_TIMED_OUT;
    }
    int64_t left = deadline == WAIT_FOREVER ? LOOK_UP_NS : deadline - now;
    left = left < LOOK_UP_NS ? left : LOOK_UP_NS;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)((until.tv_nsec + left) / 1000000000);
    until.tv_nsec = (long)((until.tv_nsec + left) % 1000000000);
    enum wait_result result = WAIT_WOKEN;
    pthread_mutex_lock(&word->lock);
    if (atomic_load(&word->value) == seen &&
        pthread_cond_timedwait(&word->changed, &word->lock, &until) == ETIMEDOUT) {
        result = WAIT_INTERRUPTED;
    }
    pthread_mutex_unlock(&word->lock);
    return result;
}

void
wait_wake(struct wait_word *word, int count)
{
    pthread_mutex_lock(&word->lock);
    if (count == 1) {
        pthread_cond_signal(&word->changed);
    }
    else {
        pthread_cond_broadcast(&word->changed);
    }
    pthread_mutex_unlock(&word->lock);
}

#endif
