#include "report/report.h"

#include <string.h>

#include "report/shared.h"
#include "report/text.h"

static const struct {
    const char *name;
    report_fn *fn;
} reports[] = {
    {"full", report_full},   {"concise", report_concise}, {"json", report_json},
    {"sarif", report_sarif}, {"github", report_github},   {"gitlab", report_gitlab},
    {"junit", report_junit},
};

report_fn *
report_named(const char *name)
{
    for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
        if (str_same(reports[i].name, name)) {
            return reports[i].fn;
        }
    }
    return NULL;
}

const char *
report_names(void)
{
    return "full, concise, json, sarif, github, gitlab, junit";
}

static void
closing_add_summary(struct str *out, const struct findings *findings)
{
    struct counts c = {0};
    counts_take(&c, findings);
    report_add_count(out, c.blockers, "blocker");
    str_add(out, ", ");
    report_add_count(out, c.hazards, "hazard");
    str_add(out, ", ");
    str_addf(out, "%zu advice", c.advice);
    if (c.suppressed || c.baseline) {
        str_addf(out, " (%zu suppressed, %zu in baseline)", c.suppressed, c.baseline);
    }
    if (findings->unused_suppressions > 0) {
        str_add(out, ", ");
        report_add_count(out, (size_t)findings->unused_suppressions, "unused suppression");
    }
    if (findings->stale_baseline > 0) {
        str_add(out, ", ");
        report_add_count(out, (size_t)findings->stale_baseline, "stale baseline row");
    }
    str_addc(out, '\n');
}

/* `, 3 failed: a.c (reason), b.c (reason)` for files that failed whole or in part. */
static void
closing_add_failed(struct str *out, const struct shown *shown, bool partial, const char *what)
{
    size_t n = 0;
    for (size_t i = 0; i < shown->failed.n; i++) {
        n += shown->failed.at[i].partial == partial;
    }
    if (!n) {
        return;
    }
    str_addf(out, ", %zu %s:", n, what);
    const char *between = " ";
    for (size_t i = 0; i < shown->failed.n; i++) {
        const struct failed_file *f = &shown->failed.at[i];
        if (f->partial == partial) {
            str_add(out, between);
            text_add_visible(out, f->file);
            str_add(out, " (");
            text_add_visible(out, f->reason ? f->reason : "no reason known");
            str_add(out, ")");
            between = ", ";
        }
    }
}

struct rule_count {
    const struct rule *rule;
    enum severity worst;
    size_t n;
};

static int
closing_compare_rules(const void *a, const void *b)
{
    const struct finding *left = *(const struct finding *const *)a;
    const struct finding *right = *(const struct finding *const *)b;
    return strcmp(left->rule->id, right->rule->id);
}

static int
closing_compare_counts(const void *a, const void *b)
{
    const struct rule_count *left = a, *right = b;
    if (left->n != right->n) {
        return left->n > right->n ? -1 : 1;
    }
    return strcmp(left->rule->id, right->rule->id);
}

/* Changes the order of shown->all. */
static void
closing_add_statistics(struct str *out, struct shown *shown)
{
    VEC(struct rule_count) counts = {0};
    if (shown->all.n) {
        qsort(shown->all.at, shown->all.n, sizeof(shown->all.at[0]), closing_compare_rules);
    }
    for (size_t i = 0; i < shown->all.n; i++) {
        const struct finding *f = shown->all.at[i];
        if (!counts.n || !str_same(counts.at[counts.n - 1].rule->id, f->rule->id)) {
            struct rule_count count = {.rule = f->rule};
            vec_push(&counts, count);
        }
        struct rule_count *count = &counts.at[counts.n - 1];
        count->n++;
        count->worst = f->worst > count->worst ? f->worst : count->worst;
    }
    if (counts.n) {
        qsort(counts.at, counts.n, sizeof(counts.at[0]), closing_compare_counts);
    }
    for (size_t i = 0; i < counts.n; i++) {
        str_addf(out, "%6zu  %-7s  %s %s\n", counts.at[i].n, severity_name(counts.at[i].worst),
                 counts.at[i].rule->id, counts.at[i].rule->name);
    }
    vec_free(&counts);
}

void
report_closing(const struct findings *findings, const struct report_options *options, FILE *out)
{
    struct str text = {0};
    struct shown shown = {0};
    shown_select(&shown, findings, false);
    if (options->statistics) {
        closing_add_statistics(&text, &shown);
    }
    if (!options->quiet) {
        closing_add_summary(&text, findings);
    }
    str_addf(&text, "analysed %d/%d files", findings->files_analysed, findings->files_total);
    closing_add_failed(&text, &shown, false, "failed");
    closing_add_failed(&text, &shown, true, "in part");
    str_addc(&text, '\n');
    fwrite(text.s, 1, text.n, out);
    str_free(&text);
    shown_free(&shown);
}
