/* Does a local hold an object that came to the function from outside: out of the arguments of a
 * call, or out of a container or attribute that others can reach?
 *
 * Ownership: nothing is kept. Threads: one owner. Errors: what is not known is not given. */
#ifndef EXTCHECK_PASSES_GIVEN_H
#define EXTCHECK_PASSES_GIVEN_H

#include "passes/flow/flow.h"

/* Where the value, as it stands at seq, was taken from: "local:o" that PyArg_ParseTuple() filled
 * in, "call:PyObject_GetItem", "index:param:1->[]". NULL when it did not come from outside, or this
 * function made it. */
const char *given_source(struct program *p, const struct body *b, const char *value, long seq);

#endif
