/* GitLab's code quality report: a JSON array, one object per finding. */
#include <jansson.h>

#include "report/json_values.h"
#include "report/report.h"
#include "report/shared.h"

static json_t *
gitlab_finding(const struct finding *f, const struct report_options *options,
               struct occurrences *occurrences)
{
    static const char *const severities[] = {"info", "info", "major", "blocker"};
    int number;
    struct str fingerprint = {0};
    str_add(&fingerprint, occurrence_of(occurrences, f, options->root, &number));
    if (number > 1) {
        str_addf(&fingerprint, "-%d", number); /* GitLab drops what it has seen before */
    }
    json_t *lines = json_pack("{s:i}", "begin", f->place.line > 0 ? f->place.line : 1);
    json_t *location = json_object();
    json_object_set_new(location, "path", json_path(f->place.file, options->root));
    json_object_set_new(location, "lines", lines);
    json_t *one = json_object();
    json_object_set_new(one, "description", json_text(f->message));
    json_object_set_new(one, "check_name", json_text(f->rule->id));
    json_object_set_new(one, "fingerprint", json_string(fingerprint.s));
    json_object_set_new(one, "severity", json_string(severities[f->worst]));
    json_object_set_new(one, "location", location);
    str_free(&fingerprint);
    return one;
}

void
report_gitlab(const struct findings *findings, const struct ruleset *rules,
              const struct report_options *options, FILE *out)
{
    (void)rules;
    struct shown shown = {0};
    struct occurrences occurrences = {0};
    json_t *all = json_array();
    shown_select(&shown, findings, false);
    for (size_t i = 0; i < shown.all.n; i++) {
        json_array_append_new(all, gitlab_finding(shown.all.at[i], options, &occurrences));
    }
    json_write(all, out);
    occurrences_free(&occurrences);
    shown_free(&shown);
}
