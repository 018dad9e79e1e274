#include "source/text/lexer.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "source/text/lexer_comment.h"
#include "source/text/lexer_scan.h"

void
lexer_skip_comment(struct lexer *lx)
{
    const char *start = lx->at;
    unsigned first = lx->line;
    bool alone = !lx->line_has_code;
    bool block = start[1] == '*';
    const char *p = start + 2;
    while (p < lx->end) {
        if (block && *p == '*' && p + 1 < lx->end && p[1] == '/') {
            p += 2;
            break;
        }
        if (!block && *p == '\n' && p[-1] != '\\') {
            break;
        }
        if (*p++ == '\n') {
            lexer_newline(lx, p);
        }
    }
    lx->at = p;
    struct checker_comment comment = {.first_line = first, .end_line = lx->line, .alone = alone};
    if (lexer_comment_parse(start, (size_t)(p - start), lx->macros->strings, &comment)) {
        vec_push(&lx->out->comments, comment);
    }
    if (!lx->out->generator && first < 40) {
        lexer_banner_parse(start, (size_t)(p - start), lx->macros->strings, &lx->out->generator,
                           &lx->out->banner);
    }
}

/* Behind a string or character constant. */
static void
lexer_skip_string(struct lexer *lx)
{
    char quote = *lx->at++;
    while (lx->at < lx->end && *lx->at != quote) {
        if (*lx->at == '\n') {
            return; /* unterminated: an apostrophe in an #error line, or broken code */
        }
        if (*lx->at == '\\' && lx->at + 1 < lx->end) {
            lx->at++;
            if (*lx->at == '\n') {
                lexer_newline(lx, lx->at + 1);
            }
        }
        lx->at++;
    }
    if (lx->at < lx->end) {
        lx->at++;
    }
}

/* C++ R"tag( ... )tag". */
static bool
lexer_skip_raw_string(struct lexer *lx)
{
    const char *open = lx->at + 1, *p = open + 1;
    while (p < lx->end && *p != '(' && *p != '"' && *p != '\n' && p - open < 18) {
        p++;
    }
    if (p >= lx->end || *p != '(') {
        return false;
    }
    struct str close = {0};
    str_addc(&close, ')');
    str_addn(&close, open + 1, (size_t)(p - open - 1));
    str_addc(&close, '"');
    const char *stop = memmem(p, (size_t)(lx->end - p), close.s, close.n);
    const char *behind = stop ? stop + close.n : lx->end;
    str_free(&close);
    for (p = lx->at; p < behind; p++) {
        if (*p == '\n') {
            lexer_newline(lx, p + 1);
        }
    }
    lx->at = behind;
    return true;
}

static void
lexer_scan(struct lexer *lx)
{
    bool line_start = true;
    while (lx->at < lx->end) {
        char c = *lx->at;
        if (c == '\n') {
            lx->at++;
            lexer_newline(lx, lx->at);
            line_start = true;
            continue;
        }
        if (c == '/' && lx->at + 1 < lx->end && (lx->at[1] == '/' || lx->at[1] == '*')) {
            lexer_skip_comment(lx);
            continue;
        }
        if (c == '#' && line_start) {
            lexer_directive(lx);
            continue;
        }
        if (isspace((unsigned char)c)) {
            lx->at++;
            continue;
        }
        line_start = false;
        lx->line_has_code = true;
        if (c == '"' || c == '\'') {
            lexer_skip_string(lx);
        }
        else if (c == 'R' && lx->at + 1 < lx->end && lx->at[1] == '"' &&
                 lexer_skip_raw_string(lx)) {
            continue;
        }
        else if (isdigit((unsigned char)c)) {
            /* Numbers: 1'000 in C++ must not open a character constant. */
            while (lx->at < lx->end && (lexer_is_word(*lx->at) || *lx->at == '\'')) {
                lx->at++;
            }
        }
        else if (lexer_is_word(c)) {
            lexer_word(lx);
        }
        else {
            lx->at++;
        }
    }
}

bool
lexer_read(struct lexed *out, const char *path, struct lexer_macros *macros)
{
    *out = (struct lexed){.path = path};
    if (!str_read_file(&out->text, path)) {
        return false;
    }
    if (out->text.n > 0x7fffffff) {
        errno = EFBIG;
        return false;
    }
    const char *text = out->text.s;
    struct lexer lx = {
        .out = out, .macros = macros, .s = text, .at = text, .end = text + out->text.n, .line = 1};
    vec_push(&out->lines, 0U);
    lexer_scan(&lx);
    out->mentions_atomics = memmem(text, out->text.n, "atomic", 6) != NULL ||
                            memmem(text, out->text.n, "__sync_", 7) != NULL ||
                            memmem(text, out->text.n, "ATOMIC", 6) != NULL;
    out->mentions_gil =
        memmem(text, out->text.n, "Py_GIL_DISABLED", 15) != NULL && lexed_gil_matters(out);
    vec_free(&lx.conditions);
    return true;
}
