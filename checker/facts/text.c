/* The text form of facts: written by --dump-facts, workers and the cache; read by --facts. */
#include <stdlib.h>
#include <string.h>

#include "facts/facts.h"

static void
text_escape(struct str *out, const char *s)
{
    for (;;) {
        size_t plain = strcspn(s, "\t\n\r\\");
        str_addn(out, s, plain);
        s += plain;
        if (!*s) {
            return;
        }
        str_addc(out, '\\');
        str_addc(out, *s == '\t' ? 't' : *s == '\n' ? 'n' : *s == '\r' ? 'r' : '\\');
        s++;
    }
}

static void
text_number(struct str *out, long n)
{
    char digits[24];
    size_t at = sizeof(digits);
    unsigned long rest = n < 0 ? 0UL - (unsigned long)n : (unsigned long)n;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (n < 0) {
        digits[--at] = '-';
    }
    str_addn(out, digits + at, sizeof(digits) - at);
}

enum { MOST_FIELDS = 64 };

/* The value of each field in the last fact of its kind. */
struct text_written {
    const char *last[FACT_KINDS][MOST_FIELDS];
};

/* Most values repeat from one fact to the next of its kind (the function, above all): the short
 * form has a '^' for those. */
static bool
text_repeats(struct text_written *written, const struct fact *f, size_t field, const char *s)
{
    const char **last = written && field < MOST_FIELDS ? &written->last[f->kind][field] : NULL;
    if (!last || *last == s) {
        return last != NULL;
    }
    if (!strpbrk(s, "\t\n\r\\")) { /* the reader does not keep what it has to unescape */
        *last = s;
    }
    return false;
}

static void
text_write_fact(struct str *out, const struct fact *f, struct text_written *written)
{
    const struct fact_shape *shape = fact_shape(f->kind);
    str_add(out, shape->name);
    str_addc(out, '\t');
    text_number(out, f->line);
    str_addc(out, ':');
    text_number(out, f->column);
    str_addc(out, '-');
    text_number(out, f->end_column);
    for (size_t i = 0; i < shape->nfields; i++) {
        const struct fact_field *field = &shape->fields[i];
        const char *s = field->is_number ? NULL : fact_string(f, field);
        long n = field->is_number ? fact_number(f, field) : 0;
        if (!n && (!s || !*s)) {
            continue;
        }
        str_addc(out, '\t');
        str_addn(out, field->name, field->length);
        if (s && text_repeats(written, f, i, s)) {
            str_addc(out, '^');
            continue;
        }
        str_addc(out, '=');
        if (field->is_number) {
            text_number(out, n);
        }
        else {
            text_escape(out, s);
        }
    }
    str_addc(out, '\n');
}

static void
text_write_all(const struct facts *store, struct str *out, struct text_written *written)
{
    const char *file = NULL;
    for (size_t i = 0; i < store->all.n; i++) {
        const struct fact *f = store->all.at[i];
        if (f->file != file) {
            file = f->file;
            str_add(out, "@ ");
            text_escape(out, file ? file : "");
            str_addc(out, '\n');
        }
        text_write_fact(out, f, written);
    }
}

void
facts_write_text(const struct facts *store, struct str *out)
{
    text_write_all(store, out, NULL);
}

void
facts_write_short(const struct facts *store, struct str *out)
{
    struct text_written *written = xcalloc(1, sizeof(*written));
    text_write_all(store, out, written);
    free(written);
}

void
facts_write(const struct facts *store, FILE *out)
{
    struct str text = {0};
    facts_write_text(store, &text);
    fwrite(text.s ? text.s : "", 1, text.n, out);
    str_free(&text);
}

/* Undoes text_escape() into the store's interned strings. */
static const char *
text_unescape(struct facts *store, const char *s, size_t n)
{
    if (!memchr(s, '\\', n)) {
        return intern_n(&store->strings, s, n);
    }
    struct str plain = {0};
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        if (c == '\\' && i + 1 < n) {
            c = s[++i];
            c = c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c;
        }
        str_addc(&plain, c);
    }
    const char *kept = intern_n(&store->strings, plain.s ? plain.s : "", plain.n);
    str_free(&plain);
    return kept;
}

/* Reads a number at *at, which moves behind it. */
static bool
text_read_number(const char **at, const char *end, long *n)
{
    bool negative = *at < end && **at == '-';
    const char *p = *at + negative;
    unsigned long value = 0;
    const char *first = p;
    while (p < end && *p >= '0' && *p <= '9') {
        value = value * 10 + (unsigned long)(*p++ - '0');
    }
    *n = negative ? (long)(0UL - value) : (long)value;
    *at = p;
    return p > first;
}

static bool
text_read_place(const char *s, const char *end, int place[3])
{
    static const char separators[3] = {':', '-', '\0'};
    for (int i = 0; i < 3; i++) {
        long n;
        if (!text_read_number(&s, end, &n)) {
            return false;
        }
        place[i] = (int)n;
        if (separators[i] ? s >= end || *s++ != separators[i] : s != end) {
            return false;
        }
    }
    return true;
}

