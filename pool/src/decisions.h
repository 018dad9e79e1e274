/* What the workers of a pool decided about modules: bytes under bytes, so that one worker's work
 * serves the others. Needs no Python.
 *
 * Ownership: entries stay as they are until decisions_destroy(). Threads: any. */
#ifndef EXTPOOL_DECISIONS_H
#define EXTPOOL_DECISIONS_H

#include <pthread.h>
#include <stddef.h>

struct decision {
    struct decision *next;
    size_t key_size;
    size_t size;
    char bytes[]; /* the key, then what was decided, then a zero */
};

struct decisions {
    pthread_mutex_t lock;
    struct decision *first;
    struct decision **last; /* where the next one goes */
};

void decisions_init(struct decisions *decisions);
void decisions_destroy(struct decisions *decisions);

/* NULL when nothing was decided under that key. */
const struct decision *decisions_find(struct decisions *decisions, const char *key, size_t size);

/* 1 it is new, 0 there is one under that key already, -1 no memory. */
int decisions_add(struct decisions *decisions, const char *key, size_t key_size, const char *text,
                  size_t size);

/* The next one in the order they were made, the first one after NULL. */
const struct decision *decisions_next(struct decisions *decisions, const struct decision *after);

#endif
