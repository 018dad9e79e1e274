/* Text like that of the best compilers: one block per finding, then the verdicts. */
#include "report/notes.h"
#include "report/report.h"
#include "report/shared.h"
#include "report/snippet.h"
#include "report/text.h"
#include "report/verdicts.h"

struct full {
    const struct palette *palette;
    struct source_lines lines;
    struct str text; /* the block that is being put together */
};

static void
full_add_place(struct full *r, const struct place *place)
{
    str_add(&r->text, r->palette->bold);
    text_add_visible(&r->text, place->file);
    if (place->line > 0) {
        str_addf(&r->text, ":%d", place->line);
        if (place->column > 0) {
            str_addf(&r->text, ":%d", place->column);
        }
    }
    str_addf(&r->text, ":%s ", r->palette->off);
}

/* `     = label: text` under a snippet. */
static void
full_add_remark(struct full *r, int gutter, const char *color, const char *label, const char *text)
{
    str_addf(&r->text, "%s%*s =%s %s%s:%s ", r->palette->dim, gutter, "", r->palette->off, color,
             label, r->palette->off);
    text_add_visible(&r->text, text);
    str_addc(&r->text, '\n');
}

static void
full_add_head(struct full *r, const struct finding *f)
{
    const struct palette *p = r->palette;
    full_add_place(r, &f->place);
    str_addf(&r->text, "%s%s%s[", p->severity[f->worst], severity_name(f->worst), p->off);
    report_add_targets(&r->text, f, f->worst);
    str_addf(&r->text, "]: %s", p->bold);
    text_add_visible(&r->text, f->message);
    str_addf(&r->text, "%s [%s %s]\n", p->off, f->rule->id, f->rule->name);
}

/* The targets for which it is less than the worst: `hazard for shared-gil; advice for reload`. */
static void
full_add_lesser(struct full *r, const struct finding *f, int gutter)
{
    struct str also = {0};
    for (int s = (int)f->worst - 1; s >= SEVERITY_ADVICE; s--) {
        struct str targets = {0};
        report_add_targets(&targets, f, (enum severity)s);
        if (targets.n) {
            str_addf(&also, "%s%s for %s", also.n ? "; " : "", severity_name((enum severity)s),
                     targets.s);
        }
        str_free(&targets);
    }
    if (also.n) {
        full_add_remark(r, gutter, "", "also", also.s);
    }
    str_free(&also);
}

static void
full_add_remarks(struct full *r, const struct finding *f, int gutter)
{
    full_add_lesser(r, f, gutter);
    if (f->rule->confidence != CONFIDENCE_HIGH) {
        full_add_remark(r, gutter, "", "confidence", confidence_name(f->rule->confidence));
    }
    if (f->fix && f->fix[0]) {
        full_add_remark(r, gutter, r->palette->fix, "fix", f->fix);
    }
    if (f->suppression != NOT_SUPPRESSED) {
        const char *label = f->suppression == SUPPRESSED_IN_SOURCE ? "suppressed" : "in baseline";
        full_add_remark(r, gutter, "", label, f->reason ? f->reason : "no reason given");
    }
}

static int
full_gutter(const struct finding *f)
{
    int gutter = snippet_gutter(f->place.line);
    for (size_t i = 0; i < f->related.n; i++) {
        int other = snippet_gutter(f->related.at[i].place.line);
        gutter = other > gutter ? other : gutter;
    }
    return gutter;
}

static void
full_add_finding(struct full *r, const struct finding *f)
{
    int gutter = full_gutter(f);
    const char *line =
        f->line_text ? f->line_text : source_line(&r->lines, f->place.file, f->place.line);
    full_add_head(r, f);
    snippet_add(&r->text, &f->place, line, gutter, r->palette, r->palette->severity[f->worst]);
    full_add_remarks(r, f, gutter);
    for (size_t i = 0; i < f->related.n; i++) {
        const struct related *related = &f->related.at[i];
        full_add_place(r, &related->place);
        str_add(&r->text, "note: ");
        text_add_visible(&r->text, related->text);
        str_addc(&r->text, '\n');
        snippet_add(&r->text, &related->place,
                    source_line(&r->lines, related->place.file, related->place.line), gutter,
                    r->palette, r->palette->severity[SEVERITY_ADVICE]);
    }
    str_addc(&r->text, '\n');
}

void
report_full(const struct findings *findings, const struct ruleset *rules,
            const struct report_options *options, FILE *out)
{
    (void)rules;
    struct full r = {.palette = palette_get(options->color)};
    struct shown shown = {0};
    shown_select(&shown, findings, options->show_suppressed);
    for (size_t i = 0; i < shown.all.n; i++) {
        str_clear(&r.text);
        full_add_finding(&r, shown.all.at[i]);
        fwrite(r.text.s, 1, r.text.n, out);
    }
    if (options->quiet) {
        notes_write_lines(findings, out);
    }
    else {
        notes_write(findings, out);
        verdicts_write(findings, options, out);
        verdicts_write_gaps(findings, &shown, out);
    }
    str_free(&r.text);
    source_lines_free(&r.lines);
    shown_free(&shown);
}
