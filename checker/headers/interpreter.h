/* Asking a Python interpreter: where its headers are and what the settings file says.
 *
 * One process answers both. The answer is kept in the cache, keyed by the content of the settings
 * files and by what tells one interpreter from another, so that an unchanged second run starts no
 * Python at all.
 *
 * Ownership: answers live in the arena that is passed. Threads: one owner.
 * Errors: interpreter_ask() returns false and a sentence in *error. */
#ifndef EXTCHECK_INTERPRETER_H
#define EXTCHECK_INTERPRETER_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/vec.h"

struct setting {
    const char *key;
    const char *value; /* NULL: an empty list */
};

struct interpreter {
    const char *path;    /* as found: "/usr/bin/python3" */
    const char *version; /* "3.11" */
    VEC(const char *) include;
    const char *settings_file; /* the first of the files that has settings; NULL: none */
    const char *settings_error;
    bool no_toml_reader;
    VEC(struct setting) settings;
};

/* The file that `name` stands for: a path, a folder with bin/python3 in it, or a command on PATH.
 * NULL when there is none. shims: also scripts of a version manager, which exist for every version
 * but run only the one that is selected. */
const char *interpreter_find(struct arena *arena, const char *name, bool shims);
/* tomls: settings files, nearest first; cache_dir: NULL for no cache. */
bool interpreter_ask(struct arena *arena, const char *path, const char *const *tomls, size_t ntomls,
                     const char *cache_dir, struct interpreter *out, const char **error);
void interpreter_free(struct interpreter *i);

#endif
