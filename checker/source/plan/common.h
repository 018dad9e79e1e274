/* The header that all projects have in common: Python.h alone, without a project's own folders.
 *
 * Too few units of one run to pay for a precompiled header may still find one that another run
 * has kept in the cache, whatever project that was for.
 *
 * Ownership: arguments are added as they are. Threads: one worker each. Errors: where something is
 * out of the ordinary, there is no such header. */
#ifndef EXTCHECK_SOURCE_COMMON_H
#define EXTCHECK_SOURCE_COMMON_H

#include "source/plan/plan.h"

/* Do the unit's flags leave Python.h what it is elsewhere? */
bool common_is_possible(const struct plan_unit *unit);
/* Is the argument one of the project's folders, of which the header must know nothing? */
bool common_is_own_folder(const char *arg);
/* Would one of the unit's own folders give another file for one that the header was made of?
 * included: `D path` lines. */
bool common_is_hidden(const struct plan_unit *unit, const char *included);
/* Do both units take Python's headers from the same folders? */
bool common_is_same(const struct plan_unit *a, const struct plan_unit *b);

#endif
