/* rules_run(): facts become findings. */
#include <stdlib.h>
#include <string.h>

#include "rules/place.h"

/* A rule that holds for a fact, before it is known whether another one says it better. */
struct candidate {
    const struct rule *rule;
    const struct fact *fact;
    const struct candidate *same_place; /* the one before it at the same place */
    bool dropped;
};

struct run {
    struct match_context match;
    struct findings *out;
    VEC(struct candidate *) candidates;
    VEC(const struct rule *) by_kind[FACT_KINDS];
    struct map places; /* file:line:column -> last candidate */
    int tests_lowered;
};

static bool
run_named(const char *const *words, const struct rule *rule)
{
    for (size_t i = 0; words[i]; i++) {
        if (*words[i] && (str_starts(rule->id, words[i]) || str_same(rule->name, words[i]))) {
            return true;
        }
    }
    return false;
}

/* A rule that the user does not want still supersedes: to ignore GLB03 must not bring up GLB01 for
 * the same variable. */
static bool
run_shows(const struct rule_options *o, const struct rule *rule)
{
    return (!o->select || run_named(o->select, rule)) && !(o->ignore && run_named(o->ignore, rule));
}

static void
run_collect_rules(struct run *run)
{
    const struct rule_options *o = run->match.options;
    for (size_t i = 0; i < run->match.set->rules.n; i++) {
        const struct rule *rule = run->match.set->rules.at[i];
        if (rule->confidence >= o->min_confidence && rule->python_last >= o->min_python &&
            rule->min_python <= o->min_python) {
            vec_push(&run->by_kind[rule->fact], rule);
        }
    }
}

static bool
run_supersedes(const struct rule *winner, const struct rule *loser)
{
    for (size_t i = 0; i < winner->superseded.n; i++) {
        if (winner->superseded.at[i] == loser) {
            return true;
        }
    }
    return false;
}

/* The same thing: one fact, or facts of different kinds at one place (a variable and what a pass
 * found out about it). Two variables that one macro declares are not the same. */
static bool
run_same_thing(const struct candidate *a, const struct candidate *b)
{
    return a->fact == b->fact || a->fact->kind != b->fact->kind ||
           (a->fact->kind == FACT_flaw &&
            str_same(match_field(a->fact, "subject"), match_field(b->fact, "subject")));
}

static void
run_drop(struct candidate *a, struct candidate *b)
{
    if (run_same_thing(a, b)) {
        b->dropped = b->dropped || run_supersedes(a->rule, b->rule);
        a->dropped = a->dropped || run_supersedes(b->rule, a->rule);
    }
}

static void
run_add_candidate(struct run *run, const struct rule *rule, const struct fact *f)
{
    struct candidate *c = arena_alloc(&run->match.arena, sizeof(*c));
    c->rule = rule;
    c->fact = f;
    const char *key =
        arena_printf(&run->match.arena, "%s:%d:%d", f->file ? f->file : "", f->line, f->column);
    void **last = map_slot(&run->places, key);
    for (struct candidate *other = *last; other;
         other = (struct candidate *)(void *)other->same_place) {
        run_drop(c, other);
    }
    c->same_place = *last;
    *last = c;
    vec_push(&run->candidates, c);
}

static void
run_match_facts(struct run *run)
{
    for (int kind = 0; kind < FACT_KINDS; kind++) {
        for (size_t i = 0; run->by_kind[kind].n && i < run->match.facts->by_kind[kind].n; i++) {
            const struct fact *f = run->match.facts->by_kind[kind].at[i];
            for (size_t k = 0; k < run->by_kind[kind].n; k++) {
                if (match_rule(&run->match, run->by_kind[kind].at[k], f)) {
                    run_add_candidate(run, run->by_kind[kind].at[k], f);
                }
            }
        }
    }
}

/* Severities for the targets asked for. What concerns only port is a note when port is not asked
 * for. False when nothing is left. */
static bool
run_severity(const struct run *run, const struct candidate *c, bool test, struct finding *out)
{
    enum severity all[TARGETS];
    match_severity(&run->match, c->rule, c->fact, all);
    out->worst = SEVERITY_NONE;
    for (int t = 0; t < TARGETS; t++) {
        enum severity s = run->match.options->targets[t] ? all[t] : SEVERITY_NONE;
        s = test && s > SEVERITY_ADVICE ? SEVERITY_ADVICE : s;
        out->severity[t] = s;
        out->worst = s > out->worst ? s : out->worst;
    }
    bool only_port = all[TARGET_PORT] != SEVERITY_NONE;
    for (int t = 0; t < TARGETS; t++) {
        only_port = only_port && (t == TARGET_PORT || all[t] == SEVERITY_NONE);
    }
    if (only_port && !run->match.options->targets[TARGET_PORT]) {
        out->severity[TARGET_PORT] = SEVERITY_ADVICE;
        out->worst = SEVERITY_ADVICE;
    }
    return out->worst != SEVERITY_NONE;
}

static void
run_add_finding(struct run *run, const struct candidate *c)
{
    struct arena *arena = &run->out->arena;
    const struct fact *f = c->fact;
    struct finding *finding = arena_alloc(arena, sizeof(*finding));
    const char *modules = place_modules(&run->match, f, arena);
    bool test = place_is_test(&run->match, f, modules);
    if (!run_severity(run, c, test, finding)) {
        return;
    }
    run->tests_lowered += test;
    finding->rule = c->rule;
    finding->place = (struct place){f->file ? arena_string(arena, f->file) : NULL, f->line,
                                    f->column, f->end_column};
    finding->message_text = message_fill(&run->match, arena, c->rule->message, f);
    finding->fix_text = message_fill(&run->match, arena, c->rule->fix, f);
    finding_set_texts(finding, arena);
    finding->symbol = place_symbol(c->rule, f, arena);
    finding->function = place_function(f, arena);
    finding->modules = modules;
    related_add(&run->match, f, finding, arena);
    vec_push(&run->out->all, finding);
}

