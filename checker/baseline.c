#include "baseline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/shared.h"
#include "rules/suppress.h"

static const char first_line[] = "# extcheck baseline 1";
static const char columns[] = "rule\tfile\tsymbol\ttext\tcount";

const char *
baseline_file(struct arena *arena, const char *file, const char *root)
{
    struct str path = {0};
    path_add(&path, file, root);
    const char *copy = arena_string(arena, path.n ? path.s : "");
    str_free(&path);
    return copy;
}

/* Runs of white space become one blank, so that no cell holds a tab or a line break. */
static const char *
baseline_squeeze(struct arena *arena, const char *s)
{
    struct str out = {0};
    for (const char *p = s ? s : ""; *p; p++) {
        bool blank = strchr(" \t\r\n\v\f", *p);
        if (!blank) {
            str_addc(&out, *p);
        }
        else if (out.n && out.s[out.n - 1] != ' ') {
            str_addc(&out, ' ');
        }
    }
    while (out.n && out.s[out.n - 1] == ' ') {
        out.s[--out.n] = '\0';
    }
    const char *copy = arena_string(arena, out.n ? out.s : "");
    str_free(&out);
    return copy;
}

static const char *
baseline_key(struct arena *arena, const char *rule, const char *file, const char *symbol,
             const char *text)
{
    return arena_printf(arena, "%s\t%s\t%s\t%s", rule, file, symbol, text);
}

static struct baseline_row *
baseline_row(struct baseline *b, const char *rule, const char *file, const char *symbol,
             const char *text)
{
    const char *key = baseline_key(&b->arena, rule, file, symbol, text);
    struct baseline_row *row = map_get(&b->by_key, key);
    if (!row) {
        row = arena_alloc(&b->arena, sizeof(*row));
        *row = (struct baseline_row){rule, file, symbol, text, 0, 0, 0};
        map_set(&b->by_key, key, row);
        vec_push(&b->rows, row);
    }
    return row;
}

static struct baseline_row *
baseline_row_of(struct baseline *b, const struct finding *f, const char *root)
{
    return baseline_row(b, f->rule->id, baseline_file(&b->arena, f->place.file, root),
                        baseline_squeeze(&b->arena, f->symbol),
                        baseline_squeeze(&b->arena, f->line_text));
}

/* What the checker says about its own comments is not to be put off. */
static bool
baseline_takes(const struct finding *f)
{
    return f->suppression != SUPPRESSED_IN_SOURCE && !str_starts(f->rule->id, "META");
}

/* ---- reading --------------------------------------------------------------------------------- */

/* NULL, or what is wrong with the row. */
static const char *
baseline_read_row(struct baseline *b, char *line)
{
    char *cells[5];
    size_t n = 0;
    for (char *at = line; at && n < 5; n++) {
        cells[n] = at;
        at = strchr(at, '\t');
        if (at) {
            *at++ = '\0';
        }
        if (n == 4 && at) {
            return "more than 5 cells";
        }
    }
    if (n < 5) {
        return "fewer than 5 cells";
    }
    int count = 0, used = 0;
    if (sscanf(cells[4], "%9d%n", &count, &used) != 1 || cells[4][used] || count < 1) {
        return "the last cell is no count";
    }
    baseline_row(b, cells[0], cells[1], cells[2], cells[3])->count += count;
    return NULL;
}

bool
baseline_read(struct baseline *b, const char *path)
{
    struct str text = {0};
    if (!str_read_file(&text, path)) {
        diag_error("baseline %s: %s; `extcheck --write-baseline %s FILE...` makes one", path,
                   strerror(errno), path);
        str_free(&text);
        return false;
    }
    int number = 0;
    const char *wrong = NULL;
    for (const char *line = text.n ? text.s : ""; !wrong && (*line || number == 0);) {
        size_t n = strcspn(line, "\n");
        char *copy = arena_copy(&b->arena, line, n && line[n - 1] == '\r' ? n - 1 : n);
        number++;
        if (number == 1 && strcmp(copy, first_line) != 0) {
            wrong = "not a baseline of this version; expected '# extcheck baseline 1'";
        }
        else if (*copy && *copy != '#' && strcmp(copy, columns) != 0) {
            wrong = baseline_read_row(b, copy);
        }
        line += n + (line[n] == '\n');
    }
    if (wrong) {
        diag_error("baseline %s:%d: %s", path, number, wrong);
    }
    str_free(&text);
    return !wrong;
}

/* ---- matching -------------------------------------------------------------------------------- */

void
baseline_apply(struct baseline *b, struct findings *findings, const char *root)
{
    for (size_t i = 0; i < b->rows.n; i++) {
        b->rows.at[i]->now = 0;
    }
    for (size_t i = 0; i < findings->all.n; i++) {
        struct finding *f = findings->all.at[i];
        if (!baseline_takes(f)) {
            continue;
        }
        struct baseline_row *row = baseline_row_of(b, f, root);
        if (row->now < row->count) {
            row->now++;
            f->suppression = SUPPRESSED_BY_BASELINE;
            f->reason = "in the baseline";
        }
    }
    for (size_t i = 0; i < b->rows.n; i++) {
        struct baseline_row *row = b->rows.at[i];
        row->used = row->now > row->used ? row->now : row->used;
    }
}

