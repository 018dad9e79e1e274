/* One thread per interpreter that makes pools: it completes futures that somebody watches from
 * Python (callbacks, wait(), as_completed(), asyncio). Futures only waited for by result() never
 * pass here. The thread starts with the first such future. */
#ifndef EXTPOOL_NOTIFIER_H
#define EXTPOOL_NOTIFIER_H

#include "jobs.h"
#include "state.h"

struct notifier {
    atomic_int refs;
    struct jobs_finished finished;
    atomic_int added;           /* jobs handed over so far */
    atomic_int handled;         /* of those, completed */
    struct wait_word caught_up; /* changes after each batch */
    atomic_int stop;
    atomic_int running; /* `thread` is there */
    pthread_t thread;
    PyInterpreterState *home; /* which the thread enters */
    struct pool_state *state;
};

struct notifier *notifier_new(struct pool_state *state);
void notifier_ref(struct notifier *notifier);
void notifier_unref(struct notifier *notifier);

/* Makes sure that the thread runs. -1 with an exception set when it cannot. */
int notifier_start(struct notifier *notifier);

/* Ends the thread after it has completed what it was given. Home only. */
void notifier_stop(struct notifier *notifier);

/* In a forked child: the thread does not exist there. */
void notifier_forget(struct notifier *notifier);

/* Hands a finished task over, with the reference that its worker had. Any thread. */
void notifier_add(struct notifier *notifier, struct job *job);

/* Waits until everything handed over so far is completed; not from the notifier's own thread. */
void notifier_catch_up(struct notifier *notifier);

#endif
