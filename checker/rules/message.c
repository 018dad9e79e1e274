/* Texts of findings: fields and table cells filled in, ids made readable. */
#include <string.h>

#include "rules/api_table.h"
#include "rules/match.h"
#include "rules/rule_file.h"

/* One id or descriptor: what stands behind `path#`, behind `var:`, `func:`, `call:` ... */
static void
message_add_name(struct str *out, const char *id, size_t n)
{
    static const char *const prefixes[] = {"func:", "var:", "call:", "immortal:", "local:"};
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
            size_t length = strlen(prefixes[i]);
            if (n > length && strncmp(id, prefixes[i], length) == 0) {
                id += length;
                n -= length;
                again = true;
            }
        }
    }
    /* In C++ the parameters follow, which may have blanks. */
    const char *open = memchr(id, '(', n);
    for (size_t i = open ? (size_t)(open - id) : n; i-- > 0;) {
        if (id[i] == ' ') {
            break;
        }
        if (id[i] == '#') {
            id += i + 1;
            n -= i + 1;
            break;
        }
    }
    /* Two local statics of one name are told apart by their line: `f.moduledef@12`. */
    size_t digits = n;
    while (digits > 0 && id[digits - 1] >= '0' && id[digits - 1] <= '9') {
        digits--;
    }
    str_addn(out, id, digits < n && digits > 1 && id[digits - 1] == '@' ? digits - 1 : n);
}

const char *
message_name(struct arena *arena, const char *id)
{
    if (!id) {
        return NULL;
    }
    if (!strchr(id, '#') && !strchr(id, ':')) {
        return id;
    }
    struct str out = {0};
    for (;;) {
        size_t n = strcspn(id, ",");
        /* A comma inside parentheses belongs to the name of a C++ function. */
        bool one = memchr(id, '(', n) != NULL;
        message_add_name(&out, id, one ? strlen(id) : n);
        if (one || !id[n]) {
            break;
        }
        str_add(&out, ", ");
        id += n + 1;
        id += *id == ' ';
    }
    const char *kept = arena_copy(arena, out.s ? out.s : "", out.n);
    str_free(&out);
    return kept;
}

const char *
message_entry(const char *entry)
{
    if (str_list_has(entry ? entry : "", "run")) {
        return "which Python can call at any time";
    }
    if (str_list_has(entry ? entry : "", "foreign")) {
        return "which runs on a thread that Python did not make";
    }
    if (str_list_has(entry ? entry : "", "init")) {
        return "which every import runs";
    }
    if (str_list_has(entry ? entry : "", "teardown")) {
        return "which runs when the module or an object goes away";
    }
    return NULL;
}

/* The key of table cells: what the fact is about. */
static const struct api_row *
message_row(const struct fact *f, const struct api_table *table)
{
    static const char *const keys[] = {"callee", "subject", "symbol", "detail", "name"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        const struct api_row *row = api_table_row(table, match_field(f, keys[i]));
        if (row) {
            return row;
        }
    }
    return NULL;
}

static bool
message_is_empty_cell(const char *cell)
{
    return !cell || !*cell || strcmp(cell, "-") == 0;
}

/* Returns false when a table has no word for the fact. */
static bool
message_add_field(const struct match_context *ctx, struct arena *arena, struct str *out,
                  const struct fact *f, const char *name)
{
    const char *colon = strchr(name, ':');
    if (colon) {
        const struct api_table *table =
            ruleset_table(ctx->set, arena_copy(arena, name, (size_t)(colon - name)));
        const struct api_row *row = table ? message_row(f, table) : NULL;
        int column = row ? api_table_column(table, colon + 1) : -1;
        const char *cell = column >= 0 ? row->cells[column] : NULL;
        str_add(out, message_is_empty_cell(cell) ? "" : cell);
        return !message_is_empty_cell(cell);
    }
    const struct fact_field *field = fact_field_named(f->kind, name);
    if (!field) {
        str_add(out, strcmp(name, "file") == 0 && f->file ? f->file : "");
    }
    else if (field->is_number) {
        str_addf(out, "%ld", fact_number(f, field));
    }
    else {
        const char *value = fact_string(f, field);
        str_add(out, value ? message_name(arena, value) : "");
    }
    return true;
}

const char *
message_fill(const struct match_context *ctx, struct arena *arena, const char *text,
             const struct fact *f)
{
    if (!text || !strchr(text, '{')) {
        return text;
    }
    /* `A {table:column} || B`: B when the table has no word for this fact. */
    const char *otherwise = strstr(text, " || ");
    const char *end = otherwise ? otherwise : text + strlen(text);
    bool complete = true;
    struct str out = {0};
    while (text < end) {
        size_t n = strcspn(text, "{");
        n = n < (size_t)(end - text) ? n : (size_t)(end - text);
        str_addn(&out, text, n);
        text += n;
        if (text >= end) {
            break;
        }
        n = strspn(++text, RULE_FIELD_CHARACTERS);
        if (!n || text[n] != '}') {
            str_addc(&out, '{');
            continue;
        }
        complete &= message_add_field(ctx, arena, &out, f, arena_copy(arena, text, n));
        text += n + 1;
    }
    if (!complete && otherwise) {
        str_clear(&out);
        str_add(&out, otherwise + 4);
    }
    const char *kept = arena_copy(arena, out.s ? out.s : "", out.n);
    str_free(&out);
    return kept;
}
