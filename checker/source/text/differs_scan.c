/* One file, from its first character to its last: directives, and statements outside functions. */
#include <ctype.h>
#include <string.h>

#include "source/text/differs_scan.h"

static void
scan_end_statement(struct scan *s)
{
    int give = s->is_type ? LEVEL_TYPE : LEVEL_NAME;
    if (s->declared.n) {
        struct node *statement = differs_node(s->d);
        differs_link(s->d, scan_condition(s), statement, LEVEL_NAME, LEVEL_TYPE);
        for (size_t i = 0; i < s->words.n && !s->has_parameters; i++) {
            differs_link(s->d, s->words.at[i], statement, LEVEL_TYPE, LEVEL_TYPE);
        }
        for (size_t i = 0; i < s->declared.n; i++) {
            differs_link(s->d, statement, s->declared.at[i], LEVEL_TYPE, give);
        }
    }
    s->words.n = s->declared.n = 0;
    s->pending = NULL;
    s->has_parameters = s->is_type = false;
    s->parentheses = 0;
}

/* One character of what is passed over. */
static void
scan_pass_over(struct scan *s)
{
    s->braces += *s->at == '{' ? 1 : *s->at == '}' ? -1 : 0;
    s->at++;
    if (s->braces == 0 && !s->in_values) {
        scan_end_statement(s);
    }
}

static void
scan_word(struct scan *s)
{
    static const char *const types[] = {"typedef", "struct", "union", "enum", "class", "using"};
    const char *word = s->at;
    while (s->at < s->end && lexer_is_word(*s->at)) {
        s->at++;
    }
    size_t n = (size_t)(s->at - word);
    if (isdigit((unsigned char)*word)) {
        s->pending = NULL;
        s->before = '0';
        return;
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        s->is_type |= n == strlen(types[i]) && memcmp(word, types[i], n) == 0;
    }
    s->pending = differs_word(s->d, word, n);
    vec_push(&s->words, s->pending);
    s->before_word = s->before;
    s->before = 'w';
}

static void
scan_punctuation(struct scan *s)
{
    char c = *s->at;
    bool pointer = c == ')' && s->parentheses == 1 && s->star_opens && s->before_word == '*';
    if (c == '*' || c == '(') {
        s->star_opens = c == '*' && s->before == '('; /* (*name)(...) */
    }
    if (s->pending && (pointer || (!s->parentheses && strchr(";,=[:({", c)))) {
        vec_push(&s->declared, s->pending);
    }
    s->parentheses += c == '(' ? 1 : c == ')' && s->parentheses ? -1 : 0;
    bool body = c == '{' && s->has_parameters && (s->before == ')' || s->before == 'w');
    bool values = c == '{' && s->before == '=';
    s->has_parameters |= c == '(';
    s->pending = NULL;
    s->before = c;
    if (values || body) {
        s->in_values = values;
        s->braces = 1;
        s->at++;
        return;
    }
    if (c == ';' || c == '{' || c == '}') {
        scan_end_statement(s);
    }
    s->at++;
}

static void
scan_text(struct scan *s)
{
    bool line_start = true;
    while (s->at < s->end) {
        char c = *s->at;
        const char *behind = differs_skip(s->at, s->end);
        if (behind > s->at) {
            s->at = behind;
        }
        else if (c == '#' && line_start) {
            scan_directive(s);
        }
        else if (isspace((unsigned char)c)) {
            line_start |= c == '\n';
            s->at++;
            continue;
        }
        else if (!s->declarations) {
            s->at++;
        }
        else if (s->braces > 0) {
            scan_pass_over(s);
        }
        else if (lexer_is_word(c)) {
            scan_word(s);
        }
        else {
            scan_punctuation(s);
        }
        line_start = false;
    }
}

void
differs_scan(struct differs *d, const char *path, const char *text, size_t n, bool declarations)
{
    struct scan s = {.d = d, .at = text, .end = text + n, .declarations = declarations};
    struct str key = {0};
    const char *slash = strrchr(path, '/');
    str_addf(&key, "#%s", slash ? slash + 1 : path);
    struct condition whole = {differs_word(d, key.s, key.n), 0};
    vec_push(&s.conditions, whole);
    scan_text(&s);
    scan_end_statement(&s);
    while (s.conditions.n > 1) {
        scan_settle_definitions(&s);
        s.conditions.n--;
    }
    scan_settle_definitions(&s);
    vec_free(&s.definitions);
    vec_free(&s.conditions);
    vec_free(&s.words);
    vec_free(&s.declared);
    str_free(&key);
}
