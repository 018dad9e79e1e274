/* One place where a borrowed reference is obtained, and what the function does with it. Used by
 * borrowed*.c.
 *
 * Ownership: nothing is kept. Threads: one owner. Errors: none. */
#ifndef EXTCHECK_PASSES_BORROW_H
#define EXTCHECK_PASSES_BORROW_H

#include "passes/objects/owned.h"

struct borrow {
    struct program *p;
    struct owned_fields *fields;
    const struct body *b;
    const struct fact_call *call;
    const char *into; /* the local it is stored in; NULL when used on the spot */
};

/* Is the value the result of the call? A macro leaves only what it expands to. */
bool borrow_is_result(const struct fact_call *call, const char *value, int line);
/* Finds out about one call. *at refers to everything that is given. */
void borrow_begin(struct borrow *at, struct owned_fields *fields, const struct body *b,
                  const struct fact_call *call);
/* Can the local still have the reference there? Another value ends it for what follows in the same
 * branch, but not in the other one: `if (!x) { x = PyDict_New(); } else { Py_INCREF(x); }`. */
bool borrow_in_range(const struct borrow *at, long seq, long block);
/* Is the reference that argument of the call? A macro among the arguments may stand in front of the
 * call or behind it. */
bool borrow_is_given(const struct borrow *at, const struct fact_call *call, int index);
/* The call that turns the reference into an owned one, or NULL. */
const struct fact_call *borrow_incref(const struct borrow *at);
/* Is anything done with the reference but comparing it? */
bool borrow_is_used(const struct borrow *at);
/* A flaw of the kind `what` at the call, about its container. */
struct fact_flaw *borrow_flaw(struct borrow *at, const char *what);

/* ---- borrowed_stored.c ---- */
/* Is it a call whose result must not be stored without a reference, in any build? */
bool borrowed_is_storable(const struct fact_call *call);
/* BRW05: kept beyond the call without a reference. Returns whether a flaw was made. */
bool borrowed_stored(struct borrow *at);

#endif
