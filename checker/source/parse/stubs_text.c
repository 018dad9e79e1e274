/* What the text around an unknown name says about it. */
#include <string.h>

#include "source/parse/stub.h"

const char *
stubs_skip(const char *s)
{
    return s + strspn(s, " \t\r\n");
}

bool
stubs_is_annotation(const char *behind)
{
    const char *next = stubs_skip(behind);
    size_t n = str_name_length(next);
    if (!n || strncmp(next, "const", n) == 0 || strncmp(next, "volatile", n) == 0) {
        return false;
    }
    const char *third = stubs_skip(next + n);
    return str_name_length(third) > 0 || *third == '*';
}

bool
stubs_reads_as_type(const char *text, const char *word, size_t n)
{
    const char *before = word;
    while (before > text && strchr(" \t\r\n", before[-1])) {
        before--;
    }
    char previous = before > text ? before[-1] : ';';
    const char *behind = stubs_skip(word + n);
    bool starts = previous == ';' || previous == '{' || previous == '}';
    if (*behind == '*') {
        const char *name = behind + strspn(behind, "* \t");
        return (starts && str_name_length(name) > 0) || (previous == '(' && *name == ')');
    }
    if (*behind == ')' && previous == '(') {
        while (--before > text && strchr(" \t", before[-1])) {
            continue;
        }
        return before - text >= 6 && strncmp(before - 6, "sizeof", 6) == 0;
    }
    return (starts || previous == '(') && str_name_length(behind) > 0;
}

bool
stubs_ends_row(const char *text, const char *word, size_t n)
{
    const char *before = word;
    while (before > text && strchr(" \t\r\n", before[-1])) {
        before--;
    }
    const char *behind = stubs_skip(word + n);
    bool closes = *behind == '}' || (*behind == ',' && *stubs_skip(behind + 1) == '}');
    return closes && before > text && before[-1] == ',';
}
