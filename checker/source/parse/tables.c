#include "source/parse/tables.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "source/text/differs.h"

enum { LEAST_BYTES = 1024, LEAST_VALUES = 16, DESIGNATOR = 32 };

struct table {
    char *first_end, *last; /* behind the first value, before the last one */
    const char *close;
    size_t values;
};

static bool
tables_is_type(const char *word, size_t n)
{
    static const char *const types[] = {
        "static",   "const",   "unsigned", "signed",      "char",   "short",    "int",
        "long",     "float",   "double",   "uint8_t",     "int8_t", "uint16_t", "int16_t",
        "uint32_t", "int32_t", "uint64_t", "int64_t",     "size_t", "ssize_t",  "Py_ssize_t",
        "Py_UCS1",  "Py_UCS2", "Py_UCS4",  "uint_fast8_t"};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        if (strlen(types[i]) == n && memcmp(types[i], word, n) == 0) {
            return true;
        }
    }
    return false;
}

static const char *
tables_back_blanks(const char *text, const char *at)
{
    while (at > text && isspace((unsigned char)at[-1])) {
        at--;
    }
    return at;
}

static const char *
tables_back_word(const char *text, const char *at)
{
    while (at > text && (isalnum((unsigned char)at[-1]) || at[-1] == '_')) {
        at--;
    }
    return at;
}

/* Does `type name[...] =` stand before the brace, the type on the same line as the name? */
static bool
tables_is_declared(const char *text, const char *brace)
{
    const char *at = tables_back_blanks(text, brace);
    if (at == text || at[-1] != '=') {
        return false;
    }
    at = tables_back_blanks(text, at - 1);
    if (at == text || at[-1] != ']') {
        return false;
    }
    for (at--; at > text && !strchr("[];{}", at[-1]); at--) {}
    if (at == text || at[-1] != '[') {
        return false;
    }
    at = tables_back_blanks(text, at - 1);
    const char *name = tables_back_word(text, at);
    int types = 0;
    if (name == at) {
        return false;
    }
    for (at = name; at > text && at[-1] != '\n';) {
        if (isblank((unsigned char)at[-1])) {
            at--;
            continue;
        }
        const char *word = tables_back_word(text, at);
        if (word == at || !tables_is_type(word, (size_t)(at - word))) {
            return false;
        }
        bool is_const = at - word == 5 && memcmp(word, "const", 5) == 0;
        types += !is_const && memcmp(word, "static", 5) != 0;
        at = word;
    }
    return types > 0;
}

/* Behind a number: digits, and letters of bases, exponents and suffixes. */
static char *
tables_number_end(char *s, const char *end)
{
    for (; s < end; s++) {
        bool sign = (*s == '-' || *s == '+') && strchr("eEpP", s[-1]);
        if (!isalnum((unsigned char)*s) && *s != '.' && !sign) {
            break;
        }
    }
    return s;
}

/* Numbers, commas and comments up to the closing brace; nothing else. */
static bool
tables_read(char *brace, const char *end, struct table *out)
{
    bool value = false; /* was there one since the last comma? */
    char *sign = NULL;
    *out = (struct table){.values = 0};
    for (char *at = brace + 1; at < end;) {
        if (isdigit((unsigned char)*at) && !value) {
            char *behind = tables_number_end(at, end);
            out->first_end = out->values ? out->first_end : behind;
            out->last = sign ? sign : at;
            out->values++;
            value = true;
            sign = NULL;
            at = behind;
        }
        else if (*at == ',' && value) {
            value = false;
            at++;
        }
        else if (*at == '-' && !value && !sign) {
            sign = at++;
        }
        else if (isspace((unsigned char)*at)) {
            at++;
        }
        else if (*at == '}' && !sign) {
            out->close = at;
            return out->values >= LEAST_VALUES && at - brace >= LEAST_BYTES;
        }
        else {
            const char *behind = *at == '/' ? differs_skip(at, end) : at;
            if (behind == at) {
                return false;
            }
            at += behind - at;
        }
    }
    return false;
}

/* The first table in [text + *from, text + n); *from moves behind it. */
static bool
tables_next(char *text, size_t n, size_t *from, struct table *out)
{
    const char *end = text + n;
    char *brace;
    while (*from < n && (brace = memchr(text + *from, '{', n - *from))) {
        *from = (size_t)(brace - text) + 1;
        if (tables_read(brace, end, out)) {
            *from = (size_t)(out->close - text);
            if (tables_is_declared(text, brace)) {
                return true;
            }
        }
    }
    return false;
}

/* Leaves the lines as they are. */
static void
tables_cut(const struct table *table)
{
    char text[DESIGNATOR];
    int length = snprintf(text, sizeof(text), ", [%zu] = ", table->values - 1);
    char *room = NULL, *run = table->first_end;
    for (char *at = table->first_end; at < table->last && !room; at++) {
        run = *at == '\n' ? at + 1 : run;
        room = at - run + 1 >= length ? run : NULL;
    }
    if (!room || length >= (int)sizeof(text)) {
        return;
    }
    for (char *at = table->first_end; at < table->last; at++) {
        *at = *at == '\n' ? '\n' : ' ';
    }
    memcpy(room, text, (size_t)length);
}

void
tables_shorten(char *text, size_t n)
{
    struct table table;
    for (size_t from = 0; tables_next(text, n, &from, &table);) {
        tables_cut(&table);
    }
}

void
tables_add(struct table_files *files, const char *name, const char *real, const struct str *text)
{
    struct table table;
    size_t from = 0;
    if (text->n >= LEAST_BYTES && tables_next(text->s, text->n, &from, &table)) {
        struct table_file file = {.name = name, .real = real};
        str_addn(&file.text, text->s, text->n);
        tables_shorten(file.text.s, file.text.n);
        vec_push(&files->at, file);
    }
}

void
tables_free(struct table_files *files)
{
    for (size_t i = 0; i < files->at.n; i++) {
        str_free(&files->at.at[i].text);
    }
    vec_free(&files->at);
}
