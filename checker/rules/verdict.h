/* Verdicts: one per module and target, from what the module declares (does it load?), from what was
 * found (is it safe?) and from what was seen (is that all?).
 *
 * Ownership: results live in the findings. Threads: one owner. Errors: none. */
#ifndef EXTCHECK_RULES_VERDICT_H
#define EXTCHECK_RULES_VERDICT_H

#include "passes/program/program.h"
#include "rules/rule.h"

/* Fills out->modules. Call it after suppressions and baseline: a finding that is suppressed decides
 * nothing, and an overclaim whose evidence is all suppressed is taken out. */
void verdicts_compute(const struct program *p, const struct rule_options *o, struct findings *out);

#endif
