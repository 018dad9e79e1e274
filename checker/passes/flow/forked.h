/* Code that runs in a forked child only: what it changes there is nobody else's.
 *
 * Ownership: nothing is kept. Threads: one owner. Errors: in doubt the answer is no. */
#ifndef EXTCHECK_PASSES_FORKED_H
#define EXTCHECK_PASSES_FORKED_H

#include "passes/flow/flow.h"

/* Is the event (seq, in `block`) behind a fork, on the side of the child? A function that only
 * children call runs in children. */
bool forked_is_child(struct program *p, const struct body *b, long seq, long block);

/* Does the child that the call makes replace or end itself, here or in a function it calls? */
bool forked_child_ends(struct program *p, const struct body *b, const struct fact_call *fork);

#endif
