/* Preprocessor lines: conditions, includes, and what a #define hides. */
#include <ctype.h>
#include <string.h>

#include "source/text/lexer_scan.h"

static const char *
lexer_guard_text(struct lexer *lx)
{
    struct str text = {0};
    for (size_t i = 0; i < lx->conditions.n; i++) {
        if (*lx->conditions.at[i]) {
            str_addf(&text, "%s%s", text.n ? " && " : "", lx->conditions.at[i]);
        }
    }
    const char *kept = text.n ? intern(lx->macros->strings, text.s) : NULL;
    str_free(&text);
    return kept;
}

static void
lexer_push_guard(struct lexer *lx)
{
    struct guard_span span = {.line = lx->line + 1, .guard = lexer_guard_text(lx)};
    vec_push(&lx->out->guards, span);
}

const char *
lexer_trimmed(struct lexer *lx, const char *s, size_t n)
{
    while (n && isspace((unsigned char)*s)) {
        s++;
        n--;
    }
    while (n && isspace((unsigned char)s[n - 1])) {
        n--;
    }
    return intern_n(lx->macros->strings, s, n);
}

static void
lexer_condition(struct lexer *lx, const char *word, const char *rest, size_t n)
{
    struct interner *strings = lx->macros->strings;
    const char *text = lexer_trimmed(lx, rest, n);
    struct str wrapped = {0};
    if (strcmp(word, "ifdef") == 0 || strcmp(word, "ifndef") == 0) {
        str_addf(&wrapped, "%sdefined(%s)", word[2] == 'n' ? "!" : "", text);
    }
    else if (strcmp(word, "if") == 0 || strncmp(word, "elif", 4) == 0) {
        str_add(&wrapped, text);
    }
    if (strcmp(word, "endif") == 0) {
        if (lx->conditions.n) {
            lx->conditions.n--;
        }
    }
    else if (word[0] == 'e') {
        if (lx->conditions.n) {
            const char **top = &lx->conditions.at[lx->conditions.n - 1];
            struct str other = {0};
            str_addf(&other, "!(%s)%s%s", *top, wrapped.n ? " && " : "",
                     wrapped.n ? wrapped.s : "");
            *top = intern(strings, other.s);
            str_free(&other);
        }
    }
    else {
        /* The whole file stands inside its include guard: not a condition worth showing. */
        bool guard = word[2] == 'n' && lx->out->includes.n == 0 && lx->conditions.n == 0 &&
                     (str_ends(text, "_H") || str_ends(text, "_H_") || str_ends(text, "_INCLUDED"));
        vec_push(&lx->conditions, guard ? "" : intern(strings, wrapped.n ? wrapped.s : ""));
    }
    str_free(&wrapped);
    lexer_push_guard(lx);
}

static void
lexer_include(struct lexer *lx, const char *rest, size_t n)
{
    const char *open = memchr(rest, '<', n);
    const char *quote = memchr(rest, '"', n);
    bool angled = open && (!quote || open < quote);
    const char *start = angled ? open : quote;
    if (!start) {
        return;
    }
    const char *stop = memchr(start + 1, angled ? '>' : '"', n - (size_t)(start + 1 - rest));
    if (!stop) {
        return;
    }
    bool conditional = false;
    for (size_t i = 0; i < lx->conditions.n; i++) {
        conditional |= lx->conditions.at[i][0] != '\0';
    }
    struct include_site site = {
        .name = intern_n(lx->macros->strings, start + 1, (size_t)(stop - start - 1)),
        .line = lx->line,
        .angled = angled,
        .conditional = conditional,
        .after_define = lx->seen_define && lx->out->includes_python};
    vec_push(&lx->out->includes, site);
    if (strcmp(site.name, "Python.h") == 0 || str_ends(site.name, "/Python.h")) {
        lx->out->includes_python = true;
        lx->seen_define = false;
    }
}

static void
lexer_define(struct lexer *lx, const char *rest, size_t n)
{
    const char *end = rest + n;
    while (rest < end && isspace((unsigned char)*rest)) {
        rest++;
    }
    const char *name_end = rest;
    while (name_end < end && lexer_is_word(*name_end)) {
        name_end++;
    }
    if (name_end == rest) {
        return;
    }
    struct interner *strings = lx->macros->strings;
    struct define_site site = {.name = intern_n(strings, rest, (size_t)(name_end - rest)),
                               .value = lexer_trimmed(lx, name_end, (size_t)(end - name_end)),
                               .guard = lexer_guard_text(lx),
                               .line = lx->line};
    vec_push(&lx->out->defines, site);
    lx->seen_define = true;
    lexer_note_macro(lx, site.name, name_end, end);
}

void
lexer_directive(struct lexer *lx)
{
    struct str joined = {0};
    const char *p = lx->at + 1;
    while (p < lx->end && *p != '\n') {
        if (*p == '\\' && p + 1 < lx->end && (p[1] == '\n' || p[1] == '\r')) {
            p += p[1] == '\r' && p + 2 < lx->end && p[2] == '\n' ? 3 : 2;
            lexer_newline(lx, p);
            str_addc(&joined, ' ');
            continue;
        }
        if (*p == '/' && p + 1 < lx->end && (p[1] == '*' || p[1] == '/')) {
            lx->at = p;
            lexer_skip_comment(lx);
            p = lx->at;
            str_addc(&joined, ' ');
            continue;
        }
        str_addc(&joined, *p++);
    }
    lx->at = p;
    const char *text = joined.n ? joined.s : "";
    while (isspace((unsigned char)*text)) {
        text++;
    }
    size_t length = 0;
    while (isalpha((unsigned char)text[length])) {
        length++;
    }
    const char *word = intern_n(lx->macros->strings, text, length);
    const char *rest = text + length;
    bool is_python = false;
    if (strcmp(word, "include") == 0) {
        bool before = lx->out->includes_python;
        lexer_include(lx, rest, strlen(rest));
        is_python = !before && lx->out->includes_python;
    }
    else if (strcmp(word, "define") == 0) {
        lexer_define(lx, rest, strlen(rest));
    }
    else if (str_starts(word, "if") || strncmp(word, "el", 2) == 0 || strcmp(word, "endif") == 0) {
        lexer_condition(lx, word, rest, strlen(rest));
    }
    if (!lx->out->includes_python && !is_python && length) {
        vec_push(&lx->out->directives, intern(lx->macros->strings, text));
    }
    str_free(&joined);
}