static int
run_compare(const void *a, const void *b)
{
    const struct finding *const *left = a, *const *right = b;
    return finding_compare(*left, *right);
}

static void
run_merge(struct run *run, struct finding *into, const struct finding *from)
{
    struct arena *arena = &run->out->arena;
    for (int t = 0; t < TARGETS; t++) {
        if (from->severity[t] > into->severity[t]) {
            into->severity[t] = from->severity[t];
        }
    }
    finding_set_texts(into, arena);
    into->worst = from->worst > into->worst ? from->worst : into->worst;
    into->modules = place_join(arena, into->modules, from->modules);
}

static bool
run_same_finding(const struct finding *a, const struct finding *b)
{
    return a->rule == b->rule && str_same(a->place.file, b->place.file) &&
           a->place.line == b->place.line && a->place.column == b->place.column &&
           str_same(a->symbol, b->symbol);
}

/* Sorts, and joins what two flavours or two units both say. */
static void
run_sort(struct run *run)
{
    struct findings *out = run->out;
    if (!out->all.n) {
        return;
    }
    qsort(out->all.at, out->all.n, sizeof(*out->all.at), run_compare);
    size_t kept = 1;
    for (size_t i = 1; i < out->all.n; i++) {
        struct finding *last = out->all.at[kept - 1];
        if (run_same_finding(last, out->all.at[i])) {
            run_merge(run, last, out->all.at[i]);
            vec_free(&out->all.at[i]->related);
        }
        else {
            out->all.at[kept++] = out->all.at[i];
        }
    }
    out->all.n = kept;
}

/* The first finding of a module that is of that severity for that target and no declaration. */
static struct finding *
run_evidence(const struct findings *out, const char *module, const struct rule_need *need)
{
    for (size_t i = 0; i < out->all.n; i++) {
        struct finding *f = out->all.at[i];
        if (f->severity[need->target] >= need->severity && !f->rule->needs.n &&
            !f->rule->decides_loading && !f->rule->decides_import && f->modules &&
            str_list_has(f->modules, module)) {
            return f;
        }
    }
    return NULL;
}

static bool
run_needs_hold(const struct run *run, const char *module, struct finding *f)
{
    const struct finding *evidence = NULL;
    for (size_t i = 0; i < f->rule->needs.n; i++) {
        const struct rule_need *need = &f->rule->needs.at[i];
        const struct finding *found = run_evidence(run->out, module, need);
        if (!run->match.options->targets[need->target] || (found == NULL) != need->none) {
            return false;
        }
        evidence = evidence ? evidence : found;
    }
    if (evidence) {
        struct related r = {evidence->place, arena_printf(&run->out->arena, "%s: %s",
                                                          evidence->rule->id, evidence->message)};
        vec_push(&f->related, r);
    }
    return true;
}

/* Findings of rules with `needs`, which look at the other findings of their module. */
static void
run_check_needs(struct run *run)
{
    struct findings *out = run->out;
    VEC(struct finding *) kept = {0};
    for (size_t i = 0; i < out->all.n; i++) {
        struct finding *f = out->all.at[i];
        bool keep = !f->rule->needs.n;
        STR_WORDS_EACH(f->modules, module)
        {
            const char *name = arena_copy(&run->match.arena, module.at, module.n);
            keep = keep || run_needs_hold(run, name, f);
        }
        if (keep) {
            vec_push(&kept, f);
        }
        else {
            vec_free(&f->related);
        }
    }
    vec_free(&out->all);
    out->all.at = kept.at;
    out->all.n = kept.n;
    out->all.cap = kept.cap;
}

/* After `needs`, so that what the user hides still counts as evidence against a declaration. */
static void
run_hide(struct run *run)
{
    size_t kept = 0;
    for (size_t i = 0; i < run->out->all.n; i++) {
        struct finding *f = run->out->all.at[i];
        if (run_shows(run->match.options, f->rule)) {
            run->out->all.at[kept++] = f;
        }
        else {
            vec_free(&f->related);
        }
    }
    run->out->all.n = kept;
    rules_hide_file_ignored(run->match.options, run->out);
}

void
rules_run(const struct ruleset *set, const struct facts *facts, const struct rule_options *options,
          struct findings *out)
{
    struct run run = {.out = out};
    match_begin(&run.match, set, facts, options);
    run_collect_rules(&run);
    run_match_facts(&run);
    for (size_t i = 0; i < run.candidates.n; i++) {
        if (!run.candidates.at[i]->dropped) {
            run_add_finding(&run, run.candidates.at[i]);
        }
    }
    run_sort(&run);
    run_check_needs(&run);
    run_hide(&run);
    place_read_lines(out);
    for (size_t i = 0; i < out->all.n; i++) {
        finding_fingerprint(out->all.at[i], out->all.at[i]->place.file);
    }
    if (run.tests_lowered) {
        vec_push(&out->notes, arena_printf(&out->arena,
                                           "%d findings in test modules (_test*) "
                                           "are shown as advice",
                                           run.tests_lowered));
    }
    for (int kind = 0; kind < FACT_KINDS; kind++) {
        vec_free(&run.by_kind[kind]);
    }
    vec_free(&run.candidates);
    map_free(&run.places);
    match_end(&run.match);
}
