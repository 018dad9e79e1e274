/* The process behind interpreter_ask(). Private to interpreter.c. */
#ifndef EXTCHECK_INTERPRETER_RUN_H
#define EXTCHECK_INTERPRETER_RUN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* The Python program that is run, part of the key of the cache. */
const char *interpreter_script(void);
/* Runs it and collects what it prints. Returns false and a sentence in *error. */
bool interpreter_run(struct arena *arena, const char *path, const char *const *tomls, size_t ntomls,
                     struct str *out, const char **error);

#endif
