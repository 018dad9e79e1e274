/* `extcheck explain ID`, `extcheck explain FAMILY` and `extcheck rules`: the rule pages, offline.
 *
 * Ownership: nothing is kept. Threads: any. Errors: explain_rule() says what is wrong and returns
 * false. */
#ifndef EXTCHECK_EXPLAIN_H
#define EXTCHECK_EXPLAIN_H

#include <stdio.h>

#include "rules/rule.h"

bool explain_rule(const struct ruleset *set, const char *id_or_name, FILE *out);
void explain_list(const struct ruleset *set, FILE *out);

#endif
