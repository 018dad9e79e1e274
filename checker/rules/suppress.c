#include "rules/suppress.h"

#include <string.h>

#include "base/nearest.h"
#include "rules/place.h"

/* One comment; the facts of two flavours or two units name the same comment more than once, and
 * where an #if decides what follows it, with other lines that it covers. */
struct suppression_comment {
    const struct fact_comment *fact;
    VEC(const struct fact_comment *) covers;
    VEC(const char *) ids; /* as written, each once */
    VEC(bool) used;        /* per id */
};

struct suppress_run {
    const struct ruleset *set;
    const struct rule_options *options;
    struct findings *out;
    struct arena arena;
    VEC(struct suppression_comment *) comments;
};

static bool
suppress_named(const char *const *words, const struct rule *rule)
{
    for (size_t i = 0; words && words[i]; i++) {
        if (*words[i] && (str_starts(rule->id, words[i]) || str_same(rule->name, words[i]))) {
            return true;
        }
    }
    return false;
}

bool
rule_is_reported(const struct rule *rule, const struct rule_options *options)
{
    if (rule->confidence < options->min_confidence || rule->python_last < options->min_python ||
        rule->min_python > options->min_python || suppress_named(options->ignore, rule) ||
        (options->select && !suppress_named(options->select, rule))) {
        return false;
    }
    for (int t = 0; t < TARGETS; t++) {
        if (options->targets[t] && rule->severity[t] != SEVERITY_NONE) {
            return true;
        }
    }
    for (size_t i = 0; i < rule->severity_if.n; i++) {
        if (options->targets[rule->severity_if.at[i].target]) {
            return true;
        }
    }
    return rule->severity[TARGET_PORT] != SEVERITY_NONE; /* shown as a note in any case */
}

bool
findings_file_failed(const struct findings *findings, const char *file)
{
    for (size_t i = 0; i < findings->failed.n; i++) {
        if (str_same(findings->failed.at[i].file, file)) {
            return true;
        }
    }
    return false;
}

/* ---- collecting ------------------------------------------------------------------------------ */

static struct suppression_comment *
suppress_find(const struct suppress_run *run, const struct fact_comment *c)
{
    for (size_t i = 0; i < run->comments.n; i++) {
        const struct fact_comment *other = run->comments.at[i]->fact;
        if (other->at.line == c->at.line && other->at.column == c->at.column &&
            str_same(other->at.file, c->at.file) && str_same(other->ids, c->ids) &&
            str_same(other->scope, c->scope)) {
            return run->comments.at[i];
        }
    }
    return NULL;
}

static bool
suppress_has_id(const struct suppression_comment *comment, const char *id)
{
    for (size_t i = 0; i < comment->ids.n; i++) {
        if (str_same(comment->ids.at[i], id)) {
            return true;
        }
    }
    return false;
}

static void
suppress_add_comment(struct suppress_run *run, const struct fact_comment *c)
{
    struct suppression_comment *comment = suppress_find(run, c);
    if (!comment) {
        comment = arena_alloc(&run->arena, sizeof(*comment));
        comment->fact = c;
        vec_push(&run->comments, comment);
    }
    vec_push(&comment->covers, c);
    STR_WORDS_EACH(c->ids, word)
    {
        const char *id = arena_copy(&run->arena, word.at, word.n);
        if (!suppress_has_id(comment, id)) {
            vec_push(&comment->ids, id);
            vec_push(&comment->used, false);
        }
    }
}

/* ---- marking --------------------------------------------------------------------------------- */

static bool
suppress_covers(const struct suppression_comment *comment, const struct place *place)
{
    const struct fact_comment *c = comment->fact;
    if (!str_same(c->at.file, place->file)) {
        return false;
    }
    bool covers = str_same(c->scope, "file");
    for (size_t i = 0; i < comment->covers.n && !covers; i++) {
        c = comment->covers.at[i];
        covers = place->line >= c->first && place->line <= c->last;
    }
    return covers;
}

static bool
suppress_is_scope(const char *scope)
{
    return str_list_has("line,next-line,function,file", scope ? scope : "");
}

static void
suppress_mark(struct suppress_run *run, struct suppression_comment *comment)
{
    const struct fact_comment *c = comment->fact;
    for (size_t i = 0; suppress_is_scope(c->scope) && i < run->out->all.n; i++) {
        struct finding *f = run->out->all.at[i];
        for (size_t k = 0; suppress_covers(comment, &f->place) && k < comment->ids.n; k++) {
            if (ruleset_find(run->set, comment->ids.at[k]) == f->rule) {
                comment->used.at[k] = true;
                f->suppression = SUPPRESSED_IN_SOURCE;
                f->reason = c->reason && *c->reason ? arena_string(&run->out->arena, c->reason)
                                                    : "no reason given";
            }
        }
    }
}

