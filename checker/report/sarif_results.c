/* results: findings with their places, fingerprints and suppressions. */
#include <string.h>

#include "report/json_values.h"
#include "report/sarif.h"
#include "report/text.h"

static json_t *
sarif_snippet(const char *text, size_t n)
{
    struct str part = {0};
    str_addn(&part, text, n);
    json_t *snippet = json_object();
    json_object_set_new(snippet, "text", json_text(part.s));
    str_free(&part);
    return snippet;
}

/* line may be NULL. *whole tells that the region is all of the line. */
static json_t *
sarif_region(const struct place *place, const char *line, bool *whole)
{
    size_t n = line ? strlen(line) : 0, from = 0, to = n;
    int start, end;
    json_t *region = json_object();
    report_columns(place, line, &start, &end);
    json_object_set_new(region, "startLine", json_integer(place->line));
    if (start) {
        json_object_set_new(region, "startColumn", json_integer(start));
        from = (size_t)place->column - 1;
    }
    if (end) {
        json_object_set_new(region, "endColumn", json_integer(end));
        to = (size_t)place->end_column - 1 < n ? (size_t)place->end_column - 1 : n;
    }
    if (line) {
        json_object_set_new(region, "snippet", sarif_snippet(line + from, to - from));
    }
    *whole = from == 0 && to == n;
    return region;
}

/* line may be NULL. */
static json_t *
sarif_physical(struct sarif_index *index, const struct place *place, const char *line)
{
    json_t *physical = json_object();
    json_object_set_new(physical, "artifactLocation", sarif_artifact(index, place->file));
    struct place first_line = {.file = place->file, .line = 1};
    bool whole;
    if (place->line < 1) {
        /* About the whole file: viewers want a line all the same. */
        json_object_set_new(physical, "region", sarif_region(&first_line, NULL, &whole));
    }
    else {
        json_object_set_new(physical, "region", sarif_region(place, line, &whole));
        if (line && !whole) { /* a context has to be more than the region itself */
            json_t *context = json_object();
            json_object_set_new(context, "startLine", json_integer(place->line));
            json_object_set_new(context, "snippet", sarif_snippet(line, strlen(line)));
            json_object_set_new(physical, "contextRegion", context);
        }
    }
    return physical;
}

static json_t *
sarif_logical(const struct finding *f)
{
    json_t *all = json_array();
    bool in_function = f->function && f->function[0];
    if (f->symbol && f->symbol[0]) {
        json_t *one = json_object();
        struct str qualified = {0};
        if (in_function && !str_same(f->function, f->symbol)) {
            str_addf(&qualified, "%s::", f->function);
        }
        str_add(&qualified, f->symbol);
        json_object_set_new(one, "name", json_text(f->symbol));
        json_object_set_new(one, "fullyQualifiedName", json_text(qualified.s));
        if (f->rule->fact == FACT_variable || f->rule->fact == FACT_function) {
            json_object_set_new(
                one, "kind", json_string(f->rule->fact == FACT_variable ? "variable" : "function"));
        }
        json_array_append_new(all, one);
        str_free(&qualified);
    }
    if (in_function && !str_same(f->function, f->symbol)) {
        json_t *one = json_object();
        json_object_set_new(one, "name", json_text(f->function));
        json_object_set_new(one, "fullyQualifiedName", json_text(f->function));
        json_object_set_new(one, "kind", json_string("function"));
        json_array_append_new(all, one);
    }
    return all;
}

static json_t *
sarif_related(struct sarif_index *index, const struct finding *f, struct source_lines *lines)
{
    json_t *all = json_array();
    for (size_t i = 0; i < f->related.n; i++) {
        const struct related *related = &f->related.at[i];
        const char *line = source_line(lines, related->place.file, related->place.line);
        json_t *one = json_object();
        json_object_set_new(one, "id", json_integer((json_int_t)i + 1));
        json_object_set_new(one, "physicalLocation", sarif_physical(index, &related->place, line));
        json_object_set_new(one, "message", sarif_message(related->text));
        json_array_append_new(all, one);
    }
    return all;
}