/* Most values repeat from one fact to the next of its kind: those need not be looked up again. */
struct text_last {
    const char *s;
    size_t n;
};

struct text_reader {
    struct facts *store;
    struct text_last last[FACT_KINDS][MOST_FIELDS];
};

/* The number of the field that `s` starts with, its name and an '='; -1: there is none. Fields
 * stand in the order of the shape, so the search goes on where the last one was found. */
static int
text_find_field(const struct fact_shape *shape, const char *s, const char *end, size_t next)
{
    size_t left = (size_t)(end - s);
    for (size_t tried = 0, i = next; tried < shape->nfields; tried++, i++) {
        i = i < shape->nfields ? i : 0;
        size_t n = shape->fields[i].length;
        if (n < left && (s[n] == '=' || s[n] == '^') && memcmp(s, shape->fields[i].name, n) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static const char *
text_string(struct text_reader *r, enum fact_kind kind, size_t field, const char *s, size_t n)
{
    struct text_last *last = field < MOST_FIELDS ? &r->last[kind][field] : NULL;
    if (last && last->s && last->n == n && memcmp(last->s, s, n) == 0) {
        return last->s;
    }
    const char *kept = text_unescape(r->store, s, n);
    /* A text with escapes is another one now, and would never be found. */
    if (last && !memchr(s, '\\', n)) {
        *last = (struct text_last){kept, n};
    }
    return kept;
}

static bool
text_set_field(struct text_reader *r, struct fact *f, const char *s, const char *end, size_t *next)
{
    const struct fact_shape *shape = fact_shape(f->kind);
    int found = text_find_field(shape, s, end, *next);
    if (found < 0) {
        return false;
    }
    *next = (size_t)found + 1;
    const struct fact_field *field = &shape->fields[found];
    const char *at = s + field->length + 1;
    char *into = (char *)f + field->offset;
    if (at[-1] == '^') {
        const char *same = found < MOST_FIELDS ? r->last[f->kind][found].s : NULL;
        memcpy(into, &same, sizeof(same));
        return same && at == end && !field->is_number;
    }
    if (field->is_number) {
        long n;
        if (!text_read_number(&at, end, &n) || at != end) {
            return false;
        }
        memcpy(into, &n, sizeof(n));
        return true;
    }
    const char *value = text_string(r, f->kind, (size_t)found, at, (size_t)(end - at));
    memcpy(into, &value, sizeof(value));
    return true;
}

static const char *
text_field_end(const char *s, const char *end)
{
    const char *tab = memchr(s, '\t', (size_t)(end - s));
    return tab ? tab : end;
}

/* Passes rely on these strings; the writer leaves out empty ones. */
static void
text_fill_required(struct fact *f)
{
    const struct fact_shape *shape = fact_shape(f->kind);
    for (size_t i = 0; i < shape->nfields; i++) {
        const struct fact_field *field = &shape->fields[i];
        if (field->is_required && !fact_string(f, field)) {
            static const char *const empty = "";
            memcpy((char *)f + field->offset, &empty, sizeof(empty));
        }
    }
}

/* Returns NULL, or what is wrong with the line. */
static const char *
text_read_line(struct text_reader *r, const char *s, const char *end)
{
    struct facts *store = r->store;
    if (end - s >= 2 && s[0] == '@' && s[1] == ' ') {
        store->file = text_unescape(store, s + 2, (size_t)(end - s - 2));
        return NULL;
    }
    const char *stop = text_field_end(s, end);
    enum fact_kind kind = fact_kind_named_n(s, (size_t)(stop - s));
    if (kind == FACT_KINDS) {
        return "unknown kind of fact";
    }
    if (stop == end) {
        return "missing place";
    }
    s = stop + 1;
    stop = text_field_end(s, end);
    int place[3];
    if (!text_read_place(s, stop, place)) {
        return "bad place, expected line:column-end";
    }
    struct fact *f = facts_new(store, kind, place[0], place[1], place[2]);
    for (size_t next = 0; stop < end;) {
        s = stop + 1;
        stop = text_field_end(s, end);
        if (!text_set_field(r, f, s, stop, &next)) {
            return "unknown field or bad value";
        }
    }
    text_fill_required(f);
    return NULL;
}

bool
facts_read_text(struct facts *store, const char *text, size_t n, const char **error)
{
    const char *end = text + n;
    int line = 0;
    struct text_reader *r = xcalloc(1, sizeof(*r));
    r->store = store;
    const char *wrong = NULL;
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        if (!stop) {
            stop = end;
        }
        line++;
        wrong = stop == text || *text == '#' ? NULL : text_read_line(r, text, stop);
        if (wrong) {
            *error = arena_printf(&store->arena, "line %d: %s", line, wrong);
            break;
        }
        text = stop + 1;
    }
    free(r);
    return !wrong;
}
