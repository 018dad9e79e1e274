/* Rule pages: the lines between the two `---`, and the sections of the text. */
#include "rules/rule_file.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "rules/rule_keys.h"

const char *
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
    for (int i = 0; rule_keys[i].name; i++) {
        if (strcmp(rule_keys[i].name, key) != 0) {
            continue;
        }
        if (r->facts_only) {
            bool is_fact = strcmp(key, "fact") == 0;
            const char *bad = is_fact ? rule_keys[i].set(r, value) : NULL;
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
    for (int i = 0; rule_keys[i].name; i++) {
        if (rule_keys[i].required && !(r.seen & 1U << i)) {
            return rule_wrong(&r, rule_keys[i].name, "missing");
        }
    }
    rule->page = arena_string(&set->arena, text);
    rule->what = rule_paragraph(set, rule_section(set, rule, "What it finds"));
    map_set(&set->by_id, rule->id, rule);
    return true;
}
