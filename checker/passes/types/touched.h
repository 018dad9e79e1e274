/* Which members a function visits or clears: read off the arguments of Py_VISIT(), Py_CLEAR() and
 * relatives, in the function and in project functions that it calls; and where members are written.
 *
 * Ownership: a struct touched starts zeroed and is given back with vec_free(&t.texts); the texts
 * belong to the facts. Threads: one owner. Errors: what cannot be told sets opaque. */
#ifndef EXTCHECK_PASSES_TOUCHED_H
#define EXTCHECK_PASSES_TOUCHED_H

#include "passes/program/program.h"

struct touched {
    VEC(const char *) texts;
    bool opaque; /* something is done through macros or pointers that cannot be told apart */
};

/* Collects what b passes to Py_VISIT() or visit(), else what it clears. */
void touched_collect(struct touched *t, const struct body *b, bool visit);
/* Does one of the texts name the member? */
bool touched_mentions(const struct touched *t, const char *name);

/* Adds every write to `...->NAME` and `....NAME`: NAME -> struct fact_list of struct fact_access,
 * for program_free_lists(). */
void touched_writes(struct program *p, struct map *writes);

#endif
