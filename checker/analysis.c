#include "analysis.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "elf/elf_front.h"
#include "rules/suppress.h"
#include "rules/verdict.h"
#include "settings.h"

/* ---- facts ----------------------------------------------------------------------------------- */

static bool
analysis_has_failed(const struct findings *findings, const char *file, bool partial)
{
    for (size_t i = 0; i < findings->failed.n; i++) {
        const struct failed_file *f = &findings->failed.at[i];
        if (f->partial == partial && str_same(f->file, file)) {
            return true;
        }
    }
    return false;
}

/* A file is named once, with what costs it more. */
static void
analysis_failed(void *context, const char *file, const char *reason, bool partial)
{
    struct findings *findings = context;
    if (analysis_has_failed(findings, file, false) ||
        analysis_has_failed(findings, file, partial)) {
        return;
    }
    for (size_t i = 0; i < findings->failed.n; i++) {
        struct failed_file *f = &findings->failed.at[i];
        if (str_same(f->file, file)) { /* it was partial, now it is whole */
            f->reason = arena_string(&findings->arena, reason ? reason : "no reason known");
            f->partial = partial;
            return;
        }
    }
    struct failed_file failed = {
        arena_string(&findings->arena, file),
        arena_string(&findings->arena, reason && *reason ? reason : "no reason known"), partial};
    vec_push(&findings->failed, failed);
}

void
analysis_read_binaries(struct analysis *a, struct options *o, const struct words *binaries)
{
    struct elf_options wanted = {.binaries = options_list(o, binaries),
                                 .sources = options_list(o, &o->files)};
    elf_extract(&wanted, &a->extracted, analysis_failed, &a->findings);
}

bool
analysis_open(struct analysis *a, const struct analysis_context *context, const struct words *files,
              const struct header_set *headers)
{
    struct options *o = context->options;
    a->source_options = (struct source_options){
        .files = options_list(o, files),
        .flags = o->flags.list.n ? options_list(o, &o->flags) : NULL,
        .database_dir = o->database,
        .libclang = o->libclang,
        .cache_dir = settings_cache_dir(o),
        .project_root = o->root,
        .headers = headers->source,
        .jobs = o->jobs,
        .timeout_seconds = o->timeout,
        .memory_mb = o->memory,
        .progress = !o->quiet && isatty(2),
        .both_flavours = headers->targets[TARGET_FREE_THREADED],
    };
    a->source = source_open(&a->source_options);
    return a->source != NULL;
}

bool
analysis_extract(struct analysis *a)
{
    return source_extract(a->source, &a->extracted, analysis_failed, &a->findings) >= 0;
}

/* Standard input, or a regular file. */
static bool
analysis_read_text(struct str *text, const char *path)
{
    if (strcmp(path, "-") != 0) {
        return str_read_file(text, path);
    }
    char block[1 << 14];
    size_t n;
    while ((n = fread(block, 1, sizeof(block), stdin)) > 0) {
        str_addn(text, block, n);
    }
    return !ferror(stdin);
}

/* What the units say of themselves, as source_extract() would have reported it. */
static void
analysis_count_units(struct analysis *a)
{
    struct map seen = {0};
    FACTS_EACH(&a->extracted, unit, u)
    {
        const char *path = u->path ? u->path : u->at.file ? u->at.file : "?";
        void **cell = map_slot(&seen, path);
        a->findings.files_total += *cell == NULL;
        *cell = u;
        if (u->status && !str_same(u->status, "ok")) {
            bool whole = str_same(u->status, "failed") || str_same(u->status, "timeout");
            analysis_failed(&a->findings, path, u->message ? u->message : u->status, !whole);
        }
    }
    map_free(&seen);
}

