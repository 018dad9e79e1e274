/* Questions to a source that was read: lines, conditions, words, and what the GIL decides in it. */
#include <ctype.h>
#include <string.h>

#include "source/text/lexer_scan.h"

/* Does a line say no more than what the module declares about the GIL, or which API it uses? Then
 * both flavours show the same code. */
static bool
lexed_line_only_declares(const char *s, size_t n)
{
    static const char *const words[] = {"PyUnstable_Module_SetGIL", "Py_mod_gil", "Py_LIMITED_API"};
    while (n && isspace((unsigned char)*s)) {
        s++;
        n--;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (memmem(s, n, words[i], strlen(words[i]))) {
            return true;
        }
    }
    bool comment = n > 1 && *s == '/' && (s[1] == '*' || s[1] == '/');
    bool directive = n > 1 && *s == '#' && s[1] != 'd';
    bool brace = strspn(s, "{};") >= strcspn(s, "\r\n");
    return n == 0 || comment || *s == '*' || brace || directive;
}

bool
lexed_gil_matters(const struct lexed *lexed)
{
    for (unsigned line = 1; line <= lexed->lines.n; line++) {
        const char *guard = lexed_guard(lexed, line);
        if (!guard || !strstr(guard, "Py_GIL_DISABLED")) {
            continue;
        }
        unsigned from = lexed->lines.at[line - 1];
        size_t to = line < lexed->lines.n ? lexed->lines.at[line] : lexed->text.n;
        if (!lexed_line_only_declares(lexed->text.s + from, to - from)) {
            return true;
        }
    }
    return false;
}

void
lexed_free(struct lexed *lexed)
{
    str_free(&lexed->text);
    vec_free(&lexed->lines);
    vec_free(&lexed->sites);
    vec_free(&lexed->guards);
    vec_free(&lexed->includes);
    vec_free(&lexed->defines);
    vec_free(&lexed->comments);
    vec_free(&lexed->directives);
}

unsigned
lexed_line(const struct lexed *lexed, unsigned offset, unsigned *column)
{
    size_t low = 0, high = lexed->lines.n;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (lexed->lines.at[middle] <= offset) {
            low = middle;
        }
        else {
            high = middle;
        }
    }
    if (column) {
        *column = offset - lexed->lines.at[low] + 1;
    }
    return (unsigned)low + 1;
}

const char *
lexed_guard(const struct lexed *lexed, unsigned line)
{
    const char *guard = NULL;
    size_t low = 0, high = lexed->guards.n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (lexed->guards.at[middle].line <= line) {
            guard = lexed->guards.at[middle].guard;
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return guard;
}

unsigned
lexed_word(const struct lexed *lexed, unsigned offset)
{
    unsigned n = 0;
    while (offset + n < lexed->text.n && lexer_is_word(lexed->text.s[offset + n])) {
        n++;
    }
    return n;
}
