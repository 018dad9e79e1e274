/* Does a function of the project change what one of its arguments points to, with no lock held?
 *
 * Ownership: nothing is kept. Threads: one owner. Errors: what is not known changes nothing. */
#ifndef EXTCHECK_PASSES_POINTEES_H
#define EXTCHECK_PASSES_POINTEES_H

#include "passes/flow/flow.h"

/* Where the function, or one that it hands the pointer to, stores through parameter `index`; NULL
 * when it does not, or sees to it with a lock of its own. */
const struct fact_access *pointee_store(struct program *p, const struct body *b, int index);

#endif
