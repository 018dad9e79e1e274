/* Baseline: findings that were there before, kept in a file so that only new ones count.
 *
 * A row is keyed by rule, file, symbol and the source line with its whitespace squeezed, never by
 * the line number, so that edits elsewhere in the file leave it alone.
 *
 * Ownership: rows live in the arena of struct baseline. Threads: one owner.
 * Errors: reading and writing say what is wrong and return false. */
#ifndef EXTCHECK_BASELINE_H
#define EXTCHECK_BASELINE_H

#include "base/map.h"
#include "rules/rule.h"

struct baseline_row {
    const char *rule, *file, *symbol, *text;
    int count;
    int used; /* the most that one set of findings matched */
    int now;
};

struct baseline {
    struct arena arena;
    VEC(struct baseline_row *) rows;
    struct map by_key;
};

/* What a run looked at: rows about anything else cannot be called stale. */
struct baseline_scope {
    const struct ruleset *rules;
    const struct rule_options *options;
    const struct map *files; /* analysed, as they stand in the baseline */
    const char *root;
};

bool baseline_read(struct baseline *b, const char *path);
/* Marks the findings that have a row. May be called for several sets of findings. */
void baseline_apply(struct baseline *b, struct findings *findings, const char *root);
/* Names the rows that matched nothing (or less than their count); returns how many. */
int baseline_report_stale(const struct baseline *b, const struct baseline_scope *scope,
                          const char *path);
/* Writes what is left of the rows, stale ones removed or lowered. */
bool baseline_prune(const struct baseline *b, const struct baseline_scope *scope, const char *path);
/* Writes the findings that no comment suppresses; *n: how many. */
bool baseline_write(const struct findings *findings, const char *root, const char *path, int *n);
/* The file as a baseline names it: relative to the root. */
const char *baseline_file(struct arena *arena, const char *file, const char *root);
void baseline_free(struct baseline *b);

#endif
