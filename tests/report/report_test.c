/* Golden text of every report, and the small functions below them.
 *
 *   report_test                        compares with golden/ (exit 1 when something differs)
 *   report_test --bless                rewrites golden/
 *   report_test --print FORMAT SAMPLE  prints one report; SAMPLE is mixed, many or empty
 *
 * The folder is the one of this file, or EXTCHECK_REPORT_TESTS. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "report/shared.h"
#include "report/text.h"
#include "report_sample.h"

struct test_case {
    const char *name; /* of the file in golden/ */
    const char *format, *sample;
    struct report_options options;
};

static const bool two_targets[TARGETS] = {[TARGET_OWN_GIL] = true, [TARGET_FREE_THREADED] = true};

#define COMMON .version = "1.2.3", .libclang = "libclang 14.0.6"

static const struct test_case cases[] = {
    {"full.txt", "full", "mixed", {COMMON}},
    {"full-color.txt", "full", "mixed", {COMMON, .color = true, .targets = two_targets}},
    {"full-suppressed.txt", "full", "mixed", {COMMON, .show_suppressed = true, .quiet = true}},
    {"full-empty.txt", "full", "empty", {COMMON}},
    {"concise.txt", "concise", "mixed", {COMMON}},
    {"concise-suppressed.txt", "concise", "mixed", {COMMON, .show_suppressed = true}},
    {"mixed.json", "json", "mixed", {COMMON}},
    {"empty.json", "json", "empty", {COMMON, .targets = two_targets}},
    {"mixed.sarif", "sarif", "mixed", {COMMON}},
    {"empty.sarif", "sarif", "empty", {COMMON}},
    {"docs.sarif", "sarif", "many", {COMMON, .docs_url = "https://example.org/rules"}},
    {"github.txt", "github", "mixed", {COMMON}},
    {"github-many.txt", "github", "many", {COMMON}},
    {"gitlab.json", "gitlab", "mixed", {COMMON}},
    {"gitlab-empty.json", "gitlab", "empty", {COMMON}},
    {"junit.xml", "junit", "mixed", {COMMON, .fail_on = SEVERITY_HAZARD}},
    {"junit-blocker.xml", "junit", "mixed", {COMMON, .fail_on = SEVERITY_BLOCKER}},
    {"junit-empty.xml", "junit", "empty", {COMMON}},
    {"closing.txt", "closing", "mixed", {COMMON}},
    {"closing-statistics.txt", "closing", "mixed", {COMMON, .statistics = true}},
    {"closing-quiet.txt", "closing", "mixed", {COMMON, .quiet = true}},
    {"closing-empty.txt", "closing", "empty", {COMMON}},
};

static void
test_make(struct findings *findings, const char *sample)
{
    if (str_same(sample, "mixed")) {
        sample_mixed(findings);
    }
    else if (str_same(sample, "many")) {
        sample_many(findings);
    }
}

static bool
test_report(FILE *out, const char *format, const char *sample, const struct report_options *options)
{
    struct findings findings = {0};
    struct ruleset rules = {0};
    bool known = true;
    sample_ruleset(&rules);
    test_make(&findings, sample);
    if (str_same(format, "closing")) {
        report_closing(&findings, options, out);
    }
    else {
        report_fn *fn = report_named(format);
        known = fn != NULL;
        if (known) {
            fn(&findings, &rules, options, out);
        }
    }
    findings_free(&findings);
    vec_free(&rules.rules);
    return known;
}

static char *
test_text(const struct test_case *test, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (!out || !test_report(out, test->format, test->sample, &test->options)) {
        bug("no report called %s", test->format);
    }
    fclose(out);
    return text;
}

static bool
test_save(const char *path, const char *text, size_t n)
{
    FILE *out = fopen(path, "wb");
    bool ok = out && fwrite(text, 1, n, out) == n;
    if (out) {
        ok = fclose(out) == 0 && ok;
    }
    if (!ok) {
        perror(path);
    }
    return ok;
}

/* Says the first line that differs. */
static void
test_explain(const char *name, const char *got, const char *wanted)
{
    int line = 1;
    while (*got && *got == *wanted) {
        line += *got == '\n';
        got++;
        wanted++;
    }
    fprintf(stderr, "%s:%d: got '%.*s', expected '%.*s' (--bless rewrites it)\n", name, line,
            (int)strcspn(got, "\n"), got, (int)strcspn(wanted, "\n"), wanted);
}

static bool
test_golden(const struct test_case *test, bool bless)
{
    size_t n;
    struct str path = {0}, wanted = {0};
    char *got = test_text(test, &n);
    bool ok;
    str_addf(&path, "../golden/%s", test->name);
    if (bless) {
        ok = test_save(path.s, got, n);
    }
    else if (!str_read_file(&wanted, path.s)) {
        perror(path.s);
        ok = false;
    }
    else {
        ok = wanted.n == n && memcmp(wanted.s, got, n) == 0;
        if (!ok) {
            test_explain(test->name, got, wanted.s);
        }
    }
    free(got);
    str_free(&wanted);
    str_free(&path);
    return ok;
}

static int failures; /* of check() */

static void
check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "failed: %s\n", what);
        failures++;
    }
}

