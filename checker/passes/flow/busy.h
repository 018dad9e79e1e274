/* Is an object guarded by a flag of its own: `if (!enter(self)) return NULL; ... leave(self);`,
 * where enter() refuses when the flag is set and sets it, under a lock?
 *
 * Ownership: nothing is kept. Threads: one owner. Errors: what is not known is not guarded. */
#ifndef EXTCHECK_PASSES_BUSY_H
#define EXTCHECK_PASSES_BUSY_H

#include "passes/flow/flow.h"

/* Does the place stand between a call that enters and one that leaves? */
bool busy_entered(struct program *p, const struct body *b, long seq, long block);

#endif
