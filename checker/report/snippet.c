#include "report/snippet.h"

#include <stdio.h>
#include <string.h>

#include "report/text.h"

enum {
    TAB_STOP = 8,
    WINDOW = 150, /* columns shown of a long line */
    BEFORE = 60,  /* of these in front of the caret */
};

static const struct palette plain = {
    .bold = "",
    .dim = "",
    .fix = "",
    .off = "",
    .severity = {"", "", "", ""},
    .verdict = {"", "", "", "", ""},
};

static const struct palette colored = {
    .bold = "\33[1m",
    .dim = "\33[2m",
    .fix = "\33[32m",
    .off = "\33[0m",
    .severity = {"", "\33[1;36m", "\33[1;33m", "\33[1;31m"},
    .verdict = {"\33[32m", "\33[33m", "\33[33m", "\33[1;31m", "\33[35m"},
};

const struct palette *
palette_get(bool color)
{
    return color ? &colored : &plain;
}

int
snippet_gutter(int line)
{
    int width = 1;
    for (; line > 9; line /= 10) {
        width++;
    }
    return width < 4 ? 4 : width;
}

/* One code point as it is shown: its text, and where the next one starts on the screen. */
static int
snippet_cell(struct str *cell, unsigned code, int column)
{
    str_clear(cell);
    if (code == '\t') {
        int n = TAB_STOP - column % TAB_STOP;
        str_addf(cell, "%*s", n, "");
        return column + n;
    }
    if (text_is_control(code)) {
        str_addf(cell, "<U+%04X>", code);
        return column + (int)cell->n;
    }
    text_add_code_point(cell, code);
    return column + text_width(code);
}

struct snippet_range {
    int from, to, total; /* screen columns from 0; to is one past the last */
};

static struct snippet_range
snippet_measure(const struct place *place, const char *line)
{
    struct snippet_range range = {.from = -1, .to = -1};
    struct str cell = {0};
    size_t n = strlen(line);
    struct place whole = *place;
    size_t indent = strspn(line, " \t");
    if (place->column <= 1 && place->end_column <= 1 && indent && indent < n) {
        /* Only the line is known: its text, not its indentation. */
        whole.column = (int)indent + 1;
        whole.end_column = (int)n + 1;
        place = &whole;
    }
    for (size_t at = 0; at <= n;) {
        if (range.from < 0 && place->column > 0 && at + 1 >= (size_t)place->column) {
            range.from = range.total;
        }
        if (range.to < 0 && place->end_column > 0 && at + 1 >= (size_t)place->end_column) {
            range.to = range.total;
        }
        if (at == n) {
            break;
        }
        unsigned code;
        at += text_next(line + at, n - at, &code);
        range.total = snippet_cell(&cell, code, range.total);
    }
    if (range.to < 0 && place->end_column > 0) {
        range.to = range.total; /* the range goes on in the next line */
    }
    if (range.from >= 0 && range.to <= range.from) {
        range.to = range.from + 1;
    }
    str_free(&cell);
    return range;
}

/* Adds the columns first..last of the line. */
static void
snippet_add_window(struct str *out, const char *line, int first, int last)
{
    struct str cell = {0};
    size_t n = strlen(line);
    int column = 0;
    for (size_t at = 0; at < n && column < last;) {
        unsigned code;
        at += text_next(line + at, n - at, &code);
        int next = snippet_cell(&cell, code, column);
        if (column >= first && next <= last) {
            str_add(out, cell.s);
        }
        else if (next > first && next <= last) {
            str_addf(out, "%*s", next - first, ""); /* half a wide one: keep the columns right */
        }
        column = next;
    }
    str_free(&cell);
}

static void
snippet_trim(struct str *out)
{
    while (out->n && out->s[out->n - 1] == ' ') {
        out->s[--out->n] = '\0';
    }
}

void
snippet_add(struct str *out, const struct place *place, const char *line_text, int gutter,
            const struct palette *palette, const char *color)
{
    if (!line_text) {
        return;
    }
    struct snippet_range range = snippet_measure(place, line_text);
    int first = 0, last = range.total;
    if (range.total > WINDOW) {
        first = range.from + 20 > WINDOW ? range.from - BEFORE : 0;
        last = first + WINDOW;
    }
    str_addf(out, "%s%*d |%s ", palette->dim, gutter, place->line, palette->off);
    str_add(out, first > 0 ? "..." : "");
    snippet_add_window(out, line_text, first, last);
    str_add(out, last < range.total ? "..." : "");
    snippet_trim(out);
    str_addc(out, '\n');
    if (range.from < 0) {
        return;
    }
    int to = range.to < last ? range.to : last;
    to = to > range.from ? to : range.from + 1;
    str_addf(out, "%s%*s |%s %*s%s^", palette->dim, gutter, "", palette->off,
             range.from - first + (first > 0 ? 3 : 0), "", color);
    for (int i = range.from + 1; i < to; i++) {
        str_addc(out, '~');
    }
    str_addf(out, "%s\n", palette->off);
}