/* An empty list says "looked at, not suppressed"; leaving it out would say "unknown". */
static json_t *
sarif_suppressions(const struct finding *f)
{
    json_t *all = json_array();
    if (f->suppression != NOT_SUPPRESSED) {
        json_t *one = json_object();
        json_object_set_new(
            one, "kind",
            json_string(f->suppression == SUPPRESSED_IN_SOURCE ? "inSource" : "external"));
        json_object_set_new(one, "status", json_string("accepted"));
        if (f->reason && f->reason[0]) {
            json_object_set_new(one, "justification", json_text(f->reason));
        }
        json_array_append_new(all, one);
    }
    return all;
}

static json_t *
sarif_result_properties(const struct finding *f, const struct report_options *options)
{
    json_t *severities = json_object(), *properties = json_object();
    for (int t = 0; t < TARGETS; t++) {
        if (report_asked(options, (enum target)t)) {
            json_object_set_new(severities, target_name((enum target)t),
                                json_string(severity_name(f->severity[t])));
        }
    }
    json_object_set_new(properties, "severities", severities);
    json_object_set_new(properties, "confidence",
                        json_string(confidence_name(f->rule->confidence)));
    json_object_set_new(properties, "modules", json_list(f->modules));
    return properties;
}

/* The message, the fix, and links to the related places: viewers show only those that the message
 * links to. */
static json_t *
sarif_result_message(const struct finding *f)
{
    struct str text = {0};
    str_add(&text, f->message && f->message[0] ? f->message : f->rule->name);
    if (f->fix && f->fix[0]) {
        str_addf(&text, "%s Fix: %s", str_ends(text.s, ".") ? "" : ".", f->fix);
    }
    for (size_t i = 0; i < f->related.n && i < 5; i++) {
        const char *label = f->related.at[i].text ? f->related.at[i].text : "";
        if (i == 0) {
            str_addf(&text, "%s See: ", str_ends(text.s, ".") ? "" : ".");
        }
        else {
            str_add(&text, ", ");
        }
        str_addc(&text, '[');
        for (const char *p = label[0] ? label : "here"; *p; p++) {
            str_addc(&text, *p == '[' || *p == '\\' ? '(' : *p == ']' ? ')' : *p);
        }
        str_addf(&text, "](%zu)", i + 1);
    }
    json_t *message = sarif_message(text.s);
    str_free(&text);
    return message;
}

static json_t *
sarif_result(struct sarif_index *index, const struct finding *f, struct source_lines *lines)
{
    int number;
    const char *fingerprint = occurrence_of(&index->occurrences, f, index->options->root, &number);
    json_t *one = json_object(), *location = json_object(), *locations = json_array();
    const char *line =
        f->line_text ? f->line_text : source_line(lines, f->place.file, f->place.line);
    json_object_set_new(one, "ruleId", json_text(f->rule->id));
    json_object_set_new(one, "ruleIndex",
                        json_integer(*(int *)map_get(&index->rules, f->rule->id) - 1));
    json_object_set_new(one, "level", json_string(report_level(f->worst)));
    json_object_set_new(one, "message", sarif_result_message(f));
    json_object_set_new(location, "physicalLocation", sarif_physical(index, &f->place, line));
    json_t *logical = sarif_logical(f);
    if (json_array_size(logical)) {
        json_object_set(location, "logicalLocations", logical);
    }
    json_decref(logical);
    json_array_append_new(locations, location);
    json_object_set_new(one, "locations", locations);
    if (f->related.n) {
        json_object_set_new(one, "relatedLocations", sarif_related(index, f, lines));
    }
    json_t *prints = json_object();
    json_object_set_new(prints, "extcheckFinding/v1", json_sprintf("%s:%d", fingerprint, number));
    json_object_set_new(one, "partialFingerprints", prints);
    json_object_set_new(one, "suppressions", sarif_suppressions(f));
    json_object_set_new(one, "properties", sarif_result_properties(f, index->options));
    return one;
}

json_t *
sarif_results(struct sarif_index *index, const struct shown *shown)
{
    struct source_lines lines = {0};
    json_t *all = json_array();
    for (size_t i = 0; i < shown->all.n; i++) {
        json_array_append_new(all, sarif_result(index, shown->all.at[i], &lines));
    }
    source_lines_free(&lines);
    return all;
}
