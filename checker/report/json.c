/* JSON with a versioned schema: docs/json-schema/extcheck-1.0.schema.json, docs/json.md. A new
 * field raises the minor number; a field that goes or changes its meaning raises the major one. */
#include <jansson.h>

#include "report/json_values.h"
#include "report/notes.h"
#include "report/report.h"
#include "report/shared.h"

#define SCHEMA_VERSION "1.0"

static json_t *
json_severities(const struct finding *f, const struct report_options *options)
{
    json_t *all = json_object();
    for (int t = 0; t < TARGETS; t++) {
        if (report_asked(options, (enum target)t)) {
            json_object_set_new(all, target_name((enum target)t),
                                json_string(severity_name(f->severity[t])));
        }
    }
    return all;
}

static void
json_set_place(json_t *object, const struct place *place, const struct report_options *options)
{
    json_object_set_new(object, "file", json_path(place->file, options->root));
    json_object_set_new(object, "line", json_integer(place->line > 0 ? place->line : 0));
    json_object_set_new(object, "column", json_integer(place->column > 0 ? place->column : 0));
    json_object_set_new(object, "end_column",
                        json_integer(place->end_column > 0 ? place->end_column : 0));
}

static json_t *
json_related(const struct finding *f, const struct report_options *options)
{
    json_t *all = json_array();
    for (size_t i = 0; i < f->related.n; i++) {
        json_t *one = json_object();
        json_set_place(one, &f->related.at[i].place, options);
        json_object_set_new(one, "message", json_text(f->related.at[i].text));
        json_array_append_new(all, one);
    }
    return all;
}

static json_t *
json_suppression(const struct finding *f)
{
    if (f->suppression == NOT_SUPPRESSED) {
        return json_null();
    }
    json_t *one = json_object();
    json_object_set_new(
        one, "kind",
        json_string(f->suppression == SUPPRESSED_IN_SOURCE ? "in-source" : "baseline"));
    json_object_set_new(one, "reason", json_text_or_null(f->reason));
    return one;
}

static json_t *
json_finding(const struct finding *f, const struct report_options *options, struct occurrences *o)
{
    int number;
    json_t *one = json_object();
    json_object_set_new(one, "rule", json_text(f->rule->id));
    json_object_set_new(one, "name", json_text(f->rule->name));
    json_object_set_new(one, "severity", json_string(severity_name(f->worst)));
    json_object_set_new(one, "severities", json_severities(f, options));
    json_object_set_new(one, "confidence", json_string(confidence_name(f->rule->confidence)));
    json_set_place(one, &f->place, options);
    json_object_set_new(one, "message", json_text(f->message));
    json_object_set_new(one, "fix", json_text_or_null(f->fix));
    json_object_set_new(one, "symbol", json_text_or_null(f->symbol));
    json_object_set_new(one, "function", json_text_or_null(f->function));
    json_object_set_new(one, "modules", json_list(f->modules));
    json_object_set_new(one, "related", json_related(f, options));
    json_object_set_new(one, "suppression", json_suppression(f));
    json_object_set_new(one, "fingerprint",
                        json_string(occurrence_of(o, f, options->root, &number)));
    json_object_set_new(one, "occurrence", json_integer(number));
    json_object_set_new(one, "help_uri", json_help_uri(f->rule, options));
    return one;
}

static json_t *
json_deciding(const struct finding *f, const struct report_options *options)
{
    if (!f) {
        return json_null();
    }
    json_t *one = json_object();
    json_object_set_new(one, "rule", json_text(f->rule->id));
    json_object_set_new(one, "file", json_path(f->place.file, options->root));
    json_object_set_new(one, "line", json_integer(f->place.line > 0 ? f->place.line : 0));
    return one;
}

json_t *
json_verdicts(const struct module_result *m, const struct report_options *options)
{
    json_t *all = json_object();
    for (int t = 0; t < TARGETS; t++) {
        const struct module_verdict *v = &m->verdict[t];
        if (!v->asked || !report_asked(options, (enum target)t)) {
            continue;
        }
        json_t *one = json_object();
        json_object_set_new(one, "verdict", json_string(verdict_name(v->verdict)));
        json_object_set_new(one, "reason", json_text_or_null(v->reason));
        json_object_set_new(one, "deciding", json_deciding(v->deciding, options));
        json_object_set_new(all, target_name((enum target)t), one);
    }
    return all;
}

