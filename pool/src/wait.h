/* Waiting on one word of memory: spin a little while yielding, then block in the kernel.
 *
 * The owner changes the word and calls wait_wake(); a waiter calls wait_sleep() with the value it
 * saw. Time is monotonic, in nanoseconds; WAIT_FOREVER means no deadline. Needs no Python. */
#ifndef EXTPOOL_WAIT_H
#define EXTPOOL_WAIT_H

#include <stdatomic.h>
#include <stdint.h>

#if !defined(__linux__)
#include <pthread.h>
#endif

#define WAIT_FOREVER INT64_MAX

/* How long a thread looks again and again before it blocks. While the answer comes from another
 * processor it pauses at first, which answers ten times sooner than a system call; on the same
 * processor pausing would only keep the other from running, so there it yields from the start. */
#define WAIT_SPIN_NS 20000
#define WAIT_PAUSE_NS 4000

struct wait_word {
    atomic_int value;
#if !defined(__linux__)
    pthread_mutex_t lock;
    pthread_cond_t changed;
#endif
};

enum wait_result { WAIT_WOKEN, WAIT_TIMED_OUT, WAIT_INTERRUPTED };

/* Makes the word usable, with value 0. */
void wait_init(struct wait_word *word);

/* Gives back what wait_init() took; nobody may be waiting. */
void wait_destroy(struct wait_word *word);

/* Blocks while the word holds `seen`, until a wake, a signal or the deadline. May return early. */
enum wait_result wait_sleep(struct wait_word *word, int seen, int64_t deadline);

/* Wakes at most `count` sleepers. The word must have been changed before. */
void wait_wake(struct wait_word *word, int count);

struct wait_spin {
    int64_t pause_until;
    int64_t until;
};

void wait_spin_begin(struct wait_spin *spin, int64_t deadline);

/* One step between two looks; `processor` is where the answer comes from, or -1. 0: time is up. */
int wait_spin_step(const struct wait_spin *spin, int processor);

/* The processor that this thread runs on at the moment, or -1 where the system does not tell. */
int wait_processor(void);

/* Nanoseconds of the monotonic clock. */
int64_t wait_now(void);

/* The deadline `seconds` from now; negative or not a number means WAIT_FOREVER. */
int64_t wait_deadline(double seconds);

#endif
