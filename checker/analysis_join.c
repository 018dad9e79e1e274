/* The findings of several analyses as one: other headers, or the other flavour. */
#include "analysis.h"

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
        /* How many units are its own may differ: one of them may be used in one flavour only. Of
         * what belongs to no module there is one row. */
        bool units = !other->units.n || !m->units.n || *m->name == '(' ||
                     str_same(other->units.at[0], m->units.at[0]);
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
    all->unused_suppressions = 0;
    for (size_t i = 0; i < all->all.n; i++) {
        all->unused_suppressions += analysis_is_unused(all->all.at[i]);
    }
    findings_sort(all);
}
