/* Rules: judgement as data. One Markdown file each in rules/<family>/, see rules/README.md.
 *
 * Ownership: rules live in the arena of struct ruleset. Threads: read-only after loading.
 * Errors: loading says which file and line is wrong and returns false. */
#ifndef EXTCHECK_RULES_RULE_H
#define EXTCHECK_RULES_RULE_H

#include "facts/facts.h"
#include "rules/finding.h"

/* is, is-not: equal to one of the words (`static|global`); has, lacks: a comma list contains one of
 * the words; in, not-in: a column of a table in rules/api (`borrowed_refs:ft_risk=unsafe`, or just
 * the table's name for its first column); like: shell pattern; <, >= ...: numbers; set, unset. */
enum condition_op {
    OP_IS,
    OP_IS_NOT,
    OP_HAS,
    OP_LACKS,
    OP_IN,
    OP_NOT_IN,
    OP_LIKE,
    OP_UNLIKE,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_SET,
    OP_UNSET
};

/* Whose field a condition looks at: the fact's own; its file (`file`); the oldest supported Python
 * (`min-python < 3.13`); or a field of the unit, function or variable that the fact names
 * (`unit.generator`, `function.binding`, `variable.class`). */
enum condition_on { ON_FACT, ON_FILE, ON_MIN_PYTHON, ON_UNIT, ON_FUNCTION, ON_VARIABLE };

struct condition {
    enum condition_on on;
    const struct fact_field *field; /* NULL for ON_FILE and ON_MIN_PYTHON */
    enum condition_op op;
    const char *value;
    VEC(const char *) words; /* value split at '|' */
    long number;
    const struct api_table *table;
    const char *column, *wanted; /* wanted: words split at '|', in .words; NULL: any row */
    bool column_differs;         /* `TABLE:column!=value` */
};

/* `needs: own-gil blocker`: kept only when the module has another finding of that severity for that
 * target; `needs-none: own-gil hazard`: only when it has none. */
struct rule_need {
    enum target target;
    enum severity severity;
    bool none;
};

/* `severity-if: free-threaded hazard when written has run` */
struct severity_if {
    enum target target;
    enum severity severity;
    VEC(struct condition) conditions;
    const char *when; /* the conditions as written */
};

struct rule {
    const char *id, *name, *family, *since;
    const char *python; /* "3.9+" */
    enum confidence confidence;
    enum severity severity[TARGETS];
    VEC(struct severity_if) severity_if;
    int python_first, python_last; /* of `python`, 0x0309; last is INT_MAX when open */
    int min_python;                /* `min-python: 3.10`: only for projects from there on */
    bool decides_loading;          /* `decides: loading`: a declaration, not a danger */
    bool decides_import;           /* `decides: import`: every import fails; no evidence for
                                      `needs`, since nothing is shared then */
    enum fact_kind fact;
    VEC(struct condition) conditions; /* all must hold */
    VEC(struct rule_need) needs;
    /* Findings of these rules about the same fact are dropped when this one matches. */
    VEC(const char *) supersedes;
    const char *message, *fix, *note, *refs, *symbol;
    const char *page;                    /* the whole Markdown text, for `extcheck explain` */
    const char *what;                    /* first paragraph of "What it finds" */
    const char *path;                    /* of the file, relative to rules/ */
    int index;                           /* in ruleset.rules */
    VEC(const struct rule *) superseded; /* transitive closure of `supersedes` */
};

struct api_table;
struct ruleset {
    struct arena arena;
    VEC(struct rule *) rules; /* sorted by id */
    VEC(struct api_table *) tables;
    struct map by_id;
};

/* Rules and tables compiled into the program, or those of a directory when dir is not NULL; rows of
 * extra_api (may be NULL) are added. Returns false after saying what is wrong. */
bool ruleset_load(struct ruleset *set, const char *dir, const char *extra_api);
void ruleset_free(struct ruleset *set);
/* Everything that loading does not refuse but a rule of this project must have (headings, pages in
 * the folder of their family, cells filled); says each on stderr and returns how many. */
int ruleset_check(const struct ruleset *set);
/* By id or by name; NULL when there is none. */
const struct rule *ruleset_find(const struct ruleset *set, const char *id_or_name);

struct api_row {
    const char **cells;
};
/* The table called name ("borrowed_refs"), or NULL. */
const struct api_table *ruleset_table(const struct ruleset *set, const char *name);
/* The cell of the row whose first column is key, or NULL when there is no such row or column. */
const char *api_table_cell(const struct api_table *table, const char *key, const char *column);
bool api_table_has(const struct api_table *table, const char *key);

/* What a run of the rules needs to know of the user's wishes. */
struct rule_options {
    bool targets[TARGETS];
    const char *const *select; /* ids, names or families; NULL-terminated; NULL: all */
    const char *const *ignore;
    const char *const *file_ignores; /* "PATTERN:RULE", NULL-terminated; NULL: none */
    enum confidence min_confidence;
    int min_python; /* 0x0309 */
};

/* Does `per-file-ignores` name the rule for this file? */
bool rule_is_ignored_in(const struct rule_options *options, const struct rule *rule,
                        const char *file);
/* Takes out the findings that it names. */
void rules_hide_file_ignored(const struct rule_options *options, struct findings *out);

/* Matches every rule against the facts (after passes_run()) and adds findings: messages filled in,
 * related places attached (writes of a variable, rel_* of a flaw), duplicates removed, sorted. */
void rules_run(const struct ruleset *set, const struct facts *facts,
               const struct rule_options *options, struct findings *out);

#endif
