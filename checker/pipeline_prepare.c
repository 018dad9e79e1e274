/* What is settled before anything is analysed: options, rules, the baseline. */
#include <string.h>
#include <unistd.h>

#include "gate/gate.h"
#include "pipeline_run.h"

static void
prepare_set_rule_options(struct pipeline *p)
{
    struct options *o = p->o;
    struct rule_options *r = &p->context.rule_options;
    for (int t = 0; t < TARGETS; t++) {
        r->targets[t] = options_target_asked(o, (enum target)t);
    }
    r->select = o->select.list.n ? options_list(o, &o->select) : NULL;
    r->ignore = o->ignore.list.n ? options_list(o, &o->ignore) : NULL;
    r->file_ignores = o->file_ignores.list.n ? options_list(o, &o->file_ignores) : NULL;
    r->min_confidence = options_min_confidence(o);
    r->min_python = options_min_python(o);
}

/* A word that selects no rule is a typing mistake that would pass for a clean run. */
static bool
prepare_check_rule_words(const struct pipeline *p, const char *option, const struct words *words)
{
    for (size_t i = 0; i < words->list.n; i++) {
        const char *word = words->list.at[i];
        bool found = false;
        for (size_t k = 0; k < p->rules.rules.n && !found; k++) {
            const struct rule *rule = p->rules.rules.at[k];
            found = str_starts(rule->id, word) || str_same(rule->name, word);
        }
        if (!found) {
            diag_error("--%s: no rule or family is called '%s'; `extcheck rules` lists all", option,
                       word);
            return false;
        }
    }
    return true;
}

/* The rules behind the patterns of per-file-ignores. */
static bool
prepare_check_file_ignores(const struct pipeline *p)
{
    struct words rules = {0};
    for (size_t i = 0; i < p->o->file_ignores.list.n; i++) {
        vec_push(&rules.list, strrchr(p->o->file_ignores.list.at[i], ':') + 1);
    }
    bool good = prepare_check_rule_words(p, "per-file-ignores", &rules);
    vec_free(&rules.list);
    return good;
}

bool
pipeline_prepare(struct pipeline *p)
{
    struct options *o = p->o;
    if (!settings_load(o, !o->facts, &p->environment) || !options_check(o) ||
        !gate_check_options(o)) {
        return false;
    }
    if (gate_is_on(o) && !gate_settle(o)) {
        return false;
    }
    if (!o->dump_facts || o->facts) {
        if (!ruleset_load(&p->rules, o->rules_dir, o->api) ||
            !prepare_check_rule_words(p, "select", &o->select) ||
            !prepare_check_rule_words(p, "ignore", &o->ignore) || !prepare_check_file_ignores(p)) {
            return false;
        }
    }
    if (o->root && access(o->root, X_OK) != 0) {
        diag_error("--root: there is no folder '%s'", o->root);
        return false;
    }
    prepare_set_rule_options(p);
    if (o->baseline && !o->write_baseline) {
        p->context.baseline = &p->baseline;
        return baseline_read(&p->baseline, o->baseline);
    }
    return true;
}
