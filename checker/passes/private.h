/* Is a container visible to one thread only, because this call made it?
 *
 * Ownership: nothing is kept. Threads: one owner. Errors: what is not known is not private. */
#ifndef EXTCHECK_PASSES_PRIVATE_H
#define EXTCHECK_PASSES_PRIVATE_H

#include "passes/flow.h"

enum { PRIVATE_DICT = 16 };

/* Is the value, as it stands at seq, a container that this function (or its callers) made and has
 * not handed out, or the keyword dict of the call? depth: 0, or PRIVATE_DICT for what is used as a
 * dict only. */
bool private_value(struct program *p, const struct body *b, const char *value, long seq, int depth);

/* Is the result what code that is called gives back, here or through a helper? */
bool private_is_called(struct program *p, const struct fact_call *call);

#endif
