#include "decisions.h"

#include <stdlib.h>
#include <string.h>

void
decisions_init(struct decisions *decisions)
{
    pthread_mutex_init(&decisions->lock, NULL);
    decisions->first = NULL;
    decisions->last = &decisions->first;
}

void
decisions_destroy(struct decisions *decisions)
{
    struct decision *one = decisions->first;
    while (one) {
        struct decision *next = one->next;
        free(one);
        one = next;
    }
    pthread_mutex_destroy(&decisions->lock);
}

/* Under the lock. A pool meets as many modules as its tasks import: a list will do. */
static const struct decision *
decisions_search(const struct decisions *decisions, const char *key, size_t size)
{
    for (const struct decision *one = decisions->first; one; one = one->next) {
        if (one->key_size == size && memcmp(one->bytes, key, size) == 0) {
            return one;
        }
    }
    return NULL;
}

const struct decision *
decisions_find(struct decisions *decisions, const char *key, size_t size)
{
    pthread_mutex_lock(&decisions->lock);
    const struct decision *found = decisions_search(decisions, key, size);
    pthread_mutex_unlock(&decisions->lock);
    return found;
}

int
decisions_add(struct decisions *decisions, const char *key, size_t key_size, const char *text,
              size_t size)
{
    struct decision *one = malloc(sizeof(*one) + key_size + size + 1);
    if (!one) {
        return -1;
    }
    *one = (struct decision){.key_size = key_size, .size = size};
    memcpy(one->bytes, key, key_size);
    memcpy(one->bytes + key_size, text, size);
    one->bytes[key_size + size] = '\0';
    pthread_mutex_lock(&decisions->lock);
    int is_new = !decisions_search(decisions, key, key_size);
    if (is_new) {
        *decisions->last = one;
        decisions->last = &one->next;
    }
    pthread_mutex_unlock(&decisions->lock);
    if (!is_new) {
        free(one);
    }
    return is_new;
}

const struct decision *
decisions_next(struct decisions *decisions, const struct decision *after)
{
    pthread_mutex_lock(&decisions->lock);
    const struct decision *next = after ? after->next : decisions->first;
    pthread_mutex_unlock(&decisions->lock);
    return next;
}
