/* JUnit XML: a suite per file. A finding at or above --fail-on is a failed case, a lesser one a
 * case that passed and says so, a file that could not be analysed an error, and a clean unit one
 * passed case, so that "all green" cannot mean "nothing was looked at". */
#include <string.h>

#include "base/map.h"
#include "report/report.h"
#include "report/shared.h"
#include "report/text.h"

struct suite {
    struct str cases;
    const char *file;
    int tests, failures, errors;
};

struct junit {
    const struct report_options *options;
    struct arena arena;
    struct map by_file;
    VEC(struct suite *) suites;
};

static struct suite *
junit_suite(struct junit *j, const char *file)
{
    struct str path = {0};
    path_add(&path, file, j->options->root);
    struct suite *suite = map_get(&j->by_file, path.s);
    if (!suite) {
        suite = arena_alloc(&j->arena, sizeof(*suite));
        suite->file = arena_string(&j->arena, path.s);
        str_add(&suite->cases, "");
        map_set(&j->by_file, suite->file, suite);
        vec_push(&j->suites, suite);
    }
    str_free(&path);
    return suite;
}

static void
junit_open_case(struct suite *suite, const char *name, int line)
{
    suite->tests++;
    str_add(&suite->cases, "    <testcase name=\"");
    text_add_xml(&suite->cases, name);
    str_add(&suite->cases, "\" classname=\"");
    text_add_xml(&suite->cases, suite->file);
    str_add(&suite->cases, "\" file=\"");
    text_add_xml(&suite->cases, suite->file);
    str_addc(&suite->cases, '"');
    if (line > 0) {
        str_addf(&suite->cases, " line=\"%d\"", line);
    }
}

/* file:line:col: severity[targets]: message, then the fix. */
static void
junit_add_body(struct suite *suite, const struct finding *f)
{
    struct str body = {0}, targets = {0};
    report_add_targets(&targets, f, f->worst);
    str_addf(&body, "%s:%d:%d: %s[%s]: %s", suite->file, f->place.line, f->place.column,
             severity_name(f->worst), targets.n ? targets.s : "", f->message ? f->message : "");
    if (f->fix && f->fix[0]) {
        str_addf(&body, " Fix: %s", f->fix);
    }
    text_add_xml(&suite->cases, body.s);
    str_free(&targets);
    str_free(&body);
}

static void
junit_add_finding(struct junit *j, const struct finding *f)
{
    struct suite *suite = junit_suite(j, f->place.file);
    struct str name = {0};
    str_addf(&name, "%s %s:%d:%d", f->rule->id, f->rule->name, f->place.line, f->place.column);
    junit_open_case(suite, name.s, f->place.line);
    str_free(&name);
    if (f->worst >= j->options->fail_on) {
        suite->failures++;
        str_addf(&suite->cases, ">\n      <failure type=\"%s\" message=\"",
                 severity_name(f->worst));
        text_add_xml(&suite->cases, f->message);
        str_add(&suite->cases, "\">");
        junit_add_body(suite, f);
        str_add(&suite->cases, "</failure>\n    </testcase>\n");
    }
    else {
        str_add(&suite->cases, ">\n      <system-out>");
        junit_add_body(suite, f);
        str_add(&suite->cases, "</system-out>\n    </testcase>\n");
    }
}

static void
junit_add_failed(struct junit *j, const struct failed_file *f)
{
    struct suite *suite = junit_suite(j, f->file);
    junit_open_case(suite, f->partial ? "analysed in part" : "not analysed", 0);
    suite->errors++;
    str_add(&suite->cases, ">\n      <error type=\"analysis\" message=\"");
    text_add_xml(&suite->cases, f->reason ? f->reason : "no reason known");
    str_add(&suite->cases, "\"/>\n    </testcase>\n");
}

static void
junit_add_clean(struct junit *j, const struct findings *findings)
{
    for (size_t i = 0; i < findings->modules.n; i++) {
        const struct module_result *m = &findings->modules.at[i];
        for (size_t k = 0; k < m->units.n; k++) {
            struct suite *suite = junit_suite(j, m->units.at[k]);
            if (!suite->tests) {
                junit_open_case(suite, "no findings", 0);
                str_add(&suite->cases, "/>\n");
            }
        }
    }
}

static int
junit_compare(const void *a, const void *b)
{
    return strcmp((*(struct suite *const *)a)->file, (*(struct suite *const *)b)->file);
}

static void
junit_write(struct junit *j, FILE *out)
{
    int tests = 0, failures = 0, errors = 0;
    if (j->suites.n) {
        qsort(j->suites.at, j->suites.n, sizeof(j->suites.at[0]), junit_compare);
    }
    for (size_t i = 0; i < j->suites.n; i++) {
        tests += j->suites.at[i]->tests;
        failures += j->suites.at[i]->failures;
        errors += j->suites.at[i]->errors;
    }
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuites name=\"extcheck\" tests=\"%d\" failures=\"%d\" errors=\"%d\">\n",
            tests, failures, errors);
    for (size_t i = 0; i < j->suites.n; i++) {
        struct suite *suite = j->suites.at[i];
        struct str name = {0};
        text_add_xml(&name, suite->file);
        fprintf(out,
                "  <testsuite name=\"%s\" tests=\"%d\" failures=\"%d\" errors=\"%d\" "
                "skipped=\"0\">\n%s  </testsuite>\n",
                name.s ? name.s : "", suite->tests, suite->failures, suite->errors, suite->cases.s);
        str_free(&name);
    }
    fputs("</testsuites>\n", out);
}

void
report_junit(const struct findings *findings, const struct ruleset *rules,
             const struct report_options *options, FILE *out)
{
    (void)rules;
    struct junit j = {.options = options};
    struct shown shown = {0};
    shown_select(&shown, findings, false);
    for (size_t i = 0; i < shown.failed.n; i++) {
        junit_add_failed(&j, &shown.failed.at[i]);
    }
    for (size_t i = 0; i < shown.all.n; i++) {
        junit_add_finding(&j, shown.all.at[i]);
    }
    junit_add_clean(&j, findings);
    junit_write(&j, out);
    for (size_t i = 0; i < j.suites.n; i++) {
        str_free(&j.suites.at[i]->cases);
    }
    vec_free(&j.suites);
    map_free(&j.by_file);
    arena_free(&j.arena);
    shown_free(&shown);
}
