/* Filling in what a finding says of its surroundings: symbol, function, modules, source line.
 *
 * Ownership: strings go into the arena of the findings. Threads: one owner. Errors: none; a file
 * that cannot be read leaves the line absent. */
#ifndef EXTCHECK_RULES_PLACE_H
#define EXTCHECK_RULES_PLACE_H

#include "rules/match.h"

const char *place_symbol(const struct rule *rule, const struct fact *f, struct arena *arena);
const char *place_function(const struct fact *f, struct arena *arena);
/* Names of the modules the fact belongs to, comma list; NULL when none is known. */
const char *place_modules(const struct match_context *ctx, const struct fact *f,
                          struct arena *arena);
/* Does the fact stand in a test module or test file (_test*, xx*)? */
bool place_is_test(const struct match_context *ctx, const struct fact *f, const char *modules);
/* Reads the source lines of findings, which must be sorted. */
void place_read_lines(struct findings *out);
/* Both lists without doubles. */
const char *place_join(struct arena *arena, const char *a, const char *b);

#endif
