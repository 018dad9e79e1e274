/* What the files of the cache tell each other: cache.c has the entries, cache_files.c the hashes of
 * what was read and the lists of it, cache_folder.c writes.
 *
 * Ownership, threads and errors: as in cache.h. */
#ifndef EXTCHECK_SOURCE_CACHE_FILES_H
#define EXTCHECK_SOURCE_CACHE_FILES_H

#include "source/cache/cache.h"

/* ---- cache_files.c ---- */
/* Hash of a file's content, or of a folder's names; 0 when it cannot be read. */
uint64_t cache_hash_path(struct cache *cache, const char *path, bool names);

/* ---- cache_folder.c ---- */
/* Makes the folder `below` in `dir`; false when that is not possible. */
bool cache_make_dirs(const char *dir, const char *below);
/* Writes a file under another name and renames it. */
void cache_write(const char *path, const struct str *text);

#endif
