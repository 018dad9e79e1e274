/* The findings that count for a module, and the overclaims that lost their evidence. */
#include "rules/verdict_run.h"

/* A finding of this module; one that belongs to no module counts when there is only one. */
static bool
verdict_owns(const struct verdict_run *v, const struct finding *f)
{
    if (f->modules && *f->modules) {
        return str_list_has(f->modules, v->module->name);
    }
    return v->only_module;
}

/* Declarations say whether it loads, which these two targets make depend on them. Elsewhere they
 * are dangers like others. */
static bool
verdict_is_declaration(enum target t, const struct rule *rule)
{
    return rule->decides_loading && (t == TARGET_OWN_GIL || t == TARGET_FREE_THREADED);
}

const struct finding *
verdict_worst(const struct verdict_run *v, enum target t)
{
    const struct finding *worst = NULL;
    for (size_t i = 0; i < v->out->all.n; i++) {
        const struct finding *f = v->out->all.at[i];
        bool counts = f->suppression == NOT_SUPPRESSED && f->severity[t] != SEVERITY_NONE &&
                      f->rule->confidence >= CONFIDENCE_MEDIUM &&
                      !verdict_is_declaration(t, f->rule) && verdict_owns(v, f);
        if (counts && (!worst || f->severity[t] > worst->severity[t])) {
            worst = f;
        }
    }
    return worst;
}

int
verdict_count(const struct verdict_run *v, enum target t, enum severity s)
{
    int n = 0;
    for (size_t i = 0; i < v->out->all.n; i++) {
        const struct finding *f = v->out->all.at[i];
        n += f->suppression == NOT_SUPPRESSED && f->severity[t] == s &&
             !verdict_is_declaration(t, f->rule) && verdict_owns(v, f);
    }
    return n;
}

int
verdict_accepted(const struct verdict_run *v, enum target t)
{
    int n = 0;
    for (size_t i = 0; i < v->out->all.n; i++) {
        const struct finding *f = v->out->all.at[i];
        n += f->suppression != NOT_SUPPRESSED && f->severity[t] >= SEVERITY_HAZARD &&
             !verdict_is_declaration(t, f->rule) && verdict_owns(v, f);
    }
    return n;
}

const struct finding *
verdict_declaration(const struct verdict_run *v, enum target t)
{
    for (size_t i = 0; i < v->out->all.n; i++) {
        const struct finding *f = v->out->all.at[i];
        if (f->rule->decides_loading && f->severity[t] != SEVERITY_NONE && verdict_owns(v, f)) {
            return f;
        }
    }
    return NULL;
}

const struct finding *
verdict_unimportable(const struct verdict_run *v, enum target t)
{
    for (size_t i = 0; i < v->out->all.n; i++) {
        const struct finding *f = v->out->all.at[i];
        if (f->rule->decides_import && f->severity[t] == SEVERITY_BLOCKER &&
            f->suppression == NOT_SUPPRESSED && verdict_owns(v, f)) {
            return f;
        }
    }
    return NULL;
}

/* Is the evidence for an overclaim still there? Only when all of it was suppressed it is not; what
 * `--select` keeps out of the report was evidence all the same. */
static bool
verdict_claim_stands(const struct findings *out, const struct finding *claim)
{
    for (size_t n = 0; n < claim->rule->needs.n; n++) {
        const struct rule_need *need = &claim->rule->needs.at[n];
        bool found = need->none, suppressed = false;
        for (size_t i = 0; i < out->all.n && !found; i++) {
            const struct finding *f = out->all.at[i];
            bool shared = false;
            STR_WORDS_EACH(f->modules, module)
            {
                shared = shared || str_list_has_word(claim->modules, module);
            }
            bool evidence = shared && !f->rule->needs.n && !f->rule->decides_loading &&
                            !f->rule->decides_import && f->severity[need->target] >= need->severity;
            found = evidence && f->suppression == NOT_SUPPRESSED;
            suppressed = suppressed || evidence;
        }
        if (!found && suppressed) {
            return false;
        }
    }
    return true;
}

void
verdict_drop_claims(struct findings *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < out->all.n; i++) {
        struct finding *f = out->all.at[i];
        if (f->rule->needs.n && !verdict_claim_stands(out, f)) {
            vec_free(&f->related);
            continue;
        }
        out->all.at[kept++] = f;
    }
    out->all.n = kept;
}
