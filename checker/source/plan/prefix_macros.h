/* Macros before Python.h: which matter, which are known to be defined, and what conditions on them
 * come to.
 *
 * Ownership: names live in the walk. Threads: one owner. Errors: UNKNOWN. */
#ifndef EXTCHECK_SOURCE_PREFIX_MACROS_H
#define EXTCHECK_SOURCE_PREFIX_MACROS_H

#include "source/plan/plan.h"

enum truth { UNKNOWN, YES, NO };

/* One #if. A literal one is copied, since its answer is not known. */
struct prefix_if {
    bool literal, outer_live; /* is the code around it read at all? */
    enum truth now, taken;    /* is this branch, or was one before it, the one that is read? */
};

struct prefix_walk {
    const struct plan_unit *unit;
    enum flavour flavour;
    struct map macros; /* name -> enum truth, of those that a flag or a line decided */
    struct interner strings;
    VEC(struct prefix_if) ifs;
    VEC(const char *) out;
    int literal; /* how many of ifs are */
    int depth;   /* of the condition that is being read */
};

/* ---- prefix_macros.c ---- */
/* The three that say "part of the core": Python.h makes the first of either of the others. */
bool prefix_is_core(const char *name);
/* Can defining the macro change what Python's and the C library's headers say? Others only matter
 * to headers that are never precompiled for C. */
bool prefix_macro_matters(const char *name);
/* The identifier behind blanks. */
const char *prefix_name(struct prefix_walk *w, const char *s);
void prefix_set(struct prefix_walk *w, const char *name, enum truth value);
/* Is the macro defined where the walk stands? */
enum truth prefix_get(struct prefix_walk *w, const char *name);

/* ---- prefix_condition.c ---- */
/* What follows `#if`, `#ifdef` ...: only questions of the form defined(X) have an answer. */
enum truth prefix_condition(struct prefix_walk *w, const char *word, size_t n, const char *rest);

#endif
