/* Code of libraries among the project's sources that know nothing of Python: what happens to an
 * object there is mended where the module calls them.
 *
 * Ownership: the map belongs to the caller. Threads: one owner. Errors: NULL, the place stays. */
#ifndef EXTCHECK_PASSES_VENDORED_H
#define EXTCHECK_PASSES_VENDORED_H

#include "passes/flow/flow.h"

/* Fills `files` with the files in which some function uses Python's API. */
void vendored_index(struct program *p, struct map *files);

/* The call by which code that knows Python hands a part of an object to such a library, so that it
 * reaches b. NULL when b knows Python itself, or no such call is found. *in becomes the caller. */
const struct fact_call *vendored_entry(const struct map *files, const struct body *b,
                                       const struct body **in);

#endif