static json_t *
json_modules(const struct findings *findings, const struct report_options *options)
{
    json_t *all = json_array();
    for (size_t i = 0; i < findings->modules.n; i++) {
        const struct module_result *m = &findings->modules.at[i];
        json_t *one = json_object(), *units = json_array(), *missing = json_array();
        for (size_t k = 0; k < m->units.n; k++) {
            json_array_append_new(units, json_path(m->units.at[k], options->root));
        }
        for (size_t k = 0; k < m->missing.n; k++) {
            json_array_append_new(missing, json_text(m->missing.at[k]));
        }
        json_object_set_new(one, "name", json_text(m->name));
        json_object_set_new(one, "python", json_text_or_null(m->python));
        json_object_set_new(one, "verdicts", json_verdicts(m, options));
        json_object_set_new(one, "units", units);
        json_object_set_new(one, "missing", missing);
        json_array_append_new(all, one);
    }
    return all;
}

static json_t *
json_failed(const struct shown *shown, const struct report_options *options)
{
    json_t *all = json_array();
    for (size_t i = 0; i < shown->failed.n; i++) {
        const struct failed_file *f = &shown->failed.at[i];
        json_t *one = json_object();
        json_object_set_new(one, "file", json_path(f->file, options->root));
        json_object_set_new(one, "reason", json_text(f->reason));
        json_object_set_new(one, "partial", json_boolean(f->partial));
        json_array_append_new(all, one);
    }
    return all;
}

static json_t *
json_summary(const struct findings *findings)
{
    struct counts c = {0};
    counts_take(&c, findings);
    json_t *one = json_object();
    json_object_set_new(one, "blockers", json_integer((json_int_t)c.blockers));
    json_object_set_new(one, "hazards", json_integer((json_int_t)c.hazards));
    json_object_set_new(one, "advice", json_integer((json_int_t)c.advice));
    json_object_set_new(one, "suppressed", json_integer((json_int_t)c.suppressed));
    json_object_set_new(one, "in_baseline", json_integer((json_int_t)c.baseline));
    json_object_set_new(one, "unused_suppressions", json_integer(findings->unused_suppressions));
    json_object_set_new(one, "stale_baseline_rows", json_integer(findings->stale_baseline));
    return one;
}

static json_t *
json_tool(const struct report_options *options)
{
    json_t *one = json_object();
    json_object_set_new(one, "name", json_string("extcheck"));
    json_object_set_new(one, "version", json_text(options->version));
    json_object_set_new(one, "libclang", json_text_or_null(options->libclang));
    return one;
}

void
report_json(const struct findings *findings, const struct ruleset *rules,
            const struct report_options *options, FILE *out)
{
    (void)rules;
    struct shown shown = {0};
    struct occurrences occurrences = {0};
    shown_select(&shown, findings, true);

    json_t *targets = json_array(), *all = json_array(), *notes = json_array();
    for (int t = 0; t < TARGETS; t++) {
        if (report_asked(options, (enum target)t)) {
            json_array_append_new(targets, json_string(target_name((enum target)t)));
        }
    }
    for (size_t i = 0; i < shown.all.n; i++) {
        json_array_append_new(all, json_finding(shown.all.at[i], options, &occurrences));
    }
    for (size_t i = 0; i < findings->notes.n; i++) {
        json_array_append_new(notes, json_text(findings->notes.at[i]));
    }

    json_t *root = json_object();
    json_object_set_new(root, "schema_version", json_string(SCHEMA_VERSION));
    json_object_set_new(root, "tool", json_tool(options));
    json_object_set_new(root, "targets", targets);
    json_object_set_new(root, "findings", all);
    json_object_set_new(root, "modules", json_modules(findings, options));
    json_object_set_new(root, "files",
                        json_pack("{s:i,s:i}", "total", findings->files_total, "analysed",
                                  findings->files_analysed));
    json_object_set_new(root, "binaries", notes_json(findings, options));
    json_object_set_new(root, "failed", json_failed(&shown, options));
    json_object_set_new(root, "notes", notes);
    json_object_set_new(root, "summary", json_summary(findings));
    json_write(root, out);
    occurrences_free(&occurrences);
    shown_free(&shown);
}
