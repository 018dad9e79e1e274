/* What the files about expressions tell each other: bodies_expr.c goes through the nodes,
 * bodies_access.c states loads and stores, bodies_call.c calls, bodies_atomic.c atomic operations.
 *
 * Threads and ownership: those of the unit, see unit.h. Errors: none; unknown means NULL. */
#ifndef EXTCHECK_SOURCE_BODIES_EXPR_H
#define EXTCHECK_SOURCE_BODIES_EXPR_H

#include "source/walk/bodies.h"

static const struct usage usage_read = {.how = "read", .result = "used"};

/* Is the declaration one of the project's own files? */
bool bodies_ours(const struct decl *d);
/* A load or store of a variable, a member or an element, and of what its path reads. */
void bodies_lvalue(struct body_walk *b, CXCursor c, const struct usage *usage);
/* The same without what the path reads. */
void bodies_lvalue_fact(struct body_walk *b, CXCursor c, const struct usage *usage);

/* "atomic-load" and the like, from the name of a function or macro; NULL for others. */
const char *bodies_atomic_how(const char *name);
/* The atomic operation an unexposed node stands for, or NULL. */
const char *bodies_atomic_at(struct body_walk *b, CXCursor c);
/* Such an operation on the first of the parts. */
void bodies_atomic(struct body_walk *b, const struct cx_children *parts, const char *how);
/* What a method of that class does to its object, by the method's name; NULL unless atomic. */
const char *bodies_atomic_method(const char *class, const char *method);

void bodies_call(struct body_walk *b, CXCursor c, const struct usage *usage);

#endif
