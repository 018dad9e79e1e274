/* table.c - from interpreter to block: a hash table that readers use without a lock.
 *
 * Keys are never removed and entries never move, so a reader needs nothing but acquire loads: an
 * empty place ends the search. A full stretch continues in the next segment, which is twice as
 * large. Interpreters come and go at the same few addresses, so the table stays small.
 */
#include "internal.h"

enum { PROBES = 8 };

struct table_segment {
    int log;                    /* it has 1 << log entries */
    struct table_segment *next; /* atomic */
    ExtShim_Entry *entries;
};

#ifndef extshim_here
EXTSHIM_HERE_TYPE_ *(*const extshim_here)(void) = EXTSHIM_HERE_CALL_;
#endif

ExtShim_Entry extshim_entries[EXTSHIM_ENTRIES];
static const struct table_segment first_segment = {EXTSHIM_ENTRIES_LOG, NULL, extshim_entries};
static struct table_segment *second_segment; /* atomic; written under the lock */

static struct table_segment *
table_next(const struct table_segment *segment)
{
    return segment == &first_segment ? (struct table_segment *)EXTSHIM_LOAD_PTR(&second_segment)
                                     : (struct table_segment *)EXTSHIM_LOAD_PTR(&segment->next);
}

/* The entry of `interp` in this segment, or the empty one it would take, or NULL: full there. */
static ExtShim_Entry *
table_probe(const struct table_segment *segment, const PyInterpreterState *interp)
{
    uint32_t start = ExtShim_Hash(interp) >> (32 - segment->log);
    uint32_t mask = ((uint32_t)1 << segment->log) - 1;
    for (uint32_t i = 0; i < PROBES; i++) {
        ExtShim_Entry *entry = &segment->entries[(start + i) & mask];
        const PyInterpreterState *key =
            (const PyInterpreterState *)EXTSHIM_LOAD_PTR(&entry->interp);
        if (key == interp || key == NULL) {
            return entry;
        }
    }
    return NULL;
}

struct extshim_block *
extshim_table_find(PyInterpreterState *interp)
{
    const struct table_segment *segment = &first_segment;
    while (segment != NULL) {
        ExtShim_Entry *entry = table_probe(segment, interp);
        if (entry != NULL) {
            /* An empty entry has no block. Slots are stored before their key. */
            if (EXTSHIM_LOAD_PTR(&entry->interp) != interp) {
                return NULL;
            }
            return (struct extshim_block *)EXTSHIM_LOAD_PTR(&entry->slots);
        }
        segment = table_next(segment);
    }
    return NULL;
}

static struct table_segment *
table_grow(int log)
{
    struct table_segment *segment = (struct table_segment *)extshim_allocate(1, sizeof(*segment));
    if (segment == NULL) {
        return NULL;
    }
    segment->log = log;
    segment->entries =
        (ExtShim_Entry *)extshim_allocate((size_t)1 << log, sizeof(*segment->entries));
    if (segment->entries == NULL) {
        extshim_free(segment);
        return NULL;
    }
    return segment;
}

/* The segment behind `last`, which is NULL for the first one: another thread's, or a new one. NULL:
 * no memory. */
static struct table_segment *
table_append(struct table_segment *last)
{
    struct table_segment *next = table_grow((last == NULL ? EXTSHIM_ENTRIES_LOG : last->log) + 1);
    if (next == NULL) {
        return NULL;
    }
    extshim_lock();
    struct table_segment *other = last == NULL ? second_segment : last->next;
    if (other == NULL && last == NULL) {
        EXTSHIM_STORE_PTR(&second_segment, next);
    }
    else if (other == NULL) {
        EXTSHIM_STORE_PTR(&last->next, next);
    }
    extshim_unlock();
    if (other != NULL) {
        extshim_free(next->entries);
        extshim_free(next);
        return other;
    }
    return next;
}

int
extshim_table_reserve(PyInterpreterState *interp)
{
    const struct table_segment *probed = &first_segment;
    struct table_segment *last = NULL;
    while (table_probe(probed, interp) == NULL) {
        struct table_segment *next = table_next(probed);
        if (next == NULL) {
            next = table_append(last);
            if (next == NULL) {
                return -1;
            }
        }
        probed = last = next;
    }
    return 0;
}

int
extshim_table_put(struct extshim_block *block, struct extshim_block **old)
{
    const struct table_segment *segment = &first_segment;
    while (segment != NULL) {
        ExtShim_Entry *entry = table_probe(segment, block->interp);
        if (entry != NULL) {
            *old = (struct extshim_block *)EXTSHIM_LOAD_PTR(&entry->slots);
            EXTSHIM_STORE_PTR(&entry->slots, &block->first[0]);
            EXTSHIM_STORE_PTR(&entry->interp, block->interp);
            return 0;
        }
        segment = table_next(segment);
    }
    return -1; /* others took the room meanwhile: reserve again */
}
