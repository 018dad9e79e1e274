#include "rules/rule_file.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "rules/api_table.h"
#include "rules/match.h"

struct rule_reader {
    struct ruleset *set;
    struct rule *rule;
    const char *path;
    int line;
    bool facts_only; /* the first reading, which looks for `fact` only: conditions need the kind */
    bool has_fact;
    unsigned seen; /* bit per key, for those that stand once */
};

static const char *
rule_trim(struct ruleset *set, const char *s, size_t n)
{
    while (n && isspace((unsigned char)s[n - 1])) {
        n--;
    }
    while (n && isspace((unsigned char)*s)) {
        s++;
        n--;
    }
    return arena_copy(&set->arena, s, n);
}

static const char *
rule_set_id(struct rule_reader *r, const char *value)
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
rule_set_name(struct rule_reader *r, const char *value)
{
    if (value[strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-")] || *value == '-') {
        return "expected lower-case words joined by '-'";
    }
    r->rule->name = value;
    return NULL;
}

/* "own-gil blocker": two words. */
static const char *
rule_read_severity(struct rule_reader *r, const char *text, enum target *target,
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
rule_set_severity(struct rule_reader *r, const char *value)
{
    if (strcmp(value, "none") == 0) {
        return NULL;
    }
    for (;;) {
        size_t n = strcspn(value, ",");
        enum target target;
        enum severity severity;
        const char *wrong = rule_read_severity(r, rule_trim(r->set, value, n), &target, &severity);
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
rule_add_conditions(struct rule_reader *r, const char *text, struct severity_if *branch)
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
rule_set_where(struct rule_reader *r, const char *value)
{
    return rule_add_conditions(r, value, NULL);
}

static const char *
rule_set_severity_if(struct rule_reader *r, const char *value)
{
    const char *when = strstr(value, " when ");
    if (!when) {
        return "expected TARGET SEVERITY when CONDITIONS";
    }
    struct severity_if branch = {.when = rule_trim(r->set, when + 6, strlen(when + 6))};
    const char *wrong = rule_read_severity(r, rule_trim(r->set, value, (size_t)(when - value)),
                                           &branch.target, &branch.severity);
    wrong = wrong ? wrong : rule_add_conditions(r, when + 6, &branch);
    vec_push(&r->rule->severity_if, branch);
    return wrong;
}

static const char *
rule_set_confidence(struct rule_reader *r, const char *value)
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
rule_set_python(struct rule_reader *r, const char *value)
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
rule_set_min_python(struct rule_reader *r, const char *value)
{
    r->rule->min_python = python_version_parse(value);
    return r->rule->min_python < 0 ? "expected a version such as 3.10" : NULL;
}

static const char *
rule_set_fact(struct rule_reader *r, const char *value)
{
    r->rule->fact = fact_kind_named(value);
    r->has_fact = r->rule->fact != FACT_KINDS;
    return r->has_fact ? NULL : "there is no kind of fact of that name";
}

static const char *
rule_set_supersedes(struct rule_reader *r, const char *value)
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
rule_add_need(struct rule_reader *r, const char *value, bool none)
{
    struct rule_need need = {.none = none};
    const char *wrong = rule_read_severity(r, value, &need.target, &need.severity);
    vec_push(&r->rule->needs, need);
    return wrong;
}

static const char *
rule_set_needs(struct rule_reader *r, const char *value)
{
    return rule_add_need(r, value, false);
}

static const char *
rule_set_needs_none(struct rule_reader *r, const char *value)
{
    return rule_add_need(r, value, true);
}

static const char *
rule_set_decides(struct rule_reader *r, const char *value)
{
    r->rule->decides_loading = strcmp(value, "loading") == 0;
    r->rule->decides_import = strcmp(value, "import") == 0;
    return r->rule->decides_loading || r->rule->decides_import ? NULL
                                                               : "expected loading or import";
}

static const char *
rule_set_symbol(struct rule_reader *r, const char *value)
{
    r->rule->symbol = value;
    return fact_field_named(r->rule->fact, value) ? NULL : "expected a field of the fact";
}

/* Braces in a text name fields of the fact or TABLE:column. */
static const char *
rule_check_text(struct rule_reader *r, const char *text)
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
rule_set_message(struct rule_reader *r, const char *value)
{
    r->rule->message = value;
    return rule_check_text(r, value);
}

static const char *
rule_set_fix(struct rule_reader *r, const char *value)
{
    r->rule->fix = value;
    return rule_check_text(r, value);
}

static const char *
rule_set_note(struct rule_reader *r, const char *value)
{
    r->rule->note = value;
    return strpbrk(value, "{[") ? "a note is plain text" : NULL;
}

static const char *
rule_set_since(struct rule_reader *r, const char *value)
{
    r->rule->since = value;
    return NULL;
}

static const char *
rule_set_refs(struct rule_reader *r, const char *value)
{
    r->rule->refs =
        r->rule->refs ? arena_printf(&r->set->arena, "%s %s", r->rule->refs, value) : value;
    return NULL;
}

struct rule_key {
    const char *name;
    const char *(*set)(struct rule_reader *, const char *);
    bool repeats, required;
};

static const struct rule_key rule_keys[] = {
    {"id", rule_set_id, false, true},
    {"name", rule_set_name, false, true},
    {"severity", rule_set_severity, false, true},
    {"confidence", rule_set_confidence, false, true},
    {"python", rule_set_python, false, true},
    {"since", rule_set_since, false, true},
    {"fact", rule_set_fact, false, true},
    {"where", rule_set_where, true, false},
    {"severity-if", rule_set_severity_if, true, false},
    {"min-python", rule_set_min_python, false, false},
    {"supersedes", rule_set_supersedes, true, false},
    {"needs", rule_set_needs, true, false},
    {"needs-none", rule_set_needs_none, true, false},
    {"decides", rule_set_decides, false, false},
    {"message", rule_set_message, false, true},
    {"fix", rule_set_fix, false, true},
    {"note", rule_set_note, false, false},
    {"symbol", rule_set_symbol, false, false},
    {"refs", rule_set_refs, true, true},
};

enum { RULE_KEYS = sizeof(rule_keys) / sizeof(*rule_keys) };

static bool
rule_wrong(const struct rule_reader *r, const char *key, const char *wrong)
{
    diag_error("%s:%d: %s: %s", r->path, r->line, key, wrong);
    return false;
}

static bool
rule_read_line(struct rule_reader *r, const char *line, size_t n)
{
    const char *colon = memchr(line, ':', n);
    if (!colon) {
        return rule_wrong(r, "front matter", "expected `key: value`");
    }
    const char *key = rule_trim(r->set, line, (size_t)(colon - line));
    const char *value = rule_trim(r->set, colon + 1, n - (size_t)(colon - line) - 1);
    for (int i = 0; i < RULE_KEYS; i++) {
        if (strcmp(rule_keys[i].name, key) != 0) {
            continue;
        }
        if (r->facts_only) {
            bool is_fact = rule_keys[i].set == rule_set_fact;
            const char *bad = is_fact ? rule_set_fact(r, value) : NULL;
            return bad ? rule_wrong(r, key, bad) : true;
        }
        if ((r->seen & 1U << i) && !rule_keys[i].repeats) {
            return rule_wrong(r, key, "stands twice");
        }
        r->seen |= 1U << i;
        const char *wrong = *value ? rule_keys[i].set(r, value) : "the value is missing";
        return wrong ? rule_wrong(r, key, wrong) : true;
    }
    return rule_wrong(r, key, "unknown key, see rules/README.md");
}

/* Reads the lines between the two `---`. */
static bool
rule_read_front(struct rule_reader *r, const char *text)
{
    bool inside = false;
    r->line = 0;
    while (*text) {
        size_t n = strcspn(text, "\n");
        size_t length = n && text[n - 1] == '\r' ? n - 1 : n;
        const char *next = text[n] ? text + n + 1 : text + n;
        r->line++;
        bool fence = length == 3 && strncmp(text, "---", 3) == 0;
        if (fence && inside) {
            return true;
        }
        if (!fence && !inside) {
            return rule_wrong(r, "front matter", "the first line must be `---`");
        }
        if (!fence && length && *text != '#' && !rule_read_line(r, text, length)) {
            return false;
        }
        inside = true;
        text = next;
    }
    return rule_wrong(r, "front matter", "no closing `---`");
}

const char *
rule_section(struct ruleset *set, const struct rule *rule, const char *heading)
{
    bool fenced = false;
    const char *from = NULL;
    for (const char *line = rule->page; *line;) {
        size_t n = strcspn(line, "\n");
        fenced ^= str_starts(line, "```");
        if (!fenced && *line == '#') {
            if (from) {
                return rule_trim(set, from, (size_t)(line - from));
            }
            const char *title = line + strspn(line, "# ");
            size_t length = strlen(heading);
            if (strncmp(title, heading, length) == 0 && strchr("\r\n", title[length])) {
                from = line + n;
            }
        }
        line += line[n] ? n + 1 : n;
    }
    return from ? rule_trim(set, from, strlen(from)) : NULL;
}

/* The first paragraph of a text as one line. */
static const char *
rule_paragraph(struct ruleset *set, const char *text)
{
    if (!text) {
        return NULL;
    }
    const char *end = strstr(text, "\n\n");
    char *line = arena_copy(&set->arena, text, end ? (size_t)(end - text) : strlen(text));
    for (char *c = line; *c; c++) {
        *c = *c == '\n' ? ' ' : *c;
    }
    return line;
}

bool
rule_file_load(struct ruleset *set, const char *path, const char *text)
{
    struct rule *rule = arena_alloc(&set->arena, sizeof(*rule));
    struct rule_reader r = {.set = set, .rule = rule, .path = path};
    rule->path = arena_string(&set->arena, path);
    rule->python_last = INT_MAX;
    vec_push(&set->rules, rule); /* first of all, so that its vectors are freed whatever happens */
    r.facts_only = true;
    if (!rule_read_front(&r, text)) {
        return false;
    }
    r.facts_only = false;
    if (!r.has_fact) {
        return rule_wrong(&r, "fact", "missing");
    }
    if (!rule_read_front(&r, text)) {
        return false;
    }
    for (int i = 0; i < RULE_KEYS; i++) {
        if (rule_keys[i].required && !(r.seen & 1U << i)) {
            return rule_wrong(&r, rule_keys[i].name, "missing");
        }
    }
    rule->page = arena_string(&set->arena, text);
    rule->what = rule_paragraph(set, rule_section(set, rule, "What it finds"));
    map_set(&set->by_id, rule->id, rule);
    return true;
}
