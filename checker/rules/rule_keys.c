/* The keys of a rule page: what each of them sets, and what is wrong with a value. */
#include "rules/rule_keys.h"

#include <limits.h>
#include <string.h>

#include "rules/api_table.h"
#include "rules/match.h"
#include "rules/rule_file.h"

static const char *
key_set_id(struct rule_reader *r, const char *value)
{
    size_t letters = strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    size_t digits = strspn(value + letters, "0123456789");
    if (letters < 2 || digits < 2 || value[letters + digits]) {
        return "expected a family and a number, such as GLB03";
    }
    if (map_get(&r->set->by_id, value)) {
        return "this id is taken";
    }
    r->rule->id = value;
    r->rule->family = arena_copy(&r->set->arena, value, letters);
    return NULL;
}

static const char *
key_set_name(struct rule_reader *r, const char *value)
{
    if (value[strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-")] || *value == '-') {
        return "expected lower-case words joined by '-'";
    }
    r->rule->name = value;
    return NULL;
}

/* "own-gil blocker": two words. */
static const char *
key_read_severity(struct rule_reader *r, const char *text, enum target *target,
                  enum severity *severity)
{
    size_t n = strcspn(text, " ");
    *target = target_named(arena_copy(&r->set->arena, text, n));
    text += n + strspn(text + n, " ");
    int level = severity_named(text);
    if (*target == TARGETS || level < 0) {
        return "expected TARGET SEVERITY, such as `own-gil blocker`";
    }
    *severity = (enum severity)level;
    return NULL;
}

static const char *
key_set_severity(struct rule_reader *r, const char *value)
{
    if (strcmp(value, "none") == 0) {
        return NULL;
    }
    for (;;) {
        size_t n = strcspn(value, ",");
        enum target target;
        enum severity severity;
        const char *wrong = key_read_severity(r, rule_trim(r->set, value, n), &target, &severity);
        if (wrong) {
            return wrong;
        }
        r->rule->severity[target] = severity;
        if (!value[n]) {
            return NULL;
        }
        value += n + 1;
    }
}

/* Conditions joined by " and ", for a branch of severity-if or (NULL) for the rule. */
static const char *
key_add_conditions(struct rule_reader *r, const char *text, struct severity_if *branch)
{
    for (;;) {
        const char *joint = strstr(text, " and ");
        size_t n = joint ? (size_t)(joint - text) : strlen(text);
        struct condition condition;
        const char *wrong =
            rule_condition_parse(r->set, r->rule->fact, rule_trim(r->set, text, n), &condition);
        if (wrong) {
            vec_free(&condition.words);
            return wrong;
        }
        if (branch) {
            vec_push(&branch->conditions, condition);
        }
        else {
            vec_push(&r->rule->conditions, condition);
        }
        if (!joint) {
            return NULL;
        }
        text = joint + 5;
    }
}

static const char *
key_set_where(struct rule_reader *r, const char *value)
{
    return key_add_conditions(r, value, NULL);
}

static const char *
key_set_severity_if(struct rule_reader *r, const char *value)
{
    const char *when = strstr(value, " when ");
    if (!when) {
        return "expected TARGET SEVERITY when CONDITIONS";
    }
    struct severity_if branch = {.when = rule_trim(r->set, when + 6, strlen(when + 6))};
    const char *wrong = key_read_severity(r, rule_trim(r->set, value, (size_t)(when - value)),
                                          &branch.target, &branch.severity);
    wrong = wrong ? wrong : key_add_conditions(r, when + 6, &branch);
    vec_push(&r->rule->severity_if, branch);
    return wrong;
}

static const char *
key_set_confidence(struct rule_reader *r, const char *value)
{
    for (int c = CONFIDENCE_LOW; c <= CONFIDENCE_HIGH; c++) {
        if (strcmp(value, confidence_name((enum confidence)c)) == 0) {
            r->rule->confidence = (enum confidence)c;
            return NULL;
        }
    }
    return "expected high, medium or low";
}

/* "3.9+", "3.12-3.14", "3.13" */
static const char *
key_set_python(struct rule_reader *r, const char *value)
{
    r->rule->python = value;
    r->rule->python_first = python_version_parse(value);
    size_t n = strcspn(value, "+-");
    if (value[n] == '+') {
        r->rule->python_last = INT_MAX;
    }
    else {
        r->rule->python_last = python_version_parse(value[n] ? value + n + 1 : value);
    }
    return r->rule->python_first < 0 || r->rule->python_last < 0
               ? "expected versions such as 3.9+ or 3.12-3.14"
               : NULL;
}

static const char *
key_set_min_python(struct rule_reader *r, const char *value)
{
    r->rule->min_python = python_version_parse(value);
    return r->rule->min_python < 0 ? "expected a version such as 3.10" : NULL;
}

static const char *
key_set_fact(struct rule_reader *r, const char *value)
{
    r->rule->fact = fact_kind_named(value);
    r->has_fact = r->rule->fact != FACT_KINDS;
    return r->has_fact ? NULL : "there is no kind of fact of that name";
}

static const char *
key_set_supersedes(struct rule_reader *r, const char *value)
{
    for (;;) {
        value += strspn(value, ", ");
        size_t n = strcspn(value, ", ");
        if (!n) {
            return NULL;
        }
        vec_push(&r->rule->supersedes, arena_copy(&r->set->arena, value, n));
        value += n;
    }
}

static const char *
key_add_need(struct rule_reader *r, const char *value, bool none)
{
    struct rule_need need = {.none = none};
    const char *wrong = key_read_severity(r, value, &need.target, &need.severity);
    vec_push(&r->rule->needs, need);
    return wrong;
}

static const char *
key_set_needs(struct rule_reader *r, const char *value)
{
    return key_add_need(r, value, false);
}

static const char *
key_set_needs_none(struct rule_reader *r, const char *value)
{
    return key_add_need(r, value, true);
}

static const char *
key_set_decides(struct rule_reader *r, const char *value)
{
    r->rule->decides_loading = strcmp(value, "loading") == 0;
    r->rule->decides_import = strcmp(value, "import") == 0;
    return r->rule->decides_loading || r->rule->decides_import ? NULL
                                                               : "expected loading or import";
}

static const char *
key_set_symbol(struct rule_reader *r, const char *value)
{
    r->rule->symbol = value;
    return fact_field_named(r->rule->fact, value) ? NULL : "expected a field of the fact";
}

/* Braces in a text name fields of the fact or TABLE:column. */
static const char *
key_check_text(struct rule_reader *r, const char *text)
{
    const char *unknown = message_unknown_target(&r->set->arena, text);
    if (unknown) {
        return arena_printf(&r->set->arena, "[%s?...]: expected a target or `interpreters`",
                            unknown);
    }
    for (const char *open = strchr(text, '{'); open; open = strchr(open + 1, '{')) {
        size_t n = strspn(open + 1, RULE_FIELD_CHARACTERS);
        if (!n || open[1 + n] != '}') {
            continue; /* C code in a text, such as {0, NULL} */
        }
        const char *name = arena_copy(&r->set->arena, open + 1, n);
        const char *colon = strchr(name, ':');
        const struct api_table *table =
            colon ? ruleset_table(r->set, arena_copy(&r->set->arena, name, (size_t)(colon - name)))
                  : NULL;
        bool known = colon ? table && api_table_column(table, colon + 1) >= 0
                           : fact_field_named(r->rule->fact, name) || strcmp(name, "file") == 0;
        if (!known) {
            return arena_printf(&r->set->arena, "{%s} is no field of %s facts and no table cell",
                                name, fact_shape(r->rule->fact)->name);
        }
    }
    return NULL;
}

static const char *
key_set_message(struct rule_reader *r, const char *value)
{
    r->rule->message = value;
    return key_check_text(r, value);
}

static const char *
key_set_fix(struct rule_reader *r, const char *value)
{
    r->rule->fix = value;
    return key_check_text(r, value);
}

static const char *
key_set_note(struct rule_reader *r, const char *value)
{
    r->rule->note = value;
    return strpbrk(value, "{[") ? "a note is plain text" : NULL;
}

static const char *
key_set_since(struct rule_reader *r, const char *value)
{
    r->rule->since = value;
    return NULL;
}

static const char *
key_set_refs(struct rule_reader *r, const char *value)
{
    r->rule->refs =
        r->rule->refs ? arena_printf(&r->set->arena, "%s %s", r->rule->refs, value) : value;
    return NULL;
}

const struct rule_key rule_keys[] = {
    {"id", key_set_id, false, true},
    {"name", key_set_name, false, true},
    {"severity", key_set_severity, false, true},
    {"confidence", key_set_confidence, false, true},
    {"python", key_set_python, false, true},
    {"since", key_set_since, false, true},
    {"fact", key_set_fact, false, true},
    {"where", key_set_where, true, false},
    {"severity-if", key_set_severity_if, true, false},
    {"min-python", key_set_min_python, false, false},
    {"supersedes", key_set_supersedes, true, false},
    {"needs", key_set_needs, true, false},
    {"needs-none", key_set_needs_none, true, false},
    {"decides", key_set_decides, false, false},
    {"message", key_set_message, false, true},
    {"fix", key_set_fix, false, true},
    {"note", key_set_note, false, false},
    {"symbol", key_set_symbol, false, false},
    {"refs", key_set_refs, true, true},
    {0},
};
