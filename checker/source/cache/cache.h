/* The cache of facts: an unchanged unit needs no libclang.
 *
 * An entry stands under the hash of everything that decides the parse (path, flags, versions) and
 * lists every file that was read with the hash of its content, and every searched folder with the
 * hash of its names (a header that appears earlier on the search path must be noticed).
 *
 * Ownership: texts read go into the caller's buffers. Threads: one owner; entries are written to a
 * temporary name and renamed, so runs do not disturb each other.
 * Errors: a cache that cannot be read or written is no cache. */
#ifndef EXTCHECK_SOURCE_CACHE_H
#define EXTCHECK_SOURCE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/str.h"

struct cache {
    const char *dir;        /* NULL: off */
    struct map file_hashes; /* path -> struct, computed once per run */
    struct interner strings;
    struct arena arena;
};

uint64_t cache_hash(const void *data, size_t n);
/* The same in 128 bits, for names of entries that do not hold their key. */
void cache_hash_wide(const void *data, size_t n, uint64_t out[2]);
/* The entry's result text (as parse_unit() wrote it), or false when it is absent or stale. */
bool cache_get(struct cache *cache, const char *key, struct str *result);
/* dirs: the searched folders, NULL-terminated; extra: more `D path` lines. */
void cache_put(struct cache *cache, const char *key, const char *result, size_t n,
               const char *const *dirs, const char *extra);
/* Every path asked for so far, one a line: hash, kind, time stamp, size, inode, path. */
void cache_list_files(const struct cache *cache, struct str *out);
/* Such a list of the files in `D path` lines and of the names in folders, NULL-terminated. */
void cache_list_read(const char *lines, const char *const *folders, struct str *out);
/* Do all paths of such a list have their hashes? Only those that were touched are read; fresh then
 * gets the list with the new time stamps. */
bool cache_files_unchanged(const char *list, size_t n, struct str *fresh);
/* Writes a file below the cache's folder `below`, which is made; the oldest files there go when
 * they are more than `most`. */
void cache_write_file(const char *dir, const char *below, const char *name, const struct str *text,
                      size_t most);
void cache_free(struct cache *cache);

#endif
