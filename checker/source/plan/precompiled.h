/* Precompiled headers of earlier runs, kept in the cache.
 *
 * An entry stands under the hash of everything that the command line decides, and lists each file
 * that was read and each folder that was searched, with hash and time stamp: libclang refuses a
 * header one of whose files has another time stamp, so such an entry is as good as none.
 *
 * Ownership: texts read go into the caller's buffers. Threads: one worker each; entries are written
 * to a temporary name and renamed, and read into a file of the run's own.
 * Errors: a cache that cannot be read or written is no cache. */
#ifndef EXTCHECK_SOURCE_PRECOMPILED_H
#define EXTCHECK_SOURCE_PRECOMPILED_H

#include <stdbool.h>

#include "base/str.h"

/* Writes the header that stands under the key to `path`. Returns whether there was one; included
 * receives the `D path` lines it was kept with. */
bool precompiled_recall(const char *dir, const struct str *key, const char *path,
                        struct str *included);
/* Keeps the file at `path`. args: of the compiler, for the folders that were searched. */
void precompiled_keep(const char *dir, const struct str *key, const char *path,
                      const struct str *included, const char *const *args, size_t nargs);

#endif
