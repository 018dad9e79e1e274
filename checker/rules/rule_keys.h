/* The keys of a rule page and their values. Used by rule_file.c.
 *
 * Ownership: what a value says lives in the rule and the arena of its ruleset.
 * Threads: one owner. Errors: said by what the setter returns. */
#ifndef EXTCHECK_RULES_RULE_KEYS_H
#define EXTCHECK_RULES_RULE_KEYS_H

#include "rules/rule.h"

/* Where reading a page stands. */
struct rule_reader {
    struct ruleset *set;
    struct rule *rule;
    const char *path;
    int line;
    bool facts_only; /* the first reading, which looks for `fact` only: conditions need the kind */
    bool has_fact;
    unsigned seen; /* bit per key, for those that stand once */
};

/* set() returns NULL, or what is wrong. */
struct rule_key {
    const char *name;
    const char *(*set)(struct rule_reader *, const char *);
    bool repeats, required;
};

/* Up to one without a name. */
extern const struct rule_key rule_keys[];

/* The text without the white space around it, in the arena. rule_file.c */
const char *rule_trim(struct ruleset *set, const char *s, size_t n);

#endif