bool
analysis_read_facts(struct analysis *a, const char *path)
{
    struct str text = {0};
    const char *error = NULL;
    bool good = analysis_read_text(&text, path);
    if (!good) {
        diag_error("--facts %s: %s", path,
                   errno == EINVAL ? "no regular file; - reads standard input" : strerror(errno));
    }
    else if (!text.n) {
        diag_error("--facts %s: empty; `extcheck --dump-facts FILE...` writes facts", path);
        good = false;
    }
    else if (!facts_read_text(&a->extracted, text.n ? text.s : "", text.n, &error)) {
        diag_error("--facts %s: %s", path, error);
        good = false;
    }
    else {
        analysis_count_units(a);
    }
    str_free(&text);
    return good;
}

int
analysis_python(const struct analysis *a)
{
    int oldest = 0;
    FACTS_EACH(&a->extracted, unit, u)
    {
        int hex = options_version_hex(u->python);
        if (hex && (!oldest || hex < oldest)) {
            oldest = hex;
        }
    }
    return oldest;
}

/* ---- judging --------------------------------------------------------------------------------- */

static bool
analysis_trusts(const struct options *o, const char *function)
{
    for (size_t i = 0; i < o->trusted.list.n; i++) {
        if (str_glob(o->trusted.list.at[i], function)) {
            return true;
        }
    }
    return false;
}

/* Functions of vendored libraries are no holes in the coverage. */
static void
analysis_trust(struct analysis *a, const struct options *o)
{
    int trusted = 0;
    FACTS_EACH(&a->facts, module, m)
    {
        struct str left = {0};
        for (const char *at = m->holes; at && *at;) {
            size_t n = strcspn(at, ",");
            const char *name = arena_copy(&a->findings.arena, at, n);
            if (analysis_trusts(o, name)) {
                trusted++;
            }
            else {
                str_addf(&left, "%s%s", left.n ? "," : "", name);
            }
            at += n + (at[n] == ',');
        }
        m->holes = left.n ? facts_intern(&a->facts, left.s) : NULL;
        str_free(&left);
    }
    if (trusted) {
        vec_push(&a->findings.notes, arena_printf(&a->findings.arena,
                                                  "%d functions count as analysed by the setting "
                                                  "'trusted'",
                                                  trusted));
    }
}

/* Headers too old for a target hide its declarations behind an #if: what rests on a declaration
 * that is absent says nothing about the module. What is dangerous stays dangerous. */
static void
analysis_drop_declarations(struct analysis *a, enum target t)
{
    size_t kept = 0;
    for (size_t i = 0; i < a->findings.all.n; i++) {
        struct finding *f = a->findings.all.at[i];
        if (f->rule->decides_loading || str_same(f->rule->family, "INI")) {
            f->severity[t] = SEVERITY_NONE;
            f->worst = SEVERITY_NONE;
            for (int other = 0; other < TARGETS; other++) {
                f->worst = f->severity[other] > f->worst ? f->severity[other] : f->worst;
            }
        }
        if (f->worst == SEVERITY_NONE) {
            vec_free(&f->related);
        }
        else {
            a->findings.all.at[kept++] = f;
        }
    }
    a->findings.all.n = kept;
}

static void
analysis_match_rules(struct analysis *a, const struct analysis_context *context)
{
    const struct header_set *headers = &a->headers;
    const struct header_choice *choice = context->headers;
    a->rule_options = context->rule_options;
    for (int t = 0; t < TARGETS; t++) {
        /* The free-threaded flavour of the code was not seen at all with old headers. */
        bool unserved = choice->unserved[t] && t != TARGET_FREE_THREADED;
        a->rule_options.targets[t] = headers->targets[t] || unserved;
    }
    rules_run(context->rules, &a->facts, &a->rule_options, &a->findings);
    for (int t = 0; t < TARGETS; t++) {
        if (choice->unserved[t]) {
            analysis_drop_declarations(a, (enum target)t);
        }
    }
}

