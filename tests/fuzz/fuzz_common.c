#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "report/report.h"

static char folder[64];

static void
fuzz_remove_folder(void)
{
    char command[96];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    if (system(command) != 0) { /* nothing depends on it */
        folder[0] = '\0';
    }
}

const char *
fuzz_file(const char *name, const uint8_t *data, size_t size)
{
    static char path[128];
    if (!folder[0]) {
        snprintf(folder, sizeof(folder), "/tmp/extcheck-fuzz-XXXXXX");
        if (!mkdtemp(folder)) {
            abort();
        }
        atexit(fuzz_remove_folder);
    }
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        abort();
    }
    return path;
}

const struct ruleset *
fuzz_rules(void)
{
    static struct ruleset rules;
    if (!rules.rules.n && !ruleset_load(&rules, NULL, NULL)) {
        abort();
    }
    return &rules;
}

static void
fuzz_report(const struct findings *findings, size_t which)
{
    report_fn *const reports[] = {report_full,   report_concise, report_json, report_sarif,
                                  report_github, report_gitlab,  report_junit};
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    struct report_options how = {.version = EXTCHECK_VERSION};
    if (!out) {
        abort();
    }
    reports[which % (sizeof(reports) / sizeof(reports[0]))](findings, fuzz_rules(), &how, out);
    report_closing(findings, &how, out);
    fclose(out);
    free(text);
}

void
fuzz_judge(struct analysis *first, size_t which)
{
    static struct options o;
    if (!o.jobs) {
        options_start(&o);
        o.jobs = 1;
    }
    struct header_choice headers = {0};
    struct analysis_context context = {.options = &o, .rules = fuzz_rules(), .headers = &headers};
    for (int t = 0; t < TARGETS; t++) {
        context.rule_options.targets[t] = true;
    }
    struct findings findings = {0};
    struct analysis second = {0};
    headers_of_facts(&o, analysis_python(first), &headers);
    first->headers = headers.sets.at[0];
    bool two = analysis_split(first, &second);
    analysis_judge(first, &context);
    analysis_join(&findings, first, true);
    if (two) {
        analysis_judge(&second, &context);
        analysis_join(&findings, &second, false);
    }
    fuzz_report(&findings, which);
    vec_free(&findings.all); /* the findings themselves are the analyses' */
    findings_free(&findings);
    analysis_free(&second);
    headers_free(&headers);
}
