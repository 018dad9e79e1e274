#include "rules/api_table.h"

#include <errno.h>
#include <string.h>

/* A cell holds "-" where nothing applies; readers see it as absent. */
static const char *
api_table_keep(struct ruleset *set, const char *s, size_t n)
{
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\r')) {
        n--;
    }
    while (n && *s == ' ') {
        s++;
        n--;
    }
    return arena_copy(&set->arena, s, n);
}

static void
api_table_split(struct ruleset *set, const char *line, size_t n, const char **cells, size_t max,
                size_t *count)
{
    const char *end = line + n;
    *count = 0;
    for (;;) {
        const char *tab = memchr(line, '\t', (size_t)(end - line));
        const char *stop = tab ? tab : end;
        if (*count < max) {
            cells[*count] = api_table_keep(set, line, (size_t)(stop - line));
        }
        (*count)++;
        if (!tab) {
            return;
        }
        line = tab + 1;
    }
}

enum { MOST_COLUMNS = 32 };

static bool
api_table_header(struct ruleset *set, struct api_table *table, const char *path, int number,
                 const char *line, size_t n)
{
    const char *cells[MOST_COLUMNS];
    size_t count;
    api_table_split(set, line, n, cells, MOST_COLUMNS, &count);
    if (count > MOST_COLUMNS) {
        diag_error("%s:%d: more than %d columns", path, number, MOST_COLUMNS);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!*cells[i] || api_table_column(table, cells[i]) >= 0) {
            diag_error("%s:%d: column %zu has no name of its own", path, number, i + 1);
            return false;
        }
        vec_push(&table->columns, cells[i]);
    }
    return true;
}

static void
api_table_add(struct api_table *table, struct api_row *row)
{
    vec_push(&table->rows, row);
    if (strchr(row->cells[0], '*')) {
        vec_push(&table->patterns, row);
    }
    map_set(&table->by_key, row->cells[0], row);
}

/* order: for each cell of the line the column it belongs to; NULL: as they stand. */
static bool
api_table_row_add(struct ruleset *set, struct api_table *table, const int *order, size_t columns,
                  const char *path, int number, const char *line, size_t n)
{
    const char *cells[MOST_COLUMNS];
    size_t count;
    api_table_split(set, line, n, cells, MOST_COLUMNS, &count);
    if (count != columns) {
        diag_error("%s:%d: %zu cells, expected %zu (separated by tabs)", path, number, count,
                   columns);
        return false;
    }
    if (!*cells[0]) {
        diag_error("%s:%d: the first cell is the key and must not be empty", path, number);
        return false;
    }
    struct api_row *row = arena_alloc(&set->arena, sizeof(*row));
    row->cells = arena_alloc(&set->arena, table->columns.n * sizeof(*row->cells));
    for (size_t i = 0; i < table->columns.n; i++) {
        row->cells[i] = "";
    }
    for (size_t i = 0; i < count; i++) {
        row->cells[order ? (size_t)order[i] : i] = strcmp(cells[i], "-") == 0 ? "" : cells[i];
    }
    if (!order && map_get(&table->by_key, row->cells[0])) {
        diag_error("%s:%d: '%s' has a row already", path, number, row->cells[0]);
        return false;
    }
    api_table_add(table, row);
    return true;
}

/* The next line of a text: its length without the end, and where the one after it starts. */
static size_t
api_table_line(const char *text, const char **next)
{
    size_t n = strcspn(text, "\n");
    *next = text[n] ? text + n + 1 : text + n;
    return n && text[n - 1] == '\r' ? n - 1 : n;
}

bool
api_table_load(struct ruleset *set, const char *path, const char *text)
{
    struct api_table *table = arena_alloc(&set->arena, sizeof(*table));
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    table->name = arena_copy(&set->arena, base, strcspn(base, "."));
    table->path = arena_string(&set->arena, path);
    vec_push(&set->tables, table);
    int number = 0;
    const char *next;
    for (const char *line = text; *line; line = next) {
        size_t n = api_table_line(line, &next);
        number++;
        if (!n || *line == '#') {
            continue;
        }
        bool ok = table->columns.n
                      ? api_table_row_add(set, table, NULL, table->columns.n, path, number, line, n)
                      : api_table_header(set, table, path, number, line, n);
        if (!ok) {
            return false;
        }
    }
    if (!table->columns.n) {
        diag_error("%s: no header line", path);
        return false;
    }
    return true;
}