static void
analysis_give_verdicts(struct analysis *a, const struct analysis_context *context)
{
    const struct header_set *headers = &a->headers;
    const char *const *unserved = context->headers->unserved;
    struct rule_options asked = a->rule_options;
    for (int t = 0; t < TARGETS; t++) {
        asked.targets[t] = headers->targets[t] || unserved[t];
    }
    verdicts_compute(&a->program, &asked, &a->findings);
    for (size_t i = 0; i < a->findings.modules.n; i++) {
        struct module_result *m = &a->findings.modules.at[i];
        for (int t = 0; t < TARGETS; t++) {
            if (unserved[t]) {
                m->verdict[t] = (struct module_verdict){VERDICT_UNKNOWN, true, NULL, unserved[t]};
            }
        }
        m->python = m->python ? m->python : headers->source.version;
    }
}

bool
analysis_split(struct analysis *a, struct analysis *other)
{
    bool wanted = a->headers.targets[TARGET_FREE_THREADED];
    const char *flavour = wanted ? "gil" : "ft";
    if (!wanted || !facts_differ(&a->extracted, flavour)) {
        facts_take(&a->extracted, flavour, &a->facts);
        return false;
    }
    other->headers = a->headers;
    for (int t = 0; t < TARGETS; t++) {
        bool ft = t == TARGET_FREE_THREADED;
        a->headers.targets[t] &= !ft;
        other->headers.targets[t] &= ft;
    }
    facts_split(&a->extracted, &other->facts, &a->facts);
    return true;
}

void
analysis_judge(struct analysis *a, const struct analysis_context *context)
{
    passes_run(&a->program, &a->facts, context->rules);
    analysis_trust(a, context->options);
    analysis_match_rules(a, context);
    suppress_apply(context->rules, &a->facts, &a->rule_options, &a->findings);
    for (size_t i = 0; i < a->findings.all.n; i++) {
        struct finding *f = a->findings.all.at[i];
        finding_fingerprint(
            f, baseline_file(&a->findings.arena, f->place.file, context->options->root));
    }
    if (context->baseline) {
        baseline_apply(context->baseline, &a->findings, context->options->root);
    }
    analysis_give_verdicts(a, context);
}

/* ---- joining --------------------------------------------------------------------------------- */

static bool
analysis_same_finding(const struct finding *a, const struct finding *b)
{
    return finding_compare(a, b) == 0;
}

/* The finding as seen with another set of headers: one finding with the targets of both. */
static bool
analysis_merge(struct findings *all, size_t before, const struct finding *f)
{
    for (size_t i = 0; i < before; i++) {
        struct finding *other = all->all.at[i];
        if (!analysis_same_finding(other, f)) {
            continue;
        }
        for (int t = 0; t < TARGETS; t++) {
            if (f->severity[t] > other->severity[t]) {
                other->severity[t] = f->severity[t];
            }
        }
        other->worst = f->worst > other->worst ? f->worst : other->worst;
        if (other->message_text) {
            finding_set_texts(other, &all->arena);
        }
        return true;
    }
    return false;
}

static bool
analysis_is_unused(const struct finding *f)
{
    return str_same(f->rule->id, "META01");
}

/* A suppression is unused when no analysis used it. */
static void
analysis_keep_unused_in_both(struct findings *all, const struct findings *more)
{
    size_t kept = 0;
    for (size_t i = 0; i < all->all.n; i++) {
        struct finding *f = all->all.at[i];
        bool found = !analysis_is_unused(f);
        for (size_t k = 0; k < more->all.n && !found; k++) {
            found = analysis_same_finding(f, more->all.at[k]);
        }
        if (found) {
            all->all.at[kept++] = f;
        }
    }
    all->all.n = kept;
}

/* How bad a verdict is, for choosing between those of two sets of headers. */
static int
analysis_badness(enum verdict v)
{
    static const int order[] = {[VERDICT_READY] = 0,
                                [VERDICT_READY_WITH_WARNINGS] = 1,
                                [VERDICT_RUNS_WITH_GIL] = 2,
                                [VERDICT_UNKNOWN] = 3,
                                [VERDICT_NOT_READY] = 4};
    return order[v];
}

