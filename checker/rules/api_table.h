/* API tables: knowledge as data. rules/api/NAME.tsv, one row per name, one table per question.
 *
 * First line: the names of the columns; lines starting with '#' and empty lines are skipped. The
 * first column is the key; a key with '*' in it is a shell pattern, tried when no row is equal.
 *
 * Ownership: everything lives in the arena of the ruleset, the index in the table.
 * Threads: read-only after loading. Errors: said on stderr with file and line. */
#ifndef EXTCHECK_RULES_API_TABLE_H
#define EXTCHECK_RULES_API_TABLE_H

#include "rules/rule.h"

struct api_table {
    const char *name, *path;
    VEC(const char *) columns;
    VEC(struct api_row *) rows;
    VEC(struct api_row *) patterns; /* rows whose key has a '*' */
    struct map by_key;
};

/* Adds a table read from text. */
bool api_table_load(struct ruleset *set, const char *path, const char *text);
/* Adds the rows of a user's file: `# table: NAME`, then a header line with columns of that table
 * (the key first, others may be missing), then rows; repeated for more tables. */
bool api_table_extend(struct ruleset *set, const char *path);
void api_table_free(struct api_table *table);
/* The row of a key, or NULL. */
const struct api_row *api_table_row(const struct api_table *table, const char *key);
/* The number of a column, or -1. */
int api_table_column(const struct api_table *table, const char *column);

#endif
