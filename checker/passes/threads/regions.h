/* The walk that knows whether a thread state is attached, for functions that begin without one.
 *
 * Ownership: nothing is kept. Threads: one owner. Errors: where paths disagree nothing is said. */
#ifndef EXTCHECK_PASSES_REGIONS_H
#define EXTCHECK_PASSES_REGIONS_H

#include "passes/flow/flow.h"

/* Calls that detach, that attach again, that attach on top. */
extern const char regions_save[], regions_restore[], regions_ensure[];

/* What a guard of C++ does where it is made, and where its scope ends. region_guards.c */
enum guard { GUARD_NONE, GUARD_DETACHES, GUARD_ATTACHES, GUARD_UNKNOWN };
enum guard regions_guard(const struct flow *flow, const struct fact_call *call);

struct region_start {
    const char *what;      /* of the flaw */
    const char *by;        /* what starts the thread */
    const struct fact *at; /* where it is given the function */
};

/* Finds the first use of the API in b, or in what it calls, in front of which nothing attaches. */
void regions_walk_start(struct program *p, struct body *b, const struct region_start *start);

#endif
