/* Rule files: Markdown with `key: value` lines between two `---` lines at the top.
 *
 * Ownership: the rule lives in the arena of the ruleset. Threads: one owner.
 * Errors: said on stderr with file and line. */
#ifndef EXTCHECK_RULES_RULE_FILE_H
#define EXTCHECK_RULES_RULE_FILE_H

#include "rules/rule.h"

/* What may stand between the braces of a field in a text; anything else is plain text. */
#define RULE_FIELD_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789_:"

/* Adds the rule that text describes. All tables must have been loaded. */
bool rule_file_load(struct ruleset *set, const char *path, const char *text);
/* `field op value` joined by " and ", into conditions; NULL, or what is wrong. */
const char *rule_condition_parse(struct ruleset *set, enum fact_kind kind, const char *text,
                                 struct condition *out);
/* "3.13" as 0x030d; -1 when it is no version. */
int python_version_parse(const char *s);
/* The text below `# HEADING` up to the next heading, or NULL: a copy in the arena. */
const char *rule_section(struct ruleset *set, const struct rule *rule, const char *heading);

#endif
