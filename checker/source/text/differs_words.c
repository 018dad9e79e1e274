/* Source text as words, without comments, constants and numbers. */
#include <ctype.h>
#include <string.h>

#include "source/text/differs_scan.h"

const char *
differs_skip(const char *s, const char *end)
{
    if (*s == '/' && s + 1 < end && s[1] == '*') {
        const char *close = memmem(s + 2, (size_t)(end - s - 2), "*/", 2);
        return close ? close + 2 : end;
    }
    if (*s == '/' && s + 1 < end && s[1] == '/') {
        const char *line = memchr(s, '\n', (size_t)(end - s));
        return line ? line : end;
    }
    if (*s != '"' && *s != '\'') {
        return s;
    }
    char quote = *s++;
    while (s < end && *s != quote && *s != '\n') {
        s += *s == '\\' && s + 1 < end ? 2 : 1;
    }
    return s < end && *s == quote ? s + 1 : s;
}

const char *
differs_next_word(const char **at, const char *end, size_t *n)
{
    while (*at < end) {
        const char *behind = differs_skip(*at, end);
        if (behind > *at) {
            *at = behind;
        }
        else if (lexer_is_word(**at)) {
            const char *word = *at;
            while (*at < end && lexer_is_word(**at)) {
                (*at)++;
            }
            *n = (size_t)(*at - word);
            if (!isdigit((unsigned char)*word)) {
                return word;
            }
        }
        else {
            (*at)++;
        }
    }
    return NULL;
}
