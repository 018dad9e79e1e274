/* The walk that knows whether a thread state is attached, for functions that begin without one.
 *
 * Ownership: nothing is kept. Threads: one owner. Errors: where paths disagree nothing is said. */
#ifndef EXTCHECK_PASSES_REGIONS_H
#define EXTCHECK_PASSES_REGIONS_H

#include "passes/program/program.h"

struct region_start {
    const char *what;      /* of the flaw */
    const char *by;        /* what starts the thread */
    const struct fact *at; /* where it is given the function */
};

/* Finds the first use of the API in b, or in what it calls, in front of which nothing attaches. */
void regions_walk_start(struct program *p, struct body *b, const struct region_start *start);

#endif
