/* The calls that make heap types, for the pass about such types. heap_calls.c
 *
 * Ownership: nothing is kept. Threads: one owner. Errors: none. */
#ifndef EXTCHECK_PASSES_HEAP_TYPES_H
#define EXTCHECK_PASSES_HEAP_TYPES_H

#include "passes/program/type_scan.h"

/* Is it a call that makes a type from a spec? */
bool heap_is_maker(const struct fact_call *call);
/* The flaws of calls and of the variables that keep their results. */
void heap_check_calls(struct program *p);

#endif
