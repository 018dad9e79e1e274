#include "explain.h"

#include <string.h>
#include <strings.h>

#include "base/nearest.h"

/* "own-gil blocker, shared-gil hazard": what holds unless a severity-if says otherwise. */
static void
explain_severities(const struct rule *rule, bool conditions, FILE *out)
{
    const char *between = "";
    for (int t = 0; t < TARGETS; t++) {
        if (rule->severity[t] != SEVERITY_NONE) {
            fprintf(out, "%s%s %s", between, target_name((enum target)t),
                    severity_name(rule->severity[t]));
            between = ", ";
        }
    }
    for (size_t i = 0; conditions && i < rule->severity_if.n; i++) {
        const struct severity_if *other = &rule->severity_if.at[i];
        fprintf(out, "%s%s %s when %s", i ? "; " : "\n            but ", target_name(other->target),
                severity_name(other->severity), other->when);
    }
}

/* The page without the lines that only the checker reads. */
static const char *
explain_body(const char *page)
{
    const char *end = str_starts(page, "---\n") ? strstr(page + 3, "\n---\n") : NULL;
    const char *body = end ? end + 5 : page;
    return body + strspn(body, "\n");
}

static void
explain_line(const struct rule *rule, FILE *out)
{
    fprintf(out, "%-7s %-36s %-7s ", rule->id, rule->name, confidence_name(rule->confidence));
    explain_severities(rule, false, out);
    fputc('\n', out);
}

/* "LOC": the rules of that family. False when there is none of the name. */
static bool
explain_family(const struct ruleset *set, const char *name, FILE *out)
{
    bool any = false;
    for (size_t i = 0; i < set->rules.n; i++) {
        const struct rule *rule = set->rules.at[i];
        if (rule->family && strcasecmp(rule->family, name) == 0) {
            explain_line(rule, out);
            any = true;
        }
    }
    return any;
}

bool
explain_rule(const struct ruleset *set, const char *id_or_name, FILE *out)
{
    const struct rule *rule = ruleset_find(set, id_or_name);
    if (!rule && explain_family(set, id_or_name, out)) {
        return true;
    }
    if (!rule) {
        struct nearest near;
        nearest_start(&near, id_or_name);
        for (size_t i = 0; i < set->rules.n; i++) {
            nearest_offer(&near, set->rules.at[i]->id);
            nearest_offer(&near, set->rules.at[i]->name);
        }
        diag_error("there is no rule '%s'; %s%s%s", id_or_name,
                   near.best ? "did you mean '" : "`extcheck rules` lists all",
                   near.best ? near.best : "", near.best ? "'?" : "");
        return false;
    }
    fprintf(out, "%s %s\n", rule->id, rule->name);
    explain_severities(rule, true, out);
    fprintf(out, "\nconfidence %s, since extcheck %s, Python %s\n\n%s",
            confidence_name(rule->confidence), rule->since ? rule->since : "0.1",
            rule->python ? rule->python : "3.9+", explain_body(rule->page));
    if (!str_ends(rule->page, "\n")) {
        fputc('\n', out);
    }
    return true;
}

void
explain_list(const struct ruleset *set, FILE *out)
{
    for (size_t i = 0; i < set->rules.n; i++) {
        explain_line(set->rules.at[i], out);
    }
}
