/* Findings made up for report_test.c: everything that is hard to print. The lines that the places
 * point to are in sample/src/spam.c. */
#ifndef REPORT_SAMPLE_H
#define REPORT_SAMPLE_H

#include <string.h>

#include "report/report.h"

#define SPAM "src/spam.c"

static const char page_text[] = "---\nid: GLB01\nname: global-pyobject\n---\n"
                                "# What it finds\n\nA variable that holds a Python object.\n";

static struct rule sample_rules[] = {
    {.id = "GLB01",
     .name = "global-pyobject",
     .family = "glb",
     .since = "0.1",
     .confidence = CONFIDENCE_HIGH,
     .fact = FACT_variable,
     .page = page_text,
     .what = "A variable that holds a\nPython object. It is shared by all interpreters.",
     .severity = {SEVERITY_BLOCKER, SEVERITY_HAZARD, SEVERITY_ADVICE, SEVERITY_HAZARD, 0}},
    {.id = "GLB11",
     .name = "global-counter",
     .family = "glb",
     .since = "0.1",
     .confidence = CONFIDENCE_MEDIUM,
     .fact = FACT_variable,
     .page = "",
     .severity = {SEVERITY_HAZARD, SEVERITY_NONE, SEVERITY_HAZARD, SEVERITY_NONE, 0}},
    {.id = "PRT01",
     .name = "removed-api",
     .family = "prt",
     .since = "0.1",
     .confidence = CONFIDENCE_HIGH,
     .fact = FACT_call,
     .page = "no front matter",
     .what = "A call of something that is gone.",
     .severity = {0, 0, 0, 0, SEVERITY_BLOCKER}},
};

/* Not part of the rule set. */
static struct rule stray_rule = {.id = "ZZZ99",
                                 .name = "stray",
                                 .confidence = CONFIDENCE_LOW,
                                 .fact = FACT_function,
                                 .severity = {SEVERITY_HAZARD, 0, 0, 0, 0}};

static void
sample_ruleset(struct ruleset *rules)
{
    for (size_t i = 0; i < sizeof(sample_rules) / sizeof(sample_rules[0]); i++) {
        vec_push(&rules->rules, &sample_rules[i]);
    }
}

static struct finding *
sample_add(struct findings *all, const struct rule *rule, const char *file, int line, int column,
           int end, const char *message)
{
    struct finding *f = arena_alloc(&all->arena, sizeof(*f));
    f->rule = rule;
    f->place = (struct place){file, line, column, end};
    for (int t = 0; t < TARGETS; t++) {
        enum severity s = rule->severity[t];
        f->severity[t] = s;
        s = t == TARGET_PORT && s > SEVERITY_ADVICE ? SEVERITY_ADVICE : s;
        f->worst = s > f->worst ? s : f->worst;
    }
    f->message = message;
    vec_push(&all->all, f);
    return f;
}

static void
sample_relate(struct finding *f, const char *file, int line, int column, int end, const char *text)
{
    struct related related = {{file, line, column, end}, text};
    vec_push(&f->related, related);
}

/* What a careful front-end would send. */
static void
sample_add_plain(struct findings *all)
{
    struct finding *f = sample_add(all, &sample_rules[0], SPAM, 4, 18, 23,
                                   "static variable 'cache' (PyObject *) holds a Python object");
    f->fix = "keep it in module state";
    f->symbol = "cache";
    f->modules = "_spam,_spam_speedups";
    f->line_text = "static PyObject *cache;";
    sample_relate(f, SPAM, 10, 3, 8, "written here");
    sample_relate(f, "src/absent.c", 3, 1, 4, "and [here] too");

    f = sample_add(all, &sample_rules[0], SPAM, 10, 38, 48, "an object behind wide characters");
    f->symbol = "PyDict_New";
    f->function = "spam_get";
    f->modules = "_spam";

    f = sample_add(all, &sample_rules[2], SPAM, 12, 9, 18, "'Py_NewRef' & co. < \"3.10\"");
    f->symbol = f->function = "spam_get";

    for (int line = 15; line <= 16; line++) {
        f = sample_add(all, &sample_rules[1], SPAM, line, 12, 19, "the same twice");
        f->symbol = "counter";
        f->line_text = "static int counter; /* the same text */";
    }
    f = sample_add(all, &sample_rules[1], SPAM, 17, 457, 467, "far to the right");
    f->symbol = "at_the_end";
}

