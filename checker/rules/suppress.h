/* Suppression comments: `extcheck: ignore[GLB01] reason` and its forms for the next line, a
 * function and a file.
 *
 * Ownership: what is added lives in the arena of the findings. Threads: one owner.
 * Errors: none; a comment that suppresses nothing becomes a finding of META01. */
#ifndef EXTCHECK_RULES_SUPPRESS_H
#define EXTCHECK_RULES_SUPPRESS_H

#include "rules/rule.h"

/* Marks what is suppressed and adds findings about comments that suppress nothing. */
void suppress_apply(const struct ruleset *set, const struct facts *facts,
                    const struct rule_options *options, struct findings *findings);

/* Could this run have reported findings of the rule at all? */
bool rule_is_reported(const struct rule *rule, const struct rule_options *options);
/* Is the file among those that could not be analysed, or only in part? */
bool findings_file_failed(const struct findings *findings, const char *file);

#endif
