/* GitHub's workflow commands: annotations without an upload, so private repositories have them. */
#include <string.h>

#include "report/report.h"
#include "report/shared.h"
#include "report/text.h"

/* GitHub shows this many annotations per step of each level and drops the rest silently. */
enum { LIMIT = 10 };

/* Values of workflow commands: '%' and line ends are encoded, in a property ':' and ',' too. Other
 * control characters would reach the log's terminal. */
static void
github_add(struct str *out, const char *s, bool property)
{
    size_t n = s ? strlen(s) : 0;
    for (size_t at = 0; at < n;) {
        unsigned code;
        at += text_next(s + at, n - at, &code);
        if (code == '%' || code == '\r' || code == '\n' ||
            (property && (code == ':' || code == ','))) {
            str_addf(out, "%%%02X", code);
        }
        else if (text_is_control(code)) {
            str_addf(out, "<U+%04X>", code);
        }
        else {
            text_add_code_point(out, code);
        }
    }
}

static const char *
github_level(enum severity severity)
{
    return severity == SEVERITY_BLOCKER  ? "error"
           : severity == SEVERITY_HAZARD ? "warning"
                                         : "notice";
}

static void
github_add_file(struct str *out, const char *file, const struct report_options *options)
{
    struct str path = {0};
    path_add(&path, file, options->root);
    github_add(out, path.s, true);
    str_free(&path);
}

static void
github_add_finding(struct str *out, const struct finding *f, const struct report_options *options,
                   struct source_lines *lines)
{
    const char *line =
        f->line_text ? f->line_text : source_line(lines, f->place.file, f->place.line);
    str_addf(out, "::%s file=", github_level(f->worst));
    github_add_file(out, f->place.file, options);
    if (f->place.line > 0) {
        str_addf(out, ",line=%d,endLine=%d", f->place.line, f->place.line);
    }
    int start, end;
    report_columns(&f->place, line, &start, &end);
    if (f->place.line > 0 && start) {
        str_addf(out, ",col=%d", start);
        if (end) {
            /* GitHub's last column is part of the range. */
            str_addf(out, ",endColumn=%d", end - 1);
        }
    }
    str_add(out, ",title=");
    github_add(out, f->rule->id, true);
    str_addc(out, ' ');
    github_add(out, f->rule->name, true);
    str_add(out, "::");
    github_add(out, f->message, false);
    if (f->fix && f->fix[0]) {
        str_add(out, "%0AFix: ");
        github_add(out, f->fix, false);
    }
    str_add(out, "%0ABreaks: ");
    for (int s = SEVERITY_BLOCKER; s >= SEVERITY_ADVICE; s--) {
        struct str targets = {0};
        report_add_targets(&targets, f, (enum severity)s);
        if (targets.n) {
            str_addf(out, "%s%s (%s)", s < (int)f->worst ? "; " : "", targets.s,
                     severity_name((enum severity)s));
        }
        str_free(&targets);
    }
    str_addc(out, '\n');
}

static void
github_add_failed(struct str *out, const struct failed_file *f,
                  const struct report_options *options)
{
    str_add(out, "::error file=");
    github_add_file(out, f->file, options);
    str_addf(out, ",title=extcheck%%3A %s::", f->partial ? "analysed in part" : "not analysed");
    github_add(out, f->reason ? f->reason : "no reason known", false);
    str_addc(out, '\n');
}

/* Said as a notice in front of the other notices, because the eleventh would be dropped too. */
static void
github_add_dropped(struct str *out, const size_t *counts)
{
    size_t dropped[SEVERITY_BLOCKER + 1] = {0}, total = 0;
    for (int s = SEVERITY_ADVICE; s <= SEVERITY_BLOCKER; s++) {
        dropped[s] = counts[s] > LIMIT ? counts[s] - LIMIT : 0;
        total += dropped[s];
    }
    if (!total) {
        return;
    }
    if (counts[SEVERITY_ADVICE] >= LIMIT) {
        /* This notice takes the place of one more. */
        dropped[SEVERITY_ADVICE] = counts[SEVERITY_ADVICE] - LIMIT + 1;
    }
    str_addf(out,
             "::notice title=extcheck%%3A more findings than GitHub shows::GitHub shows %d "
             "annotations of each level per step; not shown as annotations: %zu errors, %zu "
             "warnings, %zu notices. All of them are in the log of this step.\n",
             LIMIT, dropped[SEVERITY_BLOCKER], dropped[SEVERITY_HAZARD], dropped[SEVERITY_ADVICE]);
}

void
report_github(const struct findings *findings, const struct ruleset *rules,
              const struct report_options *options, FILE *out)
{
    (void)rules;
    struct shown shown = {0};
    struct str text = {0};
    struct source_lines lines = {0};
    size_t counts[SEVERITY_BLOCKER + 1] = {0};
    shown_select(&shown, findings, false);
    shown_sort_by_severity(&shown);
    for (size_t i = 0; i < shown.failed.n; i++) {
        github_add_failed(&text, &shown.failed.at[i], options);
    }
    counts[SEVERITY_BLOCKER] = shown.failed.n;
    for (size_t i = 0; i < shown.all.n; i++) {
        counts[shown.all.at[i]->worst]++;
    }
    bool said = false;
    for (size_t i = 0; i < shown.all.n; i++) {
        if (!said && shown.all.at[i]->worst == SEVERITY_ADVICE) {
            github_add_dropped(&text, counts);
            said = true;
        }
        github_add_finding(&text, shown.all.at[i], options, &lines);
    }
    if (!said) {
        github_add_dropped(&text, counts);
    }
    fwrite(text.n ? text.s : "", 1, text.n, out);
    str_free(&text);
    source_lines_free(&lines);
    shown_free(&shown);
}