/* ---- comments that suppress nothing -----------------------------------------------------------
 */

static void
suppress_report(struct suppress_run *run, const struct rule *meta, const struct fact_comment *c,
                const char *symbol, const char *message)
{
    struct arena *arena = &run->out->arena;
    struct finding *f = arena_alloc(arena, sizeof(*f));
    f->rule = meta;
    f->place =
        (struct place){arena_string(arena, c->at.file), c->at.line, c->at.column, c->at.end_column};
    for (int t = 0; t < TARGETS; t++) {
        f->severity[t] = run->options->targets[t] ? meta->severity[t] : SEVERITY_NONE;
        f->worst = f->severity[t] > f->worst ? f->severity[t] : f->worst;
    }
    f->symbol = symbol;
    f->message = message;
    f->fix = meta->fix;
    vec_push(&run->out->all, f);
    run->out->unused_suppressions++;
}

static const char *
suppress_unknown_id(struct suppress_run *run, const char *id)
{
    struct nearest near;
    nearest_start(&near, id);
    for (size_t i = 0; i < run->set->rules.n; i++) {
        nearest_offer(&near, run->set->rules.at[i]->id);
        nearest_offer(&near, run->set->rules.at[i]->name);
    }
    struct arena *arena = &run->out->arena;
    return near.best
               ? arena_printf(arena,
                              "'%s' suppresses nothing here: there is no such rule; did you "
                              "mean '%s'?",
                              id, near.best)
               : arena_printf(arena, "'%s' suppresses nothing here: there is no such rule", id);
}

/* NULL when the id did its work, or when this run cannot tell. */
static const char *
suppress_complaint(struct suppress_run *run, const struct suppression_comment *comment, size_t k)
{
    const char *id = comment->ids.at[k];
    const struct rule *rule = ruleset_find(run->set, id);
    if (!rule) {
        return suppress_unknown_id(run, id);
    }
    if (comment->used.at[k] || !rule_is_reported(rule, run->options) ||
        rule_is_ignored_in(run->options, rule, comment->fact->at.file) ||
        findings_file_failed(run->out, comment->fact->at.file)) {
        return NULL;
    }
    return arena_printf(&run->out->arena,
                        "'%s' (%s) suppresses nothing here: there is no such finding", rule->id,
                        rule->name);
}

static void
suppress_judge(struct suppress_run *run, const struct rule *meta,
               const struct suppression_comment *comment)
{
    const struct fact_comment *c = comment->fact;
    struct arena *arena = &run->out->arena;
    if (!suppress_is_scope(c->scope)) {
        suppress_report(run, meta, c, NULL,
                        arena_printf(arena,
                                     "this suppresses nothing: 'ignore-%s' is none of "
                                     "ignore, ignore-next-line, ignore-function and "
                                     "ignore-file",
                                     c->scope ? c->scope : ""));
        return;
    }
    if (!comment->ids.n) {
        suppress_report(run, meta, c, NULL,
                        "this suppresses nothing: it names no rule, such as ignore[GLB01]");
    }
    for (size_t k = 0; k < comment->ids.n; k++) {
        const char *message = suppress_complaint(run, comment, k);
        if (message) {
            suppress_report(run, meta, c, arena_string(arena, comment->ids.at[k]), message);
        }
    }
}

void
suppress_apply(const struct ruleset *set, const struct facts *facts,
               const struct rule_options *options, struct findings *findings)
{
    struct suppress_run run = {.set = set, .options = options, .out = findings};
    FACTS_EACH(facts, comment, c)
    {
        if (str_same(c->kind, "ignore") && c->at.file) {
            suppress_add_comment(&run, c);
        }
    }
    for (size_t i = 0; i < run.comments.n; i++) {
        suppress_mark(&run, run.comments.at[i]);
    }
    const struct rule *meta = ruleset_find(set, "META01");
    bool wanted = meta && rule_is_reported(meta, options);
    for (size_t i = 0; i < run.comments.n; i++) {
        if (wanted) {
            suppress_judge(&run, meta, run.comments.at[i]);
        }
        vec_free(&run.comments.at[i]->covers);
        vec_free(&run.comments.at[i]->ids);
        vec_free(&run.comments.at[i]->used);
    }
    if (findings->unused_suppressions) {
        findings_sort(findings);
        place_read_lines(findings);
    }
    vec_free(&run.comments);
    arena_free(&run.arena);
}
