/* "Did you mean": the candidate that a mistyped word is closest to.
 *
 * Ownership: nothing is kept. Threads: any. Errors: none. */
#ifndef EXTCHECK_BASE_NEAREST_H
#define EXTCHECK_BASE_NEAREST_H

#include <stddef.h>

struct nearest {
    const char *wanted;
    const char *best; /* NULL: nothing is close enough to be worth a hint */
    size_t distance;
};

void nearest_start(struct nearest *n, const char *wanted);
void nearest_offer(struct nearest *n, const char *candidate);

#endif
