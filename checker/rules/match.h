/* Does a rule hold for a fact? And the texts filled from it.
 *
 * Ownership: the context owns its indexes; texts go into the arena that is given.
 * Threads: one owner. Errors: none. */
#ifndef EXTCHECK_RULES_MATCH_H
#define EXTCHECK_RULES_MATCH_H

#include "rules/rule.h"

struct match_context {
    const struct ruleset *set;
    const struct facts *facts;
    const struct rule_options *options;
    struct map functions;    /* id -> struct fact_function */
    struct map variables;    /* id -> struct fact_variable, the definition where there is one */
    struct map modules;      /* name -> struct fact_module */
    struct map unit_modules; /* path -> names, comma list */
    struct map accesses;     /* variable id -> struct access_chain */
    struct arena arena;
};

struct access_chain {
    struct fact_access *access;
    struct access_chain *next;
};

void match_begin(struct match_context *ctx, const struct ruleset *set, const struct facts *facts,
                 const struct rule_options *options);
void match_end(struct match_context *ctx);
/* Do all conditions of the rule hold? */
bool match_rule(const struct match_context *ctx, const struct rule *rule, const struct fact *f);
/* The severities the rule gives this fact, all targets. */
void match_severity(const struct match_context *ctx, const struct rule *rule, const struct fact *f,
                    enum severity out[TARGETS]);
/* A string field by name, whatever the kind; NULL when the kind has none or it is empty. */
const char *match_field(const struct fact *f, const char *name);
long match_number(const struct fact *f, const char *name);
const struct fact_unit *match_unit(const struct match_context *ctx, const struct fact *f);

/* `{field}` and `{TABLE:column}` filled in. */
const char *message_fill(const struct match_context *ctx, struct arena *arena, const char *text,
                         const struct fact *f);
/* The first word in the place of a target that is none, in such a text; NULL: all are known. */
const char *message_unknown_target(struct arena *arena, const char *text);
/* An id or a list of ids as people know them: `src/a.c#f.cache` is `cache` of f: "f.cache". */
const char *message_name(struct arena *arena, const char *id);
/* "run,init" as words: "which Python can call at any time". */
const char *message_entry(const char *entry);

/* Adds writes, escapes and rel_* places to a finding. */
void related_add(const struct match_context *ctx, const struct fact *f, struct finding *finding,
                 struct arena *arena);

#endif
