/* The rule engine on facts and rules written here: what conditions mean, who wins, what texts say,
 * how verdicts come about. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "passes/program/program.h"
#include "rules/api_table.h"
#include "rules/rule_file.h"
#include "rules/verdict.h"

static int failures;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

#define TABLE "name\trisk\tbetter\tsource\nPyA\tunsafe\tPyARef\ttest\nPyB_*\tfine\t-\ttest\n"

/* A rule with the given lines in its front matter and defaults for the rest. */
static bool
add_rule(struct ruleset *set, const char *id, const char *lines)
{
    char text[2048];
    snprintf(text, sizeof(text),
             "---\nid: %s\nname: n-%s\nconfidence: high\npython: 3.9+\nsince: 0.1\n"
             "refs: https://example.org/\nfix: mend it\n%s---\n# What it finds\n\nThings.\n",
             id, id, lines);
    for (char *c = strstr(text, "n-") + 2; *c != '\n'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    }
    return rule_file_load(set, id, text);
}

/* Closes supersedes the way loading a directory does: writes the rules out and loads them. */
struct fixture {
    struct ruleset set;
    struct facts facts;
    struct findings out;
    struct rule_options options;
};

static void
write_file(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file) {
        perror(path);
        exit(1);
    }
    fputs(text, file);
    fclose(file);
}

static void
fixture_load(struct fixture *f, const char *const *rules, size_t n, const char *facts)
{
    char folder[] = "/tmp/extcheck-engine-XXXXXX", path[512];
    *f = (struct fixture){.options = {.min_confidence = CONFIDENCE_MEDIUM, .min_python = 0x0309}};
    f->options.targets[TARGET_OWN_GIL] = f->options.targets[TARGET_SHARED_GIL] = true;
    f->options.targets[TARGET_FREE_THREADED] = true;
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/api", folder);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/tst", folder);
    mkdir(path, 0700);
    write_file(folder, "api/calls.tsv", TABLE);
    for (size_t i = 0; i < n; i++) {
        char name[64], text[2048];
        snprintf(name, sizeof(name), "tst/TST%02zu-x.md", i + 1);
        snprintf(text, sizeof(text),
                 "---\nid: TST%02zu\nname: test-%zu\nconfidence: high\npython: 3.9+\nsince: 0.1\n"
                 "refs: https://example.org/\nfix: mend it\n%s---\n# What it finds\n\nThings.\n",
                 i + 1, i + 1, rules[i]);
        write_file(folder, name, text);
    }
    CHECK(ruleset_load(&f->set, folder, NULL));
    snprintf(path, sizeof(path), "rm -r %s", folder);
    CHECK(system(path) == 0);
    const char *error = NULL;
    bool ok = facts_read_text(&f->facts, facts, strlen(facts), &error);
    if (!ok) {
        fprintf(stderr, "facts: %s\n", error);
    }
    CHECK(ok);
}

static void
fixture_run(struct fixture *f)
{
    rules_run(&f->set, &f->facts, &f->options, &f->out);
}

static void
fixture_free(struct fixture *f)
{
    for (size_t i = 0; i < f->out.all.n; i++) {
        vec_free(&f->out.all.at[i]->related);
    }
    for (size_t i = 0; i < f->out.modules.n; i++) {
        vec_free(&f->out.modules.at[i].units);
        vec_free(&f->out.modules.at[i].missing);
    }
    vec_free(&f->out.all);
    vec_free(&f->out.modules);
    vec_free(&f->out.notes);
    arena_free(&f->out.arena);
    facts_free(&f->facts);
    ruleset_free(&f->set);
}

static const struct finding *
found(const struct fixture *f, const char *id, int line)
{
    for (size_t i = 0; i < f->out.all.n; i++) {
        const struct finding *x = f->out.all.at[i];
        if (strcmp(x->rule->id, id) == 0 && (line == 0 || x->place.line == line)) {
            return x;
        }
    }
    return NULL;
}

#define CALLS                                                                                      \
    "@ a.c\nunit\t0:0-0\tpath=a.c\tstatus=ok\tpython=3.14\tgenerator=cython\n"                     \
    "function\t1:1-2\tid=a.c#f\tname=f\tentry=run\tbinding=method\tmodules=m\n"                    \
    "call\t2:5-9\tfunc=a.c#f\tcallee=PyA\tseq=1\tentry=init,run\tnargs=2\n"                        \
    "call\t3:5-9\tfunc=a.c#f\tcallee=PyB_x\tseq=2\tnargs=0\n"

