/* Can code outside the function hold the object: a parameter that threads share, what was taken out
 * of arguments or a container, a field of such an object, a static variable?
 *
 * Ownership: nothing is kept. Threads: one owner. Errors: what is not known is not reached. */
#ifndef EXTCHECK_PASSES_REACHED_H
#define EXTCHECK_PASSES_REACHED_H

#include "passes/objects/shared_roots.h"

bool reached_value(struct program *p, const struct shared_roots *roots, const struct body *b,
                   const char *value, long seq);

#endif
