#include "leftovers.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

#include "wait.h"

struct leftovers {
    atomic_int refs;       /* the owner's, and one for each thread */
    pthread_key_t key;     /* its destructor runs when a thread has left CPython for good */
    struct wait_word here; /* how many threads there are */
};

void
leftovers_unref(struct leftovers *threads)
{
    if (atomic_fetch_sub(&threads->refs, 1) == 1) {
        pthread_key_delete(threads->key);
        wait_destroy(&threads->here);
        free(threads);
    }
}

static void
leftovers_gone(void *arg)
{
    struct leftovers *threads = arg;
    atomic_fetch_sub(&threads->here.value, 1);
    wait_wake(&threads->here, INT_MAX);
    leftovers_unref(threads);
}

struct leftovers *
leftovers_new(void)
{
    struct leftovers *threads = calloc(1, sizeof(*threads));
    if (threads && pthread_key_create(&threads->key, leftovers_gone) != 0) {
        free(threads);
        threads = NULL;
    }
    if (threads) {
        atomic_init(&threads->refs, 1);
        wait_init(&threads->here);
    }
    return threads;
}

int
leftovers_add(struct leftovers *threads)
{
    if (pthread_setspecific(threads->key, threads) != 0) {
        return -1;
    }
    atomic_fetch_add(&threads->refs, 1);
    atomic_fetch_add(&threads->here.value, 1);
    return 0;
}

void
leftovers_wait(struct leftovers *threads)
{
    int seen;
    while ((seen = atomic_load(&threads->here.value)) != 0) {
        wait_sleep(&threads->here, seen, WAIT_FOREVER);
    }
}
