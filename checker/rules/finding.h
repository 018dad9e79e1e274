/* Findings: what rules say about facts. Reports and verdicts read nothing else.
 *
 * Ownership: findings and their strings live in the arena of struct findings.
 * Threads: one owner. Errors: none. */
#ifndef EXTCHECK_RULES_FINDING_H
#define EXTCHECK_RULES_FINDING_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/vec.h"

enum target {
    TARGET_OWN_GIL,
    TARGET_SHARED_GIL,
    TARGET_FREE_THREADED,
    TARGET_RELOAD,
    TARGET_PORT,
    TARGETS
};
enum severity { SEVERITY_NONE, SEVERITY_ADVICE, SEVERITY_HAZARD, SEVERITY_BLOCKER };
enum confidence { CONFIDENCE_LOW, CONFIDENCE_MEDIUM, CONFIDENCE_HIGH };
enum verdict {
    VERDICT_READY,
    VERDICT_READY_WITH_WARNINGS,
    VERDICT_RUNS_WITH_GIL,
    VERDICT_NOT_READY,
    VERDICT_UNKNOWN
};

/* "own-gil" ... ; "none" "advice" "hazard" "blocker"; "ready" "ready-with-warnings" ... */
const char *target_name(enum target t);
const char *severity_name(enum severity s);
const char *confidence_name(enum confidence c);
const char *verdict_name(enum verdict v);
/* The target or severity called name, or TARGETS / -1. */
enum target target_named(const char *name);
int severity_named(const char *name);

struct place {
    const char *file;             /* as the user wrote it or relative to the working directory */
    int line, column, end_column; /* 1-based; columns count bytes; end is one past the last */
};

struct related {
    struct place place;
    const char *text; /* "written here, in a function that Python can call" */
};

enum suppression { NOT_SUPPRESSED, SUPPRESSED_IN_SOURCE, SUPPRESSED_BY_BASELINE };

struct rule;
struct finding {
    const struct rule *rule;
    struct place place;
    enum severity severity[TARGETS]; /* for the targets that were asked for; others are NONE */
    enum severity worst;             /* over the targets asked for, port only as advice */
    const char *message;             /* one sentence, why */
    const char *fix;                 /* what to do */
    /* Both with their parts for single targets, see finding_set_texts(). */
    const char *message_text, *fix_text;
    const char *symbol;    /* the variable, type, function or API; may be NULL */
    const char *function;  /* function it stands in; may be NULL */
    const char *modules;   /* names, separated by commas */
    const char *line_text; /* the source line, without its end; may be NULL */
    VEC(struct related) related;
    enum suppression suppression;
    const char *reason;   /* of the suppression */
    char fingerprint[33]; /* hex; rule, file, symbol and normalised line text; no line number */
};

struct module_verdict {
    enum verdict verdict;
    bool asked;
    const struct finding *deciding; /* may be NULL */
    const char *reason; /* one clause: "declares no own-GIL support", "needs 3.13+ headers" */
};

struct module_result {
    const char *name;
    const char
        *python; /* version of the headers used for own-gil / free-threaded, for the report */
    struct module_verdict verdict[TARGETS];
    VEC(const char *) units;
    VEC(const char *)
    missing; /* what was not analysed or not seen: files, functions nobody defines */
};

struct failed_file {
    const char *file;
    const char *reason; /* "syntax error at 12:3: ..." */
    bool partial;       /* analysed in part: findings exist, verdict cannot be ready */
};

/* A note of a built module, or that it has none. */
struct binary_note {
    const char *file;
    const char *module;  /* NULL where the note cannot be read */
    const char *status;  /* "ok", "damaged", "foreign"; NULL: the file has no note */
    const char *payload; /* JSON; NULL unless ok */
};

struct findings {
    struct arena arena;
    VEC(struct finding *) all; /* sorted by file, line, column, rule once rules_run() is done */
    VEC(struct module_result) modules;
    VEC(struct failed_file) failed;
    VEC(struct binary_note) binaries;
    VEC(const char *) notes; /* remarks for the end of the report: headers used, tests lowered */
    int files_total, files_analysed;
    int unused_suppressions, stale_baseline;
};

/* Fills f->fingerprint from the rule, file (relative to the project's root, so that two checkouts
 * agree), the symbol and the source line with its whitespace squeezed. */
void finding_fingerprint(struct finding *f, const char *file);
/* `[free-threaded?TEXT]` in the text is kept when the finding is about that target, else left out;
 * `interpreters` stands for own-gil, shared-gil and reload, `!` in front means none of them. */
const char *message_for_targets(struct arena *arena, const char *text,
                                const enum severity severity[TARGETS]);
/* Fills message and fix from message_text and fix_text, for the targets of severity[]. */
void finding_set_texts(struct finding *f, struct arena *arena);
/* The order of every report: file, line, column, rule id, then symbol and message. */
int finding_compare(const struct finding *a, const struct finding *b);
void findings_sort(struct findings *findings);
void findings_free(struct findings *findings);

#endif
