/* What several formats need: which findings are shown, paths, fingerprints, source lines.
 *
 * Ownership: see each function. Threads: one owner per struct. Errors: none. */
#ifndef EXTCHECK_REPORT_SHARED_H
#define EXTCHECK_REPORT_SHARED_H

#include "base/map.h"
#include "base/str.h"
#include "report/report.h"

struct shown {
    VEC(const struct finding *) all; /* in the order of finding_compare() */
    VEC(struct failed_file) failed;  /* by file */
};

/* Findings of some severity for a target that was asked for, and failed files, sorted. Suppressed
 * ones only when wanted. Free with shown_free(). */
void shown_select(struct shown *shown, const struct findings *findings, bool suppressed);
/* The most severe first, otherwise as before. */
void shown_sort_by_severity(struct shown *shown);
void shown_free(struct shown *shown);

struct counts {
    size_t blockers, hazards, advice; /* not suppressed */
    size_t suppressed, baseline;
};
void counts_take(struct counts *counts, const struct findings *findings);

bool report_asked(const struct report_options *options, enum target t);
/* "own-gil, reload": targets for which the finding has exactly this severity. */
void report_add_targets(struct str *out, const struct finding *f, enum severity severity);
/* "3 blockers", "1 hazard". */
void report_add_count(struct str *out, size_t n, const char *noun);
/* The place's columns in code points of its line (NULL: not known, bytes are taken); *end is one
 * past the last. 0 for what the place does not say or the line does not have. */
void report_columns(const struct place *place, const char *line, int *start, int *end);
/* error, warning, note. */
const char *report_level(enum severity severity);

/* The path relative to the root with "." and ".." resolved, and true; the path as it is, and false,
 * when it lies outside (absolute, or relative to the working directory). */
bool path_add(struct str *out, const char *file, const char *root);
/* The same percent-encoded; outside the root an absolute file: URI. */
bool path_add_uri(struct str *out, const char *file, const char *root);

/* Numbers findings that have the same fingerprint: 1, 2, ... in report order. */
struct occurrences {
    struct map seen;
    struct arena arena;
};
/* The finding's fingerprint with its file relative to the root. It belongs to `o`. */
const char *occurrence_of(struct occurrences *o, const struct finding *f, const char *root,
                          int *number);
void occurrences_free(struct occurrences *o);

/* Lines of source files, read when first asked for. */
struct source_lines {
    struct arena arena;
    struct map files; /* path -> struct source_file */
};
/* The line without its end, or NULL when it cannot be read. It belongs to `lines`. */
const char *source_line(struct source_lines *lines, const char *file, int number);
void source_lines_free(struct source_lines *lines);

#endif
