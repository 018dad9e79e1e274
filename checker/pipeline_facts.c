/* Where the facts come from: a file of facts, sources, binaries, or what an earlier run kept. */
#include <string.h>

#include "elf/elf_front.h"
#include "gate/gate.h"
#include "inputs.h"
#include "pipeline.h"
#include "pipeline_run.h"
#include "report/report.h"

static struct analysis *
facts_new_analysis(struct pipeline *p)
{
    struct analysis *a = xcalloc(1, sizeof(*a));
    vec_push(&p->analyses, a);
    return a;
}

bool
pipeline_read_facts(struct pipeline *p)
{
    struct analysis *a = facts_new_analysis(p);
    if (!analysis_read_facts(a, p->o->facts)) {
        return false;
    }
    headers_of_facts(p->o, analysis_python(a), &p->headers);
    const char *pythons = analysis_pythons(a);
    if (pythons) {
        const char *from = strcmp(p->o->facts, "-") == 0 ? "standard input" : p->o->facts;
        vec_push(&p->headers.notes,
                 arena_printf(&p->o->arena, "the facts in %s come from headers of Python %s", from,
                              pythons));
    }
    return true;
}

/* Did an earlier run find out all of it? A run with a baseline or a gate needs more than findings.
 */
static bool
facts_recall(struct pipeline *p)
{
    const struct options *o = p->o;
    bool wanted = !o->dump_facts && !o->baseline && !gate_is_on(o) && !p->binaries.list.n &&
                  !p->findings.failed.n;
    if (!wanted || !run_cache_start(&p->cache, p->o, &p->rules, &p->headers, &p->findings)) {
        return false;
    }
    for (size_t i = 0; i < p->analyses.n; i++) {
        run_cache_add_source(&p->cache, p->analyses.at[i]->source, &p->headers.sets.at[i]);
    }
    return run_cache_get(&p->cache, &p->rules, &p->headers, &p->findings);
}

void
pipeline_remember(struct pipeline *p)
{
    for (size_t i = 0; i < p->findings.failed.n; i++) {
        if (!p->findings.failed.at[i].partial) {
            return;
        }
    }
    for (size_t i = 0; i < p->headers.sets.n; i++) {
        source_dependencies(p->analyses.at[i]->source, &p->cache.dependencies);
    }
    run_cache_put(&p->cache, &p->headers, &p->findings);
}

/* Sources named with a binary are judged with what the gate let that one declare; what does not fit
 * is found when the two are compared. Several binaries count as far as they agree. */
static void
facts_take_claims(struct pipeline *p)
{
    struct options *o = p->o;
    bool found = false, own = true, not_used = true;
    for (size_t i = 0; i < p->binaries.list.n; i++) {
        bool own_here, not_used_here;
        if (elf_read_claims(p->binaries.list.at[i], &own_here, &not_used_here)) {
            found = true;
            own = own && own_here;
            not_used = not_used && not_used_here;
        }
    }
    bool new_own = found && own && !o->supports_own_gil;
    bool new_not_used = found && not_used && !o->supports_free_threaded;
    o->supports_own_gil = o->supports_own_gil || new_own;
    o->supports_free_threaded = o->supports_free_threaded || new_not_used;
    if (new_own || new_not_used) {
        vec_push(&p->findings.notes,
                 arena_printf(&o->arena,
                              "the sources are judged with %s%s, as the note in the "
                              "binary allows",
                              new_own ? "--supports-own-gil" : "",
                              !new_not_used ? ""
                              : new_own     ? " --supports-free-threaded"
                                            : "--supports-free-threaded"));
    }
}

bool
pipeline_extract(struct pipeline *p)
{
    struct environment *e = &p->environment;
    inputs_collect(p->o, &p->files, &p->binaries, &p->findings);
    if (!p->files.list.n) {
        if (p->binaries.list.n) {
            analysis_read_binaries(facts_new_analysis(p), p->o, &p->binaries);
            headers_of_facts(p->o, 0, &p->headers);
        }
        return true;
    }
    facts_take_claims(p);
    gate_define_claims(p->o);
    if (!headers_choose(p->o, e->interpreters.at, e->interpreters.n, &p->binaries, &p->headers)) {
        return false;
    }
    for (size_t i = 0; i < p->headers.sets.n; i++) {
        struct analysis *a = facts_new_analysis(p);
        if (!analysis_open(a, &p->context, &p->files, &p->headers.sets.at[i])) {
            return false;
        }
    }
    p->recalled = facts_recall(p);
    for (size_t i = 0; i < p->headers.sets.n && !p->recalled; i++) {
        struct header_set *set = &p->headers.sets.at[i];
        struct analysis *a = p->analyses.at[i];
        analysis_read_binaries(a, p->o, &p->binaries);
        if (!analysis_extract(a)) {
            return false;
        }
        /* Flags of a compilation database may have brought headers of their own. */
        int hex = analysis_python(a);
        set->source.hex = hex ? hex : set->source.hex;
    }
    headers_settle(p->o, &p->headers);
    return true;
}

void
pipeline_count_files(struct findings *findings)
{
    int failed = 0;
    for (size_t i = 0; i < findings->failed.n; i++) {
        failed += !findings->failed.at[i].partial;
    }
    findings->files_analysed = findings->files_total > failed ? findings->files_total - failed : 0;
}

int
pipeline_dump_facts(struct pipeline *p)
{
    if (p->analyses.n > 1) {
        diag_error("--dump-facts takes one --python at a time");
        return EXIT_TROUBLE;
    }
    for (size_t i = 0; i < p->analyses.n; i++) {
        facts_write(&p->analyses.at[i]->extracted, stdout);
        analysis_join(&p->findings, p->analyses.at[i], i == 0);
    }
    for (size_t i = 0; i < p->findings.failed.n; i++) {
        diag_error("%s: %s", p->findings.failed.at[i].file, p->findings.failed.at[i].reason);
    }
    for (size_t i = 0; i < p->headers.notes.n && !p->o->quiet; i++) {
        diag_note("%s", p->headers.notes.at[i]);
    }
    pipeline_count_files(&p->findings);
    bool targets[TARGETS] = {false};
    struct report_options how = {.quiet = true, .targets = targets};
    report_closing(&p->findings, &how, stderr);
    bool good = fflush(stdout) == 0 && !ferror(stdout) && !p->findings.failed.n;
    return good ? EXIT_CLEAN : EXIT_TROUBLE;
}
