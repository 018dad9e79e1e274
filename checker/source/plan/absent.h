/* Headers that were looked for and not found.
 *
 * parse_unit() names them (`N name` lines); a unit's cache entry then depends on every path where
 * such a header might appear, so that installing what a message asks for has an effect.
 *
 * Ownership: text is appended to the caller's buffer. Threads: one owner. Errors: none. */
#ifndef EXTCHECK_SOURCE_ABSENT_H
#define EXTCHECK_SOURCE_ABSENT_H

#include "source/plan/plan.h"

/* Adds a line `D path` for every place where a header that the unit asked for in vain could be. */
void absent_add(const struct plan_unit *unit, const struct source_headers *headers,
                const char *result, struct str *out);

#endif
