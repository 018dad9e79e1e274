/* Preprocessor lines: what conditions, macros and includes make of the names behind them. */
#include <ctype.h>
#include <string.h>

#include "source/text/differs_scan.h"

struct node *
scan_condition(const struct scan *s)
{
    return s->conditions.at[s->conditions.n - 1].node;
}

static void
scan_link_words(struct scan *s, const char *text, const char *end, struct node *to)
{
    size_t n;
    for (const char *word; (word = differs_next_word(&text, end, &n));) {
        if (n != 7 || memcmp(word, "defined", 7) != 0) {
            differs_link(s->d, differs_word(s->d, word, n), to, LEVEL_NAME, LEVEL_TYPE);
        }
    }
}

/* A function-like macro that several branches define alike is the same in all. */
static void
scan_note_definition(struct scan *s, struct node *macro, uint64_t body, bool has_parameters)
{
    size_t depth = s->conditions.n;
    for (size_t i = s->definitions.n; i > 0 && s->definitions.at[i - 1].depth == depth; i--) {
        struct definition *known = &s->definitions.at[i - 1];
        if (known->macro == macro) {
            known->same &= known->body == body;
            known->times++;
            return;
        }
    }
    struct definition fresh = {macro, depth, body, has_parameters, true, 1};
    vec_push(&s->definitions, fresh);
}

void
scan_settle_definitions(struct scan *s)
{
    size_t depth = s->conditions.n;
    while (s->definitions.n && s->definitions.at[s->definitions.n - 1].depth >= depth) {
        const struct definition *known = &s->definitions.at[--s->definitions.n];
        bool alike = known->same && known->times > 1 && known->has_parameters;
        if (!alike && !known->macro->is_count) {
            differs_link(s->d, scan_condition(s), known->macro, LEVEL_NAME, LEVEL_TYPE);
        }
    }
}

static uint64_t
scan_hash(const char *text, const char *end)
{
    uint64_t hash = 14695981039346656037U;
    while (text < end) {
        const char *behind = *text == '/' ? differs_skip(text, end) : text;
        if (behind > text) {
            text = behind;
            continue;
        }
        if (!isspace((unsigned char)*text) && *text != '\\') {
            hash = (hash ^ (unsigned char)*text) * 1099511628211U;
        }
        text++;
    }
    return hash;
}

static void
scan_define(struct scan *s, const char *text, const char *end)
{
    size_t n;
    const char *name = differs_next_word(&text, end, &n);
    if (!name) {
        return;
    }
    struct node *macro = differs_word(s->d, name, n);
    scan_note_definition(s, macro, scan_hash(text, end), text < end && *text == '(');
    const char *parameters = text, *body = text;
    if (text < end && *text == '(') {
        const char *close = memchr(text, ')', (size_t)(end - text));
        body = close ? close + 1 : end;
    }
    const char *parameters_end = body;
    for (const char *word; (word = differs_next_word(&body, end, &n));) {
        bool parameter = false;
        size_t m;
        const char *at = parameters;
        for (const char *p; !parameter && (p = differs_next_word(&at, parameters_end, &m));) {
            parameter = m == n && memcmp(p, word, n) == 0;
        }
        if (!parameter) {
            differs_link(s->d, differs_word(s->d, word, n), macro, LEVEL_NAME, LEVEL_TYPE);
        }
    }
}

/* What a conditional include brings is as conditional. */
static void
scan_include(struct scan *s, const char *text, const char *end)
{
    const char *last = text;
    for (const char *p = text; p < end; p++) {
        if (*p == '/' || *p == '<' || *p == '"') {
            last = p + 1 < end && p[1] != '\n' ? p + 1 : last;
        }
    }
    size_t n = 0;
    while (last + n < end && last[n] != '>' && last[n] != '"' && !isspace((unsigned char)last[n])) {
        n++;
    }
    struct str key = {0};
    str_addc(&key, '#');
    str_addn(&key, last, n);
    differs_link(s->d, scan_condition(s), differs_word(s->d, key.s, key.n), LEVEL_NAME, LEVEL_TYPE);
    str_free(&key);
}

void
scan_directive(struct scan *s)
{
    const char *text = s->at + 1, *end = text;
    while (end < s->end && *end != '\n') {
        if (*end == '\\' && end + 1 < s->end) {
            end += end[1] == '\r' && end + 2 < s->end ? 3 : 2;
            continue;
        }
        const char *behind = *end == '/' ? differs_skip(end, s->end) : end;
        end = behind > end ? behind : end + 1;
    }
    end = end < s->end ? end : s->end;
    s->at = end;
    while (text < end && isblank((unsigned char)*text)) {
        text++;
    }
    size_t n = 0;
    while (text + n < end && isalpha((unsigned char)text[n])) {
        n++;
    }
    const char *rest = text + n;
    if (n >= 2 && memcmp(text, "if", 2) == 0) {
        struct condition fresh = {differs_node(s->d), s->braces};
        differs_link(s->d, scan_condition(s), fresh.node, LEVEL_NAME, LEVEL_TYPE);
        scan_link_words(s, rest, end, fresh.node);
        vec_push(&s->conditions, fresh);
    }
    else if (n >= 4 && memcmp(text, "el", 2) == 0 && s->conditions.n > 1) {
        s->braces = s->conditions.at[s->conditions.n - 1].braces;
        if (text[2] == 'i') {
            scan_link_words(s, rest, end, scan_condition(s));
        }
    }
    else if (n == 5 && memcmp(text, "endif", 5) == 0) {
        scan_settle_definitions(s);
        s->conditions.n -= s->conditions.n > 1;
    }
    else if ((n == 6 && memcmp(text, "define", 6) == 0) ||
             (n == 5 && memcmp(text, "undef", 5) == 0)) {
        scan_define(s, rest, end);
    }
    else if (n == 7 && memcmp(text, "include", 7) == 0) {
        scan_include(s, rest, end);
    }
}