/* The columns of a user's header line, as numbers of the table's columns. */
static bool
api_table_order(struct ruleset *set, const struct api_table *table, const char *path, int number,
                const char *line, size_t n, int *order, size_t *columns)
{
    const char *cells[MOST_COLUMNS];
    api_table_split(set, line, n, cells, MOST_COLUMNS, columns);
    for (size_t i = 0; i < *columns && i < MOST_COLUMNS; i++) {
        order[i] = api_table_column(table, cells[i]);
        if (order[i] < 0) {
            diag_error("%s:%d: table %s has no column '%s'", path, number, table->name, cells[i]);
            return false;
        }
    }
    if (*columns > MOST_COLUMNS || order[0] != 0) {
        diag_error("%s:%d: the first column must be '%s'", path, number, table->columns.at[0]);
        return false;
    }
    return true;
}

static bool
api_table_extend_text(struct ruleset *set, const char *path, const char *text)
{
    struct api_table *table = NULL;
    int order[MOST_COLUMNS], number = 0;
    size_t columns = 0;
    const char *next;
    for (const char *line = text; *line; line = next) {
        size_t n = api_table_line(line, &next);
        number++;
        if (str_starts(line, "# table:")) {
            const char *name = api_table_keep(set, line + 8, n - 8);
            table = NULL;
            for (size_t i = 0; i < set->tables.n; i++) {
                table = str_same(set->tables.at[i]->name, name) ? set->tables.at[i] : table;
            }
            if (!table) {
                diag_error("%s:%d: there is no table called '%s'", path, number, name);
                return false;
            }
            columns = 0;
        }
        else if (n && *line != '#') {
            if (!table) {
                diag_error("%s:%d: say first which table: a line '# table: NAME'", path, number);
                return false;
            }
            bool ok = columns ? api_table_row_add(set, table, order, columns, path, number, line, n)
                              : api_table_order(set, table, path, number, line, n, order, &columns);
            if (!ok) {
                return false;
            }
        }
    }
    return true;
}

bool
api_table_extend(struct ruleset *set, const char *path)
{
    struct str text = {0};
    if (!str_read_file(&text, path)) {
        diag_error("%s: %s", path, strerror(errno));
        return false;
    }
    bool ok = api_table_extend_text(set, path, text.s ? text.s : "");
    str_free(&text);
    return ok;
}

void
api_table_free(struct api_table *table)
{
    vec_free(&table->columns);
    vec_free(&table->rows);
    vec_free(&table->patterns);
    map_free(&table->by_key);
}

const struct api_table *
ruleset_table(const struct ruleset *set, const char *name)
{
    for (size_t i = 0; i < set->tables.n; i++) {
        if (strcmp(set->tables.at[i]->name, name) == 0) {
            return set->tables.at[i];
        }
    }
    return NULL;
}

const struct api_row *
api_table_row(const struct api_table *table, const char *key)
{
    if (!table || !key || !*key) {
        return NULL;
    }
    const struct api_row *row = map_get(&table->by_key, key);
    for (size_t i = 0; !row && i < table->patterns.n; i++) {
        const char *pattern = table->patterns.at[i]->cells[0];
        bool possible = pattern[0] == key[0] || strchr("*?[\\", pattern[0]);
        row = possible && str_glob(pattern, key) ? table->patterns.at[i] : NULL;
    }
    return row;
}

int
api_table_column(const struct api_table *table, const char *column)
{
    for (size_t i = 0; i < table->columns.n; i++) {
        if (strcmp(table->columns.at[i], column) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const char *
api_table_cell(const struct api_table *table, const char *key, const char *column)
{
    const struct api_row *row = api_table_row(table, key);
    int i = row ? api_table_column(table, column) : -1;
    return i >= 0 ? row->cells[i] : NULL;
}

bool
api_table_has(const struct api_table *table, const char *key)
{
    return api_table_row(table, key) != NULL;
}