static bool
analysis_has_text(const char *const *list, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++) {
        if (str_same(list[i], text)) {
            return true;
        }
    }
    return false;
}

/* The same module, judged for other targets or with other headers: the worse verdict stands. */
static void
analysis_join_module(struct findings *all, const struct module_result *m)
{
    struct module_result *known = NULL;
    for (size_t i = 0; i < all->modules.n && !known; i++) {
        struct module_result *other = &all->modules.at[i];
        /* How many units are its own may differ: one of them may be used in one flavour only. */
        bool units = !other->units.n || !m->units.n || str_same(other->units.at[0], m->units.at[0]);
        known = str_same(other->name, m->name) && units ? other : NULL;
    }
    if (!known) {
        struct module_result copy = {.name = m->name, .python = m->python};
        vec_push(&all->modules, copy);
        known = &all->modules.at[all->modules.n - 1];
    }
    for (int t = 0; t < TARGETS; t++) {
        const struct module_verdict *v = &m->verdict[t];
        bool worse = !known->verdict[t].asked ||
                     analysis_badness(v->verdict) > analysis_badness(known->verdict[t].verdict);
        if (v->asked && worse) {
            known->verdict[t] = *v;
        }
    }
    for (size_t i = 0; i < m->units.n; i++) {
        if (!analysis_has_text(known->units.at, known->units.n, m->units.at[i])) {
            vec_push(&known->units, m->units.at[i]);
        }
    }
    for (size_t i = 0; i < m->missing.n; i++) {
        if (!analysis_has_text(known->missing.at, known->missing.n, m->missing.at[i])) {
            vec_push(&known->missing, m->missing.at[i]);
        }
    }
}

/* What the notes of built modules say, for the reports. */
static void
analysis_join_binaries(struct findings *all, const struct analysis *a)
{
    if (all->binaries.n) {
        return; /* another analysis had the same files */
    }
    FACTS_EACH(&a->facts, binary, b)
    {
        if (!b->notes) {
            struct binary_note none = {.file = b->path};
            vec_push(&all->binaries, none);
        }
        FACTS_EACH(&a->facts, note, n)
        {
            if (str_same(n->at.file, b->path)) {
                struct binary_note note = {b->path, n->module, n->status, n->payload};
                vec_push(&all->binaries, note);
            }
        }
    }
}

void
analysis_join(struct findings *all, const struct analysis *a, bool first)
{
    size_t before = all->all.n;
    if (!first) {
        analysis_keep_unused_in_both(all, &a->findings);
        before = all->all.n;
    }
    for (size_t i = 0; i < a->findings.all.n; i++) {
        struct finding *f = a->findings.all.at[i];
        if (!analysis_merge(all, before, f) && (first || !analysis_is_unused(f))) {
            vec_push(&all->all, f);
        }
    }
    for (size_t i = 0; i < a->findings.modules.n; i++) {
        analysis_join_module(all, &a->findings.modules.at[i]);
    }
    for (size_t i = 0; i < a->findings.failed.n; i++) {
        const struct failed_file *f = &a->findings.failed.at[i];
        analysis_failed(all, f->file, f->reason, f->partial);
    }
    for (size_t i = 0; i < a->findings.notes.n; i++) {
        if (!analysis_has_text(all->notes.at, all->notes.n, a->findings.notes.at[i])) {
            vec_push(&all->notes, a->findings.notes.at[i]);
        }
    }
    analysis_join_binaries(all, a);
    all->files_total += a->findings.files_total;
    if (a->findings.unused_suppressions > all->unused_suppressions) {
        all->unused_suppressions = a->findings.unused_suppressions;
    }
    findings_sort(all);
}

void
analysis_free(struct analysis *a)
{
    source_close(a->source);
    findings_free(&a->findings);
    program_free(&a->program);
    facts_free(&a->facts);
    facts_free(&a->extracted);
}
