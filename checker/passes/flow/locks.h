/* Walking a function with the set of locks it holds. Used by locks*.c.
 *
 * Names: a static lock by its name, a member as "->name", a critical section as
 * "critical(TEXT)", a once function as "once".
 *
 * Ownership: everything lives in the program. Threads: one owner. Errors: none. */
#ifndef EXTCHECK_PASSES_LOCKS_H
#define EXTCHECK_PASSES_LOCKS_H

#include "passes/program/program.h"

/* What is held from an event on. */
struct lock_point {
    long seq;
    bool behind;      /* from behind the event on; else the event itself is inside already */
    const char *held; /* comma list; NULL: none */
};

/* What is known of a function. */
struct lock_state {
    VEC(struct lock_point) points;
    const char *at_entry; /* held by every caller */
    const char *acquires; /* still held at the end */
    const char *releases; /* given back without having been taken here */
    bool busy, done, at_entry_known;
};

/* A C++ guard object and the locks it gives back at the end of its scope. */
struct lock_guard {
    const char *local; /* "local:guard" */
    const char *locks; /* comma list */
};

/* What is held at every goto to a label so far. */
struct lock_label {
    const char *name, *held;
};

/* Where a walk stands. */
struct lock_walk {
    struct program *p;
    struct body *b;
    struct lock_state *state;
    const struct api_table *table;
    const char *held;
    bool unreached; /* behind a return or goto that nothing goes around */
    VEC(struct lock_guard) guards;
    VEC(struct lock_label) labels;
};

/* Walks the function unless that was done; busy while it is, in a cycle of calls. locks_walk.c */
struct lock_state *locks_state(struct program *p, struct body *b);

/* ---- locks_calls.c ---- */
/* Changes what is held by what the call does. */
void locks_call(struct lock_walk *w, const struct fact_call *c);
/* Takes the locks of a guard out of what is held. */
void locks_give_back(struct lock_walk *w, const char *locks);

/* ---- locks_set.c: comma lists, NULL when empty ---- */
const char *locks_remove(struct program *p, const char *list, const char *name);
const char *locks_union(struct program *p, const char *a, const char *b);
/* What a lock is called: the last member of a path, or the plain name of a static. */
const char *locks_name(struct lock_walk *w, const char *value);
/* What the critical section on the object that the sources call `text` is called. */
const char *locks_critical_name(struct lock_walk *w, const char *text);
/* Changes what is held. What was not taken here is given back for the caller. */
void locks_acquire(struct lock_walk *w, const char *name);
void locks_release(struct lock_walk *w, const char *name);

#endif