/* What a careless or hostile source could make it send. */
static void
sample_add_odd(struct findings *all)
{
    struct finding *f = sample_add(all, &sample_rules[0], "src/odd name,%:\xC3\xBC.c", 0, 0, 0,
                                   "no line\nbut a second one, 100 %: \x1B[31mred\xE2\x80\xAE");
    f->symbol = "";
    f->fix = "";
    f = sample_add(all, &sample_rules[0], "src/bytes\xFF.c", 7, 3, 6,
                   "no UTF-8: \xC0\xAF\xED\xA0\x80");
    f->line_text = "\t\xFF\x1B]0;x\x07 = \xF0\x9F\x98\x80;";
    f->symbol = "s\xFE";
    f = sample_add(all, &stray_rule, "/elsewhere/include/x.h", 2, 90, 95, "");
    f->line_text = "short";
    f->function = "f";
    f = sample_add(all, &stray_rule, "/elsewhere/include/x.h", 2, 1, 900, "goes on below");
    f->line_text = "short";
    f->symbol = "g";
    f->function = "f";

    f = sample_add(all, &sample_rules[0], SPAM, 4, 1, 7, "suppressed in the source");
    f->suppression = SUPPRESSED_IN_SOURCE;
    f->reason = "guarded by \"the\" import lock";
    f = sample_add(all, &sample_rules[1], SPAM, 5, 0, 0, "known for long");
    f->suppression = SUPPRESSED_BY_BASELINE;

    f = sample_add(all, &sample_rules[0], SPAM, 1, 1, 2, "MUST NOT APPEAR");
    memset(f->severity, 0, sizeof(f->severity));
    f->worst = SEVERITY_NONE;
}

static struct module_result *
sample_module(struct findings *all, const char *name, const char *python)
{
    struct module_result module = {.name = name, .python = python};
    vec_push(&all->modules, module);
    return &all->modules.at[all->modules.n - 1];
}

static void
sample_verdict(struct module_result *m, enum target t, enum verdict verdict,
               const struct finding *deciding, const char *reason)
{
    m->verdict[t] = (struct module_verdict){verdict, true, deciding, reason};
}

static void
sample_add_modules(struct findings *all)
{
    struct module_result *m = sample_module(all, "_spam", "3.13");
    const struct finding *first = all->all.at[0];
    sample_verdict(m, TARGET_OWN_GIL, VERDICT_NOT_READY, first, NULL);
    sample_verdict(m, TARGET_SHARED_GIL, VERDICT_READY_WITH_WARNINGS, first, "holds an object");
    sample_verdict(m, TARGET_FREE_THREADED, VERDICT_RUNS_WITH_GIL, NULL,
                   "declares no free-threaded support");
    vec_push(&m->units, SPAM);
    vec_push(&m->units, "src/./clean.c");
    vec_push(&m->missing, "spam_helper() is called and no given file defines it");
    m = sample_module(all, "_\xE5\xA4\xA7", NULL);
    sample_verdict(m, TARGET_OWN_GIL, VERDICT_READY, NULL, NULL);
    sample_verdict(m, TARGET_FREE_THREADED, VERDICT_UNKNOWN, NULL, "needs 3.13+ headers");
    vec_push(&m->units, "src/clean.c");

    struct failed_file late = {"src/zeta.c", "syntax error at 12:3: expected ';'", true};
    struct failed_file early = {"src/alpha.c", "'missing.h' not found", false};
    vec_push(&all->failed, late);
    vec_push(&all->failed, early);
    vec_push(&all->notes, "headers of Python 3.13 used for own-gil");
    all->files_total = 9;
    all->files_analysed = 8;
    all->unused_suppressions = 1;
    all->stale_baseline = 2;
}

static void
sample_mixed(struct findings *all)
{
    sample_add_plain(all);
    sample_add_odd(all);
    sample_add_modules(all);
}

/* More than GitHub shows of two levels. */
static void
sample_many(struct findings *all)
{
    for (int i = 12; i > 0; i--) {
        sample_add(all, &sample_rules[0], SPAM, i, 1, 2, "one of many");
        sample_add(all, &sample_rules[2], SPAM, i, 1, 2, "one of many");
    }
    all->files_total = all->files_analysed = 1;
}

#endif
