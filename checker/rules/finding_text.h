/* Findings as bytes and back, for the cache.
 *
 * Ownership: what is read is copied into the arena of the findings. Threads: any.
 * Errors: findings_unpack() returns false for bytes that findings_pack() did not write; `out` is
 * then as empty as it was. */
#ifndef EXTCHECK_RULES_FINDING_TEXT_H
#define EXTCHECK_RULES_FINDING_TEXT_H

#include "base/str.h"
#include "rules/rule.h"

/* All but the notes of binaries. */
void findings_pack(const struct findings *findings, struct str *out);
/* `out` must be empty. The findings themselves live in its arena, to be left out of findings_free()
 * as those of an analysis are. */
bool findings_unpack(struct findings *out, const struct ruleset *rules, const char *bytes,
                     size_t n);

#endif