/* How many of the row's findings are gone, as far as this run can tell. */
static int
baseline_gone(const struct baseline_row *row, const struct baseline_scope *scope)
{
    const struct rule *rule = ruleset_find(scope->rules, row->rule);
    bool reported = !rule || (rule_is_reported(rule, scope->options) &&
                              !rule_is_ignored_in(scope->options, rule, row->file));
    bool analysed = map_get(scope->files, row->file) != NULL;
    struct str path = {0};
    if (scope->root && row->file[0] != '/') {
        str_addf(&path, "%s/", scope->root);
    }
    str_add(&path, row->file);
    bool deleted = !analysed && access(path.s, F_OK) != 0;
    str_free(&path);
    return reported && (analysed || deleted) ? row->count - row->used : 0;
}

int
baseline_report_stale(const struct baseline *b, const struct baseline_scope *scope,
                      const char *path)
{
    enum { SHOWN = 10 };
    int stale = 0;
    for (size_t i = 0; i < b->rows.n; i++) {
        const struct baseline_row *row = b->rows.at[i];
        int gone = baseline_gone(row, scope);
        if (gone > 0 && ++stale <= SHOWN) {
            diag_warning("stale row in %s: %s %s %s: %d of %d gone", path, row->rule, row->file,
                         row->symbol, gone, row->count);
        }
    }
    if (stale > SHOWN) {
        diag_warning("and %d more; --baseline-prune removes them", stale - SHOWN);
    }
    return stale;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int
baseline_compare(const void *a, const void *b)
{
    const struct baseline_row *x = *(struct baseline_row *const *)a;
    const struct baseline_row *y = *(struct baseline_row *const *)b;
    int order = strcmp(x->file, y->file);
    order = order ? order : strcmp(x->rule, y->rule);
    order = order ? order : strcmp(x->symbol, y->symbol);
    return order ? order : strcmp(x->text, y->text);
}

static bool
baseline_print(struct baseline_row **rows, size_t n, const char *path)
{
    FILE *out = fopen(path, "wb");
    if (!out) {
        return false;
    }
    fprintf(out, "%s\n%s\n", first_line, columns);
    for (size_t i = 0; i < n; i++) {
        if (rows[i]->count > 0) {
            fprintf(out, "%s\t%s\t%s\t%s\t%d\n", rows[i]->rule, rows[i]->file, rows[i]->symbol,
                    rows[i]->text, rows[i]->count);
        }
    }
    bool good = fflush(out) == 0 && !ferror(out);
    int why = errno;
    if (fclose(out) != 0) {
        return false;
    }
    errno = good ? errno : why;
    return good;
}

/* Through a temporary file, so that a full disk does not cost the old baseline. Only a regular file
 * is replaced in this way: a device or a FIFO is written to, and a symbolic link stays one. */
static bool
baseline_save(struct baseline_row **rows, size_t n, const char *path)
{
    struct stat st, link;
    char *real = realpath(path, NULL);
    bool there = stat(path, &st) == 0;
    bool dangling = !there && lstat(path, &link) == 0;
    bool good;
    if (dangling || (there && (!S_ISREG(st.st_mode) || !real))) {
        good = baseline_print(rows, n, path);
    }
    else {
        struct str part = {0};
        str_addf(&part, "%s.%ld", real ? real : path, (long)getpid());
        good = baseline_print(rows, n, part.s) && (!there || chmod(part.s, st.st_mode) == 0) &&
               rename(part.s, real ? real : path) == 0;
        if (!good) {
            int why = errno;
            remove(part.s);
            errno = why;
        }
        str_free(&part);
    }
    if (!good) {
        diag_error("baseline %s cannot be written: %s", path, strerror(errno));
    }
    free(real);
    return good;
}

bool
baseline_prune(const struct baseline *b, const struct baseline_scope *scope, const char *path)
{
    VEC(struct baseline_row *) kept = {0};
    for (size_t i = 0; i < b->rows.n; i++) {
        struct baseline_row *row = b->rows.at[i];
        row->count -= baseline_gone(row, scope);
        if (row->count > 0) {
            vec_push(&kept, row);
        }
    }
    bool good = baseline_save(kept.at, kept.n, path);
    vec_free(&kept);
    return good;
}

bool
baseline_write(const struct findings *findings, const char *root, const char *path, int *n)
{
    struct baseline b = {0};
    *n = 0;
    for (size_t i = 0; i < findings->all.n; i++) {
        const struct finding *f = findings->all.at[i];
        if (baseline_takes(f)) {
            baseline_row_of(&b, f, root)->count++;
            ++*n;
        }
    }
    if (b.rows.n) {
        qsort(b.rows.at, b.rows.n, sizeof(*b.rows.at), baseline_compare);
    }
    bool good = baseline_save(b.rows.at, b.rows.n, path);
    baseline_free(&b);
    return good;
}

void
baseline_free(struct baseline *b)
{
    vec_free(&b->rows);
    map_free(&b->by_key);
    arena_free(&b->arena);
}
