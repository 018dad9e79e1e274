/* Conditions before Python.h, as far as they ask what is defined. */
#include <string.h>

#include "source/plan/prefix_macros.h"

enum { PREFIX_MAX_DEPTH = 100 };

static enum truth prefix_or(struct prefix_walk *w, const char **s);

static void
prefix_blanks(const char **s)
{
    *s += strspn(*s, " \t\r");
}

/* `( condition )`. *s becomes NULL where the rest is not understood, as in the others. */
static enum truth
prefix_parentheses(struct prefix_walk *w, const char **s)
{
    (*s)++;
    w->depth++;
    enum truth inner = w->depth < PREFIX_MAX_DEPTH ? prefix_or(w, s) : UNKNOWN;
    w->depth--;
    if (*s) {
        prefix_blanks(s);
    }
    if (!*s || **s != ')') {
        *s = NULL;
        return UNKNOWN;
    }
    (*s)++;
    return inner;
}

static enum truth
prefix_primary(struct prefix_walk *w, const char **s)
{
    bool negated = false;
    prefix_blanks(s);
    while (**s == '!' && (*s)[1] != '=') {
        (*s)++;
        negated = !negated;
        prefix_blanks(s);
    }
    if (negated) {
        enum truth inner = prefix_primary(w, s);
        return inner == YES ? NO : inner == NO ? YES : UNKNOWN;
    }
    if (**s == '(') {
        return prefix_parentheses(w, s);
    }
    if (strncmp(*s, "defined", 7) != 0) {
        *s = NULL;
        return UNKNOWN;
    }
    *s += 7;
    prefix_blanks(s);
    bool open = **s == '(';
    *s += open;
    prefix_blanks(s);
    size_t n = str_name_length(*s);
    enum truth value = prefix_get(w, intern_n(&w->strings, *s, n));
    *s += n;
    prefix_blanks(s);
    if (!n || (open && **s != ')')) {
        *s = NULL;
        return UNKNOWN;
    }
    *s += open;
    return value;
}

static enum truth
prefix_and(struct prefix_walk *w, const char **s)
{
    enum truth value = prefix_primary(w, s);
    while (*s) {
        prefix_blanks(s);
        if (strncmp(*s, "&&", 2) != 0) {
            break;
        }
        *s += 2;
        enum truth right = prefix_primary(w, s);
        value = value == NO || right == NO ? NO : value == YES && right == YES ? YES : UNKNOWN;
    }
    return value;
}

static enum truth
prefix_or(struct prefix_walk *w, const char **s)
{
    enum truth value = prefix_and(w, s);
    while (*s) {
        prefix_blanks(s);
        if (strncmp(*s, "||", 2) != 0) {
            break;
        }
        *s += 2;
        enum truth right = prefix_and(w, s);
        value = value == YES || right == YES ? YES : value == NO && right == NO ? NO : UNKNOWN;
    }
    return value;
}

enum truth
prefix_condition(struct prefix_walk *w, const char *word, size_t n, const char *rest)
{
    bool ifdef = n == 5 && strncmp(word, "ifdef", 5) == 0;
    if (ifdef || (n == 6 && strncmp(word, "ifndef", 6) == 0)) {
        enum truth value = prefix_get(w, prefix_name(w, rest));
        return ifdef || value == UNKNOWN ? value : value == YES ? NO : YES;
    }
    enum truth value = prefix_or(w, &rest);
    return rest && !rest[strspn(rest, " \t\r")] ? value : UNKNOWN;
}