static void
test_utf8(void)
{
    static const struct {
        const char *bytes;
        size_t length;
        unsigned code;
    } rows[] = {
        {"a", 1, 'a'},
        {"\xC3\xBC", 2, 0xFC},
        {"\xE5\xA4\xA7", 3, 0x5927},
        {"\xC0\xAF", 1, 0xFFFD},
        {"\xF0\x9F\x98\x80", 4, 0x1F600},
        {"\xED\xA0\x80", 1, 0xFFFD},
        {"\xE5\xA4", 1, 0xFFFD},
        {"\xF4\x90\x80\x80", 1, 0xFFFD},
        {"\xE0\x80\x80", 1, 0xFFFD},
        {"\x80", 1, 0xFFFD},
        {"\xFF", 1, 0xFFFD},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned code;
        size_t n = text_next(rows[i].bytes, strlen(rows[i].bytes), &code);
        check(n == rows[i].length && code == rows[i].code, "text_next");
    }
    check(text_column("\xC3\xBC\xE5\xA4\xA7x", 6) == 3, "column of x in code points");
    check(text_column("ab", 9) == 9, "column behind the end");
    check(text_column(NULL, 4) == 4, "column without a line");
    check(text_visible_width("\xE5\xA4\xA7"
                             "e\xCC\x81") == 3,
          "width of wide and combining");
}

static void
test_paths(void)
{
    static const struct {
        const char *file, *root, *shown, *uri;
    } rows[] = {
        {"src/a.c", NULL, "src/a.c", "src/a.c"},
        {"./src/../b c.c", NULL, "b c.c", "b%20c.c"},
        {"/r/x/y.c", "/r", "x/y.c", "x/y.c"},
        {"/r/x/y.c", "/r/", "x/y.c", "x/y.c"},
        {"/base2/y.c", "/base", "/base2/y.c", "file:///base2/y.c"},
        {"/a/../b:c.c", "/", "b:c.c", "b%3Ac.c"},
        {"/../../z.c", "/q", "/../../z.c", "file:///z.c"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct str shown = {0}, uri = {0};
        path_add(&shown, rows[i].file, rows[i].root);
        path_add_uri(&uri, rows[i].file, rows[i].root);
        check(str_same(shown.s, rows[i].shown), rows[i].shown);
        check(str_same(uri.s, rows[i].uri), rows[i].uri);
        str_free(&shown);
        str_free(&uri);
    }
}

static void
test_fingerprints(void)
{
    struct finding a = {.rule = &sample_rules[0], .symbol = "cache", .place.line = 3};
    struct finding b = a;
    a.line_text = "  static  PyObject *cache;";
    b.line_text = "\tstatic PyObject *cache; ";
    b.place.line = 90;
    finding_fingerprint(&a, "x.c");
    finding_fingerprint(&b, "x.c");
    check(strlen(a.fingerprint) == 32, "a fingerprint has 32 digits");
    check(str_same(a.fingerprint, b.fingerprint), "indentation and line number do not matter");
    finding_fingerprint(&b, "y.c");
    check(!str_same(a.fingerprint, b.fingerprint), "the file matters");
    finding_fingerprint(&b, "x.c");
    b.symbol = "other";
    finding_fingerprint(&b, "x.c");
    check(!str_same(a.fingerprint, b.fingerprint), "the symbol matters");
    b.symbol = "cache";
    b.rule = &sample_rules[1];
    finding_fingerprint(&b, "x.c");
    check(!str_same(a.fingerprint, b.fingerprint), "the rule matters");
    b.rule = a.rule;
    b.line_text = "static PyObject *cache = NULL;";
    finding_fingerprint(&b, "x.c");
    check(!str_same(a.fingerprint, b.fingerprint), "the text of the line matters");
}

static void
test_names(void)
{
    for (int t = 0; t < TARGETS; t++) {
        check(target_named(target_name((enum target)t)) == (enum target)t, "target name");
    }
    for (int s = SEVERITY_NONE; s <= SEVERITY_BLOCKER; s++) {
        check(severity_named(severity_name((enum severity)s)) == s, "severity name");
    }
    check(target_named("gil") == TARGETS && severity_named("bad") == -1, "unknown names");
    check(str_same(verdict_name(VERDICT_RUNS_WITH_GIL), "runs-with-gil"), "verdict name");
    check(!report_named("html") && !report_named("") && report_named("sarif") == report_sarif,
          "report_named");
}

static bool
test_enter(void)
{
    const char *folder = getenv("EXTCHECK_REPORT_TESTS");
    struct str path = {0};
    if (folder) {
        str_add(&path, folder);
    }
    else {
        const char *slash = strrchr(__FILE__, '/');
        str_addn(&path, __FILE__, slash ? (size_t)(slash - __FILE__) : 0);
        str_add(&path, slash ? "" : ".");
    }
    str_add(&path, "/sample");
    bool ok = chdir(path.s) == 0;
    if (!ok) {
        perror(path.s);
    }
    str_free(&path);
    return ok;
}

int
main(int argc, char **argv)
{
    if (!test_enter()) {
        return 2;
    }
    if (argc == 4 && str_same(argv[1], "--print")) {
        struct report_options options = {COMMON, .fail_on = SEVERITY_HAZARD};
        return test_report(stdout, argv[2], argv[3], &options) ? 0 : 2;
    }
    bool bless = argc == 2 && str_same(argv[1], "--bless");
    if (argc > 1 && !bless) {
        fprintf(stderr, "usage: report_test [--bless | --print FORMAT SAMPLE]\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check(test_golden(&cases[i], bless), cases[i].name);
    }
    test_utf8();
    test_paths();
    test_fingerprints();
    test_names();
    printf("%zu reports, %d failed checks\n", sizeof(cases) / sizeof(cases[0]), failures);
    return failures ? 1 : 0;
}
