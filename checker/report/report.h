/* Reports: findings become text or a machine format. Read this file first.
 *
 * Every format is one function of type report_fn and one line in the table of report.c. Formats
 * write only to the stream they are given: findings go to stdout or to a file, and
 * report_closing() says on stderr what was analysed, whatever the format.
 *
 * All formats are reproducible: sorted, no time, and bytes that are no UTF-8 replaced. Machine
 * formats have paths relative to the root; full and concise leave them as the user wrote them.
 * Findings of severity none (for no target that was asked for) never appear.
 *
 * Ownership: nothing is kept. Threads: any, on findings that nobody changes.
 * Errors: a failed write shows in ferror(out), which the caller checks. */
#ifndef EXTCHECK_REPORT_H
#define EXTCHECK_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "rules/finding.h"
#include "rules/rule.h"

struct report_options {
    bool color;      /* full, concise: colours by severity */
    bool quiet;      /* full, concise: findings only; report_closing(): the `analysed` line only */
    bool statistics; /* report_closing() counts findings per rule */
    bool show_suppressed; /* full, concise: suppressed findings too, marked */
    const char *root;     /* paths become relative to it; NULL: the working directory */
    const char *version;  /* of extcheck */
    const char *libclang; /* "libclang 14.0.6 (...)"; NULL: none was needed */
    const char *docs_url; /* where the rule pages are: DOCS_URL/GLB01; NULL: nowhere */
    enum severity fail_on;
    const bool *targets; /* TARGETS of them, those that were asked for; NULL: all */
};

typedef void report_fn(const struct findings *findings, const struct ruleset *rules,
                       const struct report_options *options, FILE *out);

report_fn report_full, report_concise, report_json, report_sarif, report_github, report_gitlab,
    report_junit;

/* The report called "full", "concise", "json", "sarif", "github", "gitlab" or "junit"; NULL when
 * there is none. */
report_fn *report_named(const char *name);
/* "full, concise, ...", for messages and --help. */
const char *report_names(void);

/* To stderr, after every format: `N blockers, N hazards, N advice (...)`, with --statistics a table
 * per rule, and last `analysed 85/88 files, 3 failed: a.c (reason), ...`. */
void report_closing(const struct findings *findings, const struct report_options *options,
                    FILE *out);

#endif
