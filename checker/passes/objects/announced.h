/* Does code tell others, by a member of the object, that it is at work on it: `self->busy = 1`,
 * `self->users++`, and do the others ask?
 *
 * Ownership: nothing is kept. Threads: one owner. Errors: what is not known is not announced. */
#ifndef EXTCHECK_PASSES_ANNOUNCED_H
#define EXTCHECK_PASSES_ANNOUNCED_H

#include "passes/flow/flow.h"

/* Does `b` set a member other than `field` before seq, itself or in a helper, that a condition of
 * `other`, or of what it calls or is called by, looks at? */
bool announced_to(struct program *p, const struct body *b, long seq, const char *field,
                  const struct body *other);

/* Does the branch turn the caller away with an error? */
bool announced_refuses(const struct body *b, const struct fact_block *branch);

#endif
