#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/diag.h"

static size_t
map_hash(const char *key, size_t n)
{
    return (size_t)XXH3_64bits(key, n);
}

static struct map_cell *
map_probe(const struct map *m, const char *key, size_t n, size_t hash)
{
    for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct map_cell *cell = &m->cells[i];
        if (!cell->key ||
            (cell->hash == hash && strncmp(cell->key, key, n) == 0 && !cell->key[n])) {
            return cell;
        }
    }
}

static void
map_grow(struct map *m)
{
    struct map bigger = {.cap = m->cap ? m->cap * 2 : 64};
    bigger.cells = xcalloc(bigger.cap, sizeof(*bigger.cells));
    for (size_t i = 0; i < m->cap; i++) {
        if (m->cells[i].key) {
            struct map_cell old = m->cells[i];
            *map_probe(&bigger, old.key, strlen(old.key), old.hash) = old;
        }
    }
    bigger.n = m->n;
    free(m->cells);
    *m = bigger;
}

/* The cell for a key of n bytes; a new one has key NULL. */
static struct map_cell *
map_cell_for(struct map *m, const char *key, size_t n, size_t hash)
{
    if ((m->n + 1) * 3 > m->cap * 2) {
        map_grow(m);
    }
    struct map_cell *cell = map_probe(m, key, n, hash);
    if (!cell->key) {
        cell->hash = hash;
        m->n++;
    }
    return cell;
}

void *
map_get(const struct map *m, const char *key)
{
    if (!m->cap || !key) {
        return NULL;
    }
    size_t n = strlen(key);
    return map_probe(m, key, n, map_hash(key, n))->value;
}

void **
map_slot(struct map *m, const char *key)
{
    size_t n = strlen(key);
    struct map_cell *cell = map_cell_for(m, key, n, map_hash(key, n));
    if (!cell->key) {
        cell->key = key;
    }
    return &cell->value;
}

void
map_set(struct map *m, const char *key, void *value)
{
    *map_slot(m, key) = value;
}

void
map_free(struct map *m)
{
    free(m->cells);
    *m = (struct map){0};
}

const char *
intern_n(struct interner *i, const char *s, size_t n)
{
    struct map_cell *cell = map_cell_for(&i->map, s, n, map_hash(s, n));
    if (!cell->key) {
        cell->key = arena_copy(&i->arena, s, n);
    }
    return cell->key;
}

const char *
intern(struct interner *i, const char *s)
{
    return intern_n(i, s, strlen(s));
}

void
interner_free(struct interner *i)
{
    map_free(&i->map);
    arena_free(&i->arena);
}
