/* Hash map from strings to pointers, and string interning on top of it.
 *
 * Ownership: keys are not copied: they must outlive the map (interned strings do).
 * Threads: one owner. Errors: out of memory ends the program. */
#ifndef EXTCHECK_BASE_MAP_H
#define EXTCHECK_BASE_MAP_H

#include <stddef.h>

#include "base/arena.h"

struct map_cell {
    const char *key;
    size_t hash;
    void *value;
};

struct map {
    struct map_cell *cells;
    size_t n, cap; /* cap is a power of two */
};

/* The value, or NULL. */
void *map_get(const struct map *m, const char *key);
/* Sets or replaces. */
void map_set(struct map *m, const char *key, void *value);
/* The address of the value of key, inserted as NULL when it was not there. Valid until the next
 * insertion. */
void **map_slot(struct map *m, const char *key);
void map_free(struct map *m);

/* One copy of each distinct string; equal interned strings have equal addresses. */
struct interner {
    struct arena arena;
    struct map map;
};

const char *intern(struct interner *i, const char *s);
const char *intern_n(struct interner *i, const char *s, size_t n);
void interner_free(struct interner *i);

#endif
