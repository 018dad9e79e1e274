/* Looking for Python headers without running any interpreter.
 *
 * Ownership: results live in the arena that is passed. Threads: one owner.
 * Errors: none; a folder that cannot be read holds nothing. */
#ifndef EXTCHECK_HEADER_SEARCH_H
#define EXTCHECK_HEADER_SEARCH_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/vec.h"

/* The versions this program knows; headers newer than that are left alone. */
enum { HEADERS_OLDEST = 0x0309, HEADERS_NEWEST = 0x030f };

struct header_dir {
    const char *path;    /* the folder of Python.h */
    const char *version; /* "3.14" */
    int hex;             /* 0x030e */
    bool gil_disabled;
};

struct header_dirs {
    VEC(struct header_dir) all;
};

/* What the folder holds; false when there is no Python.h or no usable patchlevel.h in it. */
bool header_dir_read(struct arena *arena, const char *path, struct header_dir *out);
/* Beside the programs on PATH, in the folders of the usual version managers, and in the cache of
 * tools/pythons; in this order. */
void header_search(struct arena *arena, struct header_dirs *out);
/* The newest of at least `hex`, a GIL build where there is one; NULL when there is none. */
const struct header_dir *header_newest(const struct header_dirs *found, int hex);
/* Those of just this version, of the build asked for where there is one; NULL when there is none.
 */
const struct header_dir *header_exact(const struct header_dirs *found, int hex, bool gil_disabled);

#endif
