/* Does an event stand where no thread state is attached? Told from the calls that detach and attach
 * around it; the walk of threads/regions.c, which knows more, has its own findings.
 *
 * Ownership: nothing is kept. Threads: one owner. Errors: what is not known counts as attached. */
#ifndef EXTCHECK_PASSES_DETACHED_H
#define EXTCHECK_PASSES_DETACHED_H

#include "passes/flow/flow.h"

/* Is the place behind a call that detaches, in a block that holds both, and no call that attaches
 * stands in between? */
bool detached_here(const struct body *b, long seq, long block);
/* The same, or a caller of the function makes the call detached. */
bool detached_at(const struct body *b, long seq, long block);

#endif