/* Every operator, on the two calls of CALLS: which lines it keeps. */
static void
test_operators(void)
{
    static const struct {
        const char *where;
        bool first, second;
    } cases[] = {
        {"callee is PyA", true, false},
        {"callee = PyA", true, false},
        {"callee is PyA|PyB_x", true, true},
        {"callee is not PyA", false, true},
        {"callee != PyA | PyB_x", false, false},
        {"callee like PyB_*", false, true},
        {"callee unlike PyB_*", true, false},
        {"entry has run", true, false},
        {"entry has foreign|init", true, false},
        {"entry has not run", false, true},
        {"entry lacks run", false, true},
        {"entry is set", true, false},
        {"entry is unset", false, true},
        {"entry is not set", false, true},
        {"callee in calls", true, true},
        {"callee in calls:risk=unsafe", true, false},
        {"callee in calls:risk=unsafe|fine", true, true},
        {"callee in calls:risk!=unsafe", false, true},
        {"callee not in calls:risk=unsafe", false, true},
        {"nargs > 1", true, false},
        {"nargs >= 2", true, false},
        {"nargs < 1", false, true},
        {"nargs <= 0", false, true},
        {"nargs is 2", true, false},
        {"nargs is no", false, true},
        {"nargs is yes", true, false},
        {"nargs is set and callee is PyA", true, false},
        {"file like *.c", true, true},
        {"file is b.c", false, false},
        {"min-python < 3.10", true, true},
        {"min-python >= 3.10", false, false},
        {"unit.generator is cython", true, true},
        {"unit.generator is unset", false, false},
        {"function.binding is method", true, true},
        {"variable.class is set", false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char rule[512];
        snprintf(rule, sizeof(rule),
                 "severity: own-gil hazard\nfact: call\nwhere: %s\nmessage: m\n", cases[i].where);
        struct fixture f;
        const char *rules[] = {rule};
        fixture_load(&f, rules, 1, CALLS);
        fixture_run(&f);
        bool first = found(&f, "TST01", 2) != NULL, second = found(&f, "TST01", 3) != NULL;
        if (first != cases[i].first || second != cases[i].second) {
            fprintf(stderr, "where %s: %d %d\n", cases[i].where, first, second);
            failures++;
        }
        fixture_free(&f);
    }
}

static void
test_bad_rules(void)
{
    static const char *const bad[] = {
        "severity: own-gil hazard\nfact: nothing\nmessage: m\n",
        "severity: own-gil hazard\nfact: call\nwhere: calle is x\nmessage: m\n",
        "severity: own-gil hazard\nfact: call\nwhere: callee resembles x\nmessage: m\n",
        "severity: own-gil hazard\nfact: call\nwhere: callee in nosuch\nmessage: m\n",
        "severity: own-gil hazard\nfact: call\nwhere: callee in calls:colour=red\nmessage: m\n",
        "severity: own-gil hazard\nfact: call\nwhere: callee > 3\nmessage: m\n",
        "severity: own-gil hazard\nfact: call\nwhere: nargs has 3\nmessage: m\n",
        "severity: own-gil hazard\nfact: call\nwhere: callee is\nmessage: m\n",
        "severity: own-gil disaster\nfact: call\nmessage: m\n",
        "severity: moon blocker\nfact: call\nmessage: m\n",
        "severity: own-gil hazard\nfact: call\nmessage: {calle}\n",
        "severity: own-gil hazard\nfact: call\nmessage: {calls:colour}\n",
        "severity: own-gil hazard\nfact: call\ncolour: red\nmessage: m\n",
        "severity: own-gil hazard\nfact: call\nmessage: m\nmessage: n\n",
        "severity: own-gil hazard\nfact: call\nsymbol: calle\nmessage: m\n",
        "severity: own-gil hazard\nfact: call\n",
        "severity: own-gil hazard\nmessage: m\n",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct ruleset set = {0};
        CHECK(api_table_load(&set, "api/calls.tsv", TABLE));
        if (add_rule(&set, "TST01", bad[i])) {
            fprintf(stderr, "accepted: %s\n", bad[i]);
            failures++;
        }
        ruleset_free(&set);
    }
    struct ruleset set = {0};
    CHECK(!api_table_load(&set, "api/x.tsv", "name\tb\nonly-one-cell\n"));
    CHECK(!api_table_load(&set, "api/y.tsv", "name\tb\nx\t1\nx\t2\n"));
    CHECK(!rule_file_load(&set, "x.md", ""));
    CHECK(!rule_file_load(&set, "x.md", "---\nid: TST01\n"));
    CHECK(!rule_file_load(&set, "x.md", "no front matter\n"));
    ruleset_free(&set);
}

static void
test_texts(void)
{
    static const char *const rules[] = {
        "severity: own-gil hazard\nfact: call\nwhere: callee is PyA\n"
        "message: {callee}() in {func}, use {calls:better}; not {0, NULL}\n",
        "severity: own-gil hazard\nfact: variable\nmessage: '{name}' is written by {writers}\n"
        "note: changed\n",
    };
    struct fixture f;
    fixture_load(&f, rules, 2,
                 CALLS "variable\t9:1-4\tid=a.c#v\tname=v\twriters=a.c#f,a.c#g\tis_definition=1\n"
                       "access\t11:2-3\tfunc=a.c#g\thow=write\tvar=a.c#v\tentry=init\tseq=1\n"
                       "access\t12:2-3\tfunc=a.c#f\thow=rmw\tvar=a.c#v\tentry=run\tseq=3\n"
                       "access\t13:2-3\tfunc=a.c#f\thow=read\tvar=a.c#v\tentry=run\tseq=4\n");
    fixture_run(&f);
    const struct finding *call = found(&f, "TST01", 2), *variable = found(&f, "TST02", 9);
    CHECK(call && strcmp(call->message, "PyA() in f, use PyARef; not {0, NULL}") == 0);
    CHECK(call && strcmp(call->symbol, "PyA") == 0 && strcmp(call->function, "f") == 0);
    CHECK(call && call->modules && strcmp(call->modules, "m") == 0);
    CHECK(variable && strcmp(variable->message, "'v' is written by f, g") == 0);
    CHECK(variable && variable->related.n == 2);
    if (variable && variable->related.n == 2) {
        CHECK(variable->related.at[0].place.line == 12); /* run-time writes come first */
        CHECK(strstr(variable->related.at[0].text, "changed in 'f'") != NULL);
        CHECK(variable->related.at[1].place.line == 11);
    }
    fixture_free(&f);
}

/* TST03 drops TST02 drops TST01: one finding, whatever the order; another fact keeps its own. */
static void
test_supersedes(void)
{
    static const char *const rules[] = {
        "severity: own-gil hazard\nfact: call\nmessage: m\n",
        "severity: own-gil hazard\nfact: variable\nmessage: m\nsupersedes: TST01\n",
        ("severity: own-gil blocker\nfact: call\nwhere: callee is PyA\nmessage: m\n"
         "supersedes: TST02\n"),
        "severity: none\nfact: call\nwhere: callee is PyB_x\nmessage: m\nsupersedes: TST01\n",
    };
    struct fixture f;
    fixture_load(&f, rules, 4, CALLS);
    fixture_run(&f);
    CHECK(found(&f, "TST03", 2) && !found(&f, "TST01", 2));  /* transitive */
    CHECK(!found(&f, "TST01", 3) && !found(&f, "TST04", 3)); /* an exclusion */
    CHECK(f.out.all.n == 1);
    fixture_free(&f);
}

static void
test_severities(void)
{
    static const char *const rules[] = {
        "severity: own-gil hazard, port hazard\nfact: call\nwhere: callee is PyA\nmessage: m\n"
        "severity-if: own-gil blocker when entry has run\n"
        "severity-if: own-gil advice when entry has run and nargs is 7\n",
        "severity: port hazard\nfact: call\nwhere: callee is PyA\nmessage: m\n",
        "severity: reload blocker\nfact: call\nmessage: m\n",
    };
    struct fixture f;
    fixture_load(&f, rules, 3, CALLS);
    fixture_run(&f);
    const struct finding *one = found(&f, "TST01", 2), *port = found(&f, "TST02", 2);
    CHECK(one && one->severity[TARGET_OWN_GIL] == SEVERITY_BLOCKER);
    CHECK(one && one->severity[TARGET_PORT] == SEVERITY_NONE);
    CHECK(port && port->worst == SEVERITY_ADVICE); /* only port, which nobody asked for: a note */
    CHECK(!found(&f, "TST03", 0));                 /* only reload, which nobody asked for */
    fixture_free(&f);
}

#define MODULE(own, gil)                                                                           \
    "@ a.c\nunit\t0:0-0\tpath=a.c\tstatus=ok\tpython=3.14\n"                                       \
    "module\t1:1-2\tname=m\tphase=multi\town=" own "\tgil=" gil "\tunits=a.c\n"

static enum verdict
verdict_of(const char *rule, const char *facts, enum target t, const char *failed,
           const char **reason)
{
    static char kept[256];
    struct fixture f;
    const char *rules[] = {rule};
    fixture_load(&f, rules, 1, facts);
    if (failed) {
        struct failed_file file = {failed, "syntax error", false};
        vec_push(&f.out.failed, file);
    }
    fixture_run(&f);
    struct program p = {.facts = &f.facts, .rules = &f.set};
    verdicts_compute(&p, &f.options, &f.out);
    enum verdict v = VERDICT_READY;
    CHECK(f.out.modules.n == 1);
    if (f.out.modules.n == 1) {
        CHECK(f.out.modules.at[0].verdict[t].asked);
        v = f.out.modules.at[0].verdict[t].verdict;
        snprintf(kept, sizeof(kept), "%s", f.out.modules.at[0].verdict[t].reason);
        *reason = kept;
    }
    vec_free(&f.out.failed);
    fixture_free(&f);
    return v;
}

#define RULE(severity) "severity: " severity "\nfact: call\nmessage: m\n"
#define CALL "call\t2:5-9\tcallee=PyA\tseq=1\tmodules=m\n"

/* The table of verdicts: loads x safe x coverage. */
static void
test_verdicts(void)
{
    static const struct {
        const char *rule, *facts;
        enum target target;
        const char *failed;
        enum verdict verdict;
    } cases[] = {
        {RULE("own-gil hazard"), MODULE("per-interpreter", "not-used"), TARGET_OWN_GIL, NULL,
         VERDICT_READY},
        {RULE("own-gil advice"), MODULE("per-interpreter", "not-used") CALL, TARGET_OWN_GIL, NULL,
         VERDICT_READY},
        {RULE("own-gil hazard"), MODULE("per-interpreter", "not-used") CALL, TARGET_OWN_GIL, NULL,
         VERDICT_READY_WITH_WARNINGS},
        {RULE("own-gil blocker"), MODULE("per-interpreter", "not-used") CALL, TARGET_OWN_GIL, NULL,
         VERDICT_NOT_READY},
        {RULE("own-gil hazard"), MODULE("absent", "not-used"), TARGET_OWN_GIL, NULL,
         VERDICT_NOT_READY},
        {RULE("own-gil hazard"), MODULE("supported", "not-used"), TARGET_OWN_GIL, NULL,
         VERDICT_NOT_READY},
        {RULE("own-gil hazard"), MODULE("unresolved", "not-used"), TARGET_OWN_GIL, NULL,
         VERDICT_UNKNOWN},
        {RULE("own-gil hazard"), MODULE("per-interpreter", "not-used"), TARGET_OWN_GIL, "b.c",
         VERDICT_UNKNOWN},
        {RULE("own-gil blocker"), MODULE("per-interpreter", "not-used") CALL, TARGET_OWN_GIL, "b.c",
         VERDICT_NOT_READY},
        {RULE("own-gil hazard"), MODULE("absent", "not-used"), TARGET_OWN_GIL, "b.c",
         VERDICT_NOT_READY},
        {RULE("own-gil hazard"), MODULE("absent", "absent") CALL, TARGET_SHARED_GIL, NULL,
         VERDICT_READY},
        {RULE("free-threaded hazard"), MODULE("absent", "absent") CALL, TARGET_FREE_THREADED, NULL,
         VERDICT_RUNS_WITH_GIL},
        {RULE("free-threaded hazard"), MODULE("absent", "used") CALL, TARGET_FREE_THREADED, NULL,
         VERDICT_RUNS_WITH_GIL},
        {RULE("free-threaded blocker"), MODULE("absent", "absent") CALL, TARGET_FREE_THREADED, NULL,
         VERDICT_NOT_READY},
        {RULE("free-threaded hazard"), MODULE("absent", "not-used") CALL, TARGET_FREE_THREADED,
         NULL, VERDICT_READY_WITH_WARNINGS},
        {RULE("free-threaded hazard"), MODULE("absent", "absent"), TARGET_FREE_THREADED, "b.c",
         VERDICT_UNKNOWN},
        {RULE("own-gil hazard"),
         "@ a.c\nunit\t0:0-0\tpath=a.c\tstatus=ok\tpython=3.11\n"
         "module\t1:1-2\tname=m\tphase=multi\town=unresolved\tgil=unresolved\tunits=a.c\n",
         TARGET_OWN_GIL, NULL, VERDICT_UNKNOWN},
        {RULE("own-gil hazard"),
         "@ a.c\nunit\t0:0-0\tpath=a.c\tstatus=ok\tpython=3.14\tlimited=0x030c0000\n"
         "module\t1:1-2\tname=m\tphase=multi\town=absent\tgil=not-used\tunits=a.c\n",
         TARGET_FREE_THREADED, NULL, VERDICT_NOT_READY},
        {RULE("own-gil hazard"),
         "@ a.c\nunit\t0:0-0\tpath=a.c\tstatus=ok\tpython=3.14\n"
         "module\t1:1-2\tname=m\tphase=multi\town=per-interpreter\tunits=a.c\tholes=helper\n",
         TARGET_OWN_GIL, NULL, VERDICT_UNKNOWN},
        {RULE("own-gil hazard"),
         "@ "
         "a.c\nunit\t0:0-0\tpath=a.c\tstatus=ok\nmodule\t1:1-2\tname=m\tphase=unknown\tunits=a.c\n",
         TARGET_SHARED_GIL, NULL, VERDICT_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *reason = "";
        enum verdict v =
            verdict_of(cases[i].rule, cases[i].facts, cases[i].target, cases[i].failed, &reason);
        if (v != cases[i].verdict) {
            fprintf(stderr, "verdict %zu: %s, expected %s (%s)\n", i, verdict_name(v),
                    verdict_name(cases[i].verdict), reason);
            failures++;
        }
        CHECK(*reason);
    }
}

static void
test_needs(void)
{
    static const char *const rules[] = {
        "severity: own-gil blocker\nfact: module\nneeds: own-gil blocker\nmessage: m\n",
        "severity: own-gil advice\nfact: module\nneeds-none: own-gil hazard\nmessage: m\n",
        "severity: own-gil blocker\nfact: call\nmessage: m\n",
        "severity: own-gil blocker\nfact: unit\ndecides: loading\nmessage: m\n",
    };
    struct fixture f;
    fixture_load(&f, rules, 4, MODULE("per-interpreter", "not-used") CALL);
    fixture_run(&f);
    CHECK(found(&f, "TST01", 0) && !found(&f, "TST02", 0));
    fixture_free(&f);
    fixture_load(&f, rules, 4, MODULE("per-interpreter", "not-used"));
    fixture_run(&f);
    CHECK(!found(&f, "TST01", 0) && found(&f, "TST02", 0));
    fixture_free(&f);
}

static void
test_selection(void)
{
    static const char *const rules[] = {
        "severity: own-gil hazard\nfact: call\nmessage: m\n",
        "severity: own-gil hazard\nfact: call\nmessage: m\nsupersedes: TST01\n",
    };
    static const char *const ignore[] = {"test-2", NULL}, *const family[] = {"TST", NULL};
    struct fixture f;
    fixture_load(&f, rules, 2, CALLS);
    f.options.ignore = ignore;
    fixture_run(&f);
    CHECK(f.out.all.n == 0); /* what supersedes still does when it is hidden */
    fixture_free(&f);
    fixture_load(&f, rules, 2, CALLS);
    f.options.select = family;
    fixture_run(&f);
    CHECK(f.out.all.n == 2);
    fixture_free(&f);
}

/* The same place seen in two flavours is one finding; test modules give notes. */
static void
test_doubles(void)
{
    static const char *const rules[] = {"severity: own-gil blocker\nfact: call\nmessage: m\n"};
    struct fixture f;
    fixture_load(&f, rules, 1,
                 "@ a.c\ncall\t2:5-9\tcallee=PyA\tmodules=m\ncall\t2:5-9\tcallee=PyA\tmodules=n\n"
                 "call\t3:5-9\tcallee=PyA\tmodules=_testm\ttest_code=1\n");
    fixture_run(&f);
    CHECK(f.out.all.n == 2);
    const struct finding *both = found(&f, "TST01", 2), *test = found(&f, "TST01", 3);
    CHECK(both && strcmp(both->modules, "m,n") == 0 && both->worst == SEVERITY_BLOCKER);
    CHECK(test && test->worst == SEVERITY_ADVICE && f.out.notes.n == 1);
    fixture_free(&f);
}

/* Every rule and table of the program itself loads and is complete. */
static void
test_own_rules(void)
{
    struct ruleset set;
    CHECK(ruleset_load(&set, NULL, NULL));
    CHECK(set.rules.n > 100 && set.tables.n >= 12);
    CHECK(ruleset_check(&set) == 0);
    CHECK(ruleset_find(&set, "init-single-phase") == ruleset_find(&set, "INI01"));
    CHECK(str_same(api_table_cell(ruleset_table(&set, "borrowed_refs"), "PyList_GetItem",
                                  "strong_replacement"),
                   "PyList_GetItemRef"));
    ruleset_free(&set);
}

int
main(void)
{
    test_operators();
    test_bad_rules();
    test_texts();
    test_supersedes();
    test_severities();
    test_verdicts();
    test_needs();
    test_selection();
    test_doubles();
    test_own_rules();
    return failures ? 1 : 0;
}
