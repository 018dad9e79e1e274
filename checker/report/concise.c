/* One line per finding, as editors expect it, file:line:col: severity: targets: text [ID], and one
 * per module and target: MODULE: target: verdict (what decides it). */
#include "report/notes.h"
#include "report/report.h"
#include "report/shared.h"
#include "report/text.h"
#include "report/verdicts.h"

void
report_concise(const struct findings *findings, const struct ruleset *rules,
               const struct report_options *options, FILE *out)
{
    (void)rules;
    struct shown shown = {0};
    struct str line = {0};
    shown_select(&shown, findings, options->show_suppressed);
    for (size_t i = 0; i < shown.all.n; i++) {
        const struct finding *f = shown.all.at[i];
        str_clear(&line);
        text_add_visible(&line, f->place.file);
        /* Editors want both numbers; 1 where a finding is about a whole file. */
        str_addf(&line, ":%d:%d: %s: ", f->place.line > 0 ? f->place.line : 1,
                 f->place.column > 0 ? f->place.column : 1, severity_name(f->worst));
        report_add_targets(&line, f, f->worst);
        str_add(&line, ": ");
        text_add_visible(&line, f->message);
        str_addf(&line, " [%s]%s\n", f->rule->id,
                 f->suppression == SUPPRESSED_IN_SOURCE     ? " (suppressed)"
                 : f->suppression == SUPPRESSED_BY_BASELINE ? " (in baseline)"
                                                            : "");
        fwrite(line.s, 1, line.n, out);
    }
    notes_write_lines(findings, out);
    if (!options->quiet) {
        verdicts_write_lines(findings, options, out);
    }
    str_free(&line);
    shown_free(&shown);
}
