#include "analysis.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "elf/elf_front.h"
#include "options/options.h"
#include "rules/suppress.h"
#include "rules/verdict.h"

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

void
analysis_failed(void *all, const char *file, const char *reason, bool partial)
{
    struct findings *findings = all;
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
        .cache_dir = options_cache_dir(o),
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

const char *
analysis_pythons(struct analysis *a)
{
    const char *all = NULL;
    FACTS_EACH(&a->extracted, unit, u)
    {
        if (u->python && !str_list_has(all, u->python)) {
            all = all ? arena_printf(&a->findings.arena, "%s,%s", all, u->python) : u->python;
        }
    }
    return all;
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
        STR_WORDS_EACH(m->holes, hole)
        {
            const char *name = arena_copy(&a->findings.arena, hole.at, hole.n);
            if (analysis_trusts(o, name)) {
                m->trusted++;
                trusted++;
            }
            else {
                str_addf(&left, "%s%s", left.n ? "," : "", name);
            }
        }
        m->holes = left.n ? facts_intern(&a->facts, left.s) : NULL;
        str_free(&left);
    }
    if (trusted) {
        vec_push(&a->findings.notes, arena_printf(&a->findings.arena,
                                                  "%d function%s as analysed by the setting "
                                                  "'trusted'",
                                                  trusted, trusted == 1 ? " counts" : "s count"));
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

void
analysis_free(struct analysis *a)
{
    source_close(a->source);
    findings_free(&a->findings);
    program_free(&a->program);
    facts_free(&a->facts);
    facts_free(&a->extracted);
}
