/* The end of the full report: what each module is ready for, and what was not analysed. */
#include "report/verdicts.h"

#include <string.h>

#include "report/snippet.h"
#include "report/text.h"

enum { GAPS_SHOWN = 20 }; /* per module */
enum { MODULE, TARGET, VERDICT, DECIDED, COLUMNS };

struct verdict_row {
    struct str cell[COLUMNS];
    enum verdict verdict;
};

typedef VEC(struct verdict_row) verdict_rows;

static void
verdict_add_why(struct str *out, const struct module_verdict *v)
{
    bool reason = v->reason && v->reason[0];
    if (v->deciding) {
        const struct finding *f = v->deciding;
        str_addf(out, "%s ", f->rule->id);
        text_add_visible(out, f->place.file);
        str_addf(out, ":%d%s", f->place.line, reason ? ": " : "");
    }
    if (reason) {
        text_add_visible(out, v->reason);
    }
    if (!out->n) {
        str_addc(out, '-');
    }
}

static void
verdict_add_rows(verdict_rows *rows, const struct module_result *module,
                 const struct report_options *options)
{
    bool first = true;
    for (int t = 0; t < TARGETS; t++) {
        const struct module_verdict *v = &module->verdict[t];
        if (!v->asked || !report_asked(options, (enum target)t)) {
            continue;
        }
        struct verdict_row row = {.verdict = v->verdict};
        str_add(&row.cell[MODULE], "");
        if (first) {
            text_add_visible(&row.cell[MODULE], module->name);
        }
        first = false;
        str_add(&row.cell[TARGET], target_name((enum target)t));
        str_add(&row.cell[VERDICT], verdict_name(v->verdict));
        verdict_add_why(&row.cell[DECIDED], v);
        vec_push(rows, row);
    }
}

static void
verdict_write_row(const struct verdict_row *row, const int *widths, const char *color,
                  const char *off, FILE *out)
{
    for (int c = 0; c < COLUMNS; c++) {
        const char *text = row->cell[c].s;
        bool painted = c == VERDICT;
        int padding = c == COLUMNS - 1 ? 0 : widths[c] - text_visible_width(text) + 2;
        fprintf(out, "%s%s%s%*s", painted ? color : "", text, painted ? off : "", padding, "");
    }
    fputc('\n', out);
}

void
verdicts_write(const struct findings *findings, const struct report_options *options, FILE *out)
{
    static const char *const titles[COLUMNS] = {"module", "target", "verdict", "decided by"};
    const struct palette *palette = palette_get(options->color);
    verdict_rows rows = {0};
    struct verdict_row head = {0};
    for (int c = 0; c < COLUMNS; c++) {
        str_add(&head.cell[c], titles[c]);
    }
    vec_push(&rows, head);
    for (size_t i = 0; i < findings->modules.n; i++) {
        verdict_add_rows(&rows, &findings->modules.at[i], options);
    }
    int widths[COLUMNS] = {0};
    for (size_t i = 0; i < rows.n; i++) {
        for (int c = 0; c < COLUMNS; c++) {
            int width = text_visible_width(rows.at[i].cell[c].s);
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    for (size_t i = 0; i < rows.n && rows.n > 1; i++) {
        const char *color = i ? palette->verdict[rows.at[i].verdict] : "";
        verdict_write_row(&rows.at[i], widths, color, i ? palette->off : "", out);
    }
    for (size_t i = 0; i < rows.n; i++) {
        for (int c = 0; c < COLUMNS; c++) {
            str_free(&rows.at[i].cell[c]);
        }
    }
    vec_free(&rows);
}

void
verdicts_write_lines(const struct findings *findings, const struct report_options *options,
                     FILE *out)
{
    struct str line = {0};
    for (size_t i = 0; i < findings->modules.n; i++) {
        const struct module_result *m = &findings->modules.at[i];
        for (int t = 0; t < TARGETS; t++) {
            const struct module_verdict *v = &m->verdict[t];
            if (!v->asked || !report_asked(options, (enum target)t)) {
                continue;
            }
            struct str why = {0};
            verdict_add_why(&why, v);
            str_clear(&line);
            text_add_visible(&line, m->name);
            str_addf(&line, ": %s: %s", target_name((enum target)t), verdict_name(v->verdict));
            if (!str_same(why.s, "-")) {
                str_addf(&line, " (%s)", why.s);
            }
            str_addc(&line, '\n');
            fwrite(line.s, 1, line.n, out);
            str_free(&why);
        }
        for (size_t k = 0; k < m->missing.n && k < GAPS_SHOWN; k++) {
            str_clear(&line);
            text_add_visible(&line, m->name);
            str_add(&line, ": not analysed: ");
            text_add_visible(&line, m->missing.at[k]);
            str_addc(&line, '\n');
            fwrite(line.s, 1, line.n, out);
        }
    }
    str_free(&line);
}

static void
verdict_write_line(FILE *out, bool *any, const char *what, const char *text, const char *tail)
{
    struct str line = {0};
    if (!*any) {
        str_add(&line, "\nnot analysed:\n");
        *any = true;
    }
    str_add(&line, "  ");
    text_add_visible(&line, what);
    str_add(&line, ": ");
    text_add_visible(&line, text ? text : "no reason known");
    str_addf(&line, "%s\n", tail);
    fwrite(line.s, 1, line.n, out);
    str_free(&line);
}

/* Is it about one of the files that failed, which are listed already? */
static bool
verdict_is_known_failure(const struct shown *shown, const char *missing)
{
    for (size_t i = 0; i < shown->failed.n; i++) {
        const char *file = shown->failed.at[i].file;
        if (str_starts(missing, file) && missing[strlen(file)] == ':') {
            return true;
        }
    }
    return false;
}

void
verdicts_write_gaps(const struct findings *findings, const struct shown *shown, FILE *out)
{
    bool any = false;
    for (size_t i = 0; i < shown->failed.n; i++) {
        const struct failed_file *f = &shown->failed.at[i];
        verdict_write_line(out, &any, f->file, f->reason, f->partial ? " (analysed in part)" : "");
    }
    for (size_t i = 0; i < findings->modules.n; i++) {
        const struct module_result *m = &findings->modules.at[i];
        int listed = 0, more = 0;
        for (size_t k = 0; k < m->missing.n; k++) {
            bool known = verdict_is_known_failure(shown, m->missing.at[k]);
            if (!known && listed++ < GAPS_SHOWN) {
                verdict_write_line(out, &any, m->name, m->missing.at[k], "");
            }
            else if (!known) {
                more++;
            }
        }
        if (more) {
            struct str text = {0};
            str_addf(&text,
                     "and %d more; --trusted 'PATTERN' takes functions of reviewed "
                     "libraries as analysed, --format json lists all",
                     more);
            verdict_write_line(out, &any, m->name, text.s, "");
            str_free(&text);
        }
    }
    for (size_t i = 0; i < findings->notes.n; i++) {
        struct str line = {0};
        str_add(&line, i ? "  " : "\nremarks:\n  ");
        text_add_visible(&line, findings->notes.at[i]);
        fprintf(out, "%s\n", line.s);
        str_free(&line);
    }
}
