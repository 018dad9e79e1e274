/* Conditions of rule files: `field op value`, see rules/README.md. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "rules/api_table.h"
#include "rules/rule_file.h"

struct condition_word {
    const char *text;
    enum condition_op op;
    bool takes_value;
};

/* Longer spellings stand before their beginnings. */
static const struct condition_word condition_words[] = {
    {"is not set", OP_UNSET, false},
    {"is unset", OP_UNSET, false},
    {"is set", OP_SET, false},
    {"is not", OP_IS_NOT, true},
    {"is", OP_IS, true},
    {"has not", OP_LACKS, true},
    {"lacks", OP_LACKS, true},
    {"has", OP_HAS, true},
    {"not in", OP_NOT_IN, true},
    {"in", OP_IN, true},
    {"unlike", OP_UNLIKE, true},
    {"like", OP_LIKE, true},
    {"<=", OP_LESS_EQUAL, true},
    {">=", OP_GREATER_EQUAL, true},
    {"<", OP_LESS, true},
    {">", OP_GREATER, true},
    {"!=", OP_IS_NOT, true},
    {"=", OP_IS, true},
};

int
python_version_parse(const char *s)
{
    char *end;
    long major = strtol(s, &end, 10);
    if (end == s || *end != '.' || major < 2 || major > 9) {
        return -1;
    }
    const char *rest = end + 1;
    long minor = isdigit((unsigned char)*rest) ? strtol(rest, &end, 10) : -1;
    if (minor < 0 || minor > 99) {
        return -1;
    }
    return (int)(major << 8 | minor);
}

/* Moves *text behind the op and its blanks; NULL when there is none. */
static const struct condition_word *
condition_read_op(const char **text)
{
    for (size_t i = 0; i < sizeof(condition_words) / sizeof(*condition_words); i++) {
        const struct condition_word *word = &condition_words[i];
        size_t n = strlen(word->text);
        if (strncmp(*text, word->text, n) == 0 && ((*text)[n] == ' ' || (*text)[n] == '\0')) {
            *text += n;
            *text += strspn(*text, " ");
            return word;
        }
    }
    return NULL;
}

static const char *
condition_split(struct ruleset *set, struct condition *out, const char *value)
{
    for (;;) {
        size_t n = strcspn(value, "|");
        const char *from = value, *end = value + n;
        while (from < end && *from == ' ') {
            from++;
        }
        while (end > from && end[-1] == ' ') {
            end--;
        }
        if (from == end) {
            return "empty alternative";
        }
        vec_push(&out->words, arena_copy(&set->arena, from, (size_t)(end - from)));
        if (!value[n]) {
            return NULL;
        }
        value += n + 1;
    }
}

/* TABLE, TABLE:column=value, TABLE:column!=value */
static const char *
condition_table(struct ruleset *set, struct condition *out, const char *value)
{
    size_t n = strcspn(value, ":");
    const char *name = arena_copy(&set->arena, value, n);
    out->table = ruleset_table(set, name);
    if (!out->table) {
        return arena_printf(&set->arena, "there is no table called '%s'", name);
    }
    if (!value[n]) {
        return NULL;
    }
    const char *column = value + n + 1;
    size_t length = strcspn(column, "=!");
    const char *equals = column + length;
    out->column_differs = *equals == '!';
    equals += out->column_differs;
    if (*equals != '=') {
        return "expected TABLE:column=value";
    }
    out->column = arena_copy(&set->arena, column, length);
    if (api_table_column(out->table, out->column) < 0) {
        return arena_printf(&set->arena, "table %s has no column '%s'", name, out->column);
    }
    out->wanted = arena_string(&set->arena, equals + 1);
    return condition_split(set, out, out->wanted);
}

static const char *
condition_field(struct ruleset *set, enum fact_kind kind, const char *name, struct condition *out)
{
    static const struct {
        const char *prefix;
        enum condition_on on;
        enum fact_kind kind;
    } others[] = {{"unit.", ON_UNIT, FACT_unit},
                  {"function.", ON_FUNCTION, FACT_function},
                  {"variable.", ON_VARIABLE, FACT_variable}};
    if (strcmp(name, "file") == 0 || strcmp(name, "min-python") == 0) {
        out->on = *name == 'f' ? ON_FILE : ON_MIN_PYTHON;
        return NULL;
    }
    out->on = ON_FACT;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        if (str_starts(name, others[i].prefix)) {
            out->on = others[i].on;
            kind = others[i].kind;
            name += strlen(others[i].prefix);
        }
    }
    out->field = fact_field_named(kind, name);
    return out->field ? NULL
                      : arena_printf(&set->arena, "facts of kind %s have no field '%s'",
                                     fact_shape(kind)->name, name);
}

static const char *
condition_number(struct condition *out)
{
    char *end;
    if (out->on == ON_MIN_PYTHON) {
        out->number = python_version_parse(out->value);
        return out->number < 0 ? "expected a version such as 3.13" : NULL;
    }
    if (out->op == OP_IS || out->op == OP_IS_NOT) {
        return NULL; /* compared word by word, so that `is 1|2` works */
    }
    out->number = strtol(out->value, &end, 0);
    return end == out->value || *end ? "expected a number" : NULL;
}

static const char *
condition_value(struct ruleset *set, struct condition *out)
{
    switch (out->op) {
    case OP_IN:
    case OP_NOT_IN:
        return condition_table(set, out, out->value);
    case OP_LESS:
    case OP_LESS_EQUAL:
    case OP_GREATER:
    case OP_GREATER_EQUAL:
        return condition_number(out);
    case OP_IS:
    case OP_IS_NOT: {
        const char *wrong = out->on == ON_MIN_PYTHON ? condition_number(out) : NULL;
        return wrong ? wrong : condition_split(set, out, out->value);
    }
    case OP_HAS:
    case OP_LACKS:
    case OP_LIKE:
    case OP_UNLIKE:
        return condition_split(set, out, out->value);
    case OP_SET:
    case OP_UNSET:
        return NULL;
    }
    return "unknown operator";
}

const char *
rule_condition_parse(struct ruleset *set, enum fact_kind kind, const char *text,
                     struct condition *out)
{
    *out = (struct condition){0};
    size_t n = strcspn(text, " ");
    const char *wrong = condition_field(set, kind, arena_copy(&set->arena, text, n), out);
    if (wrong) {
        return wrong;
    }
    text += n;
    text += strspn(text, " ");
    const struct condition_word *word = condition_read_op(&text);
    if (!word) {
        return "expected `field op value`, op one of: is, is not, has, has not, in, not in, like, "
               "unlike, <, <=, >, >=, is set, is unset";
    }
    out->op = word->op;
    out->value = arena_string(&set->arena, text);
    if (word->takes_value != (*text != '\0')) {
        return word->takes_value ? "the value is missing" : "text after the condition";
    }
    bool is_text = out->on == ON_FILE || (out->field && !out->field->is_number);
    bool compares = out->op >= OP_LESS && out->op <= OP_GREATER_EQUAL;
    if (compares && is_text) {
        return "<, <=, > and >= need a number field";
    }
    if (!is_text && (out->op == OP_HAS || out->op == OP_LACKS || out->op == OP_LIKE ||
                     out->op == OP_UNLIKE || out->op == OP_IN || out->op == OP_NOT_IN)) {
        return "this operator needs a text field";
    }
    return condition_value(set, out);
}
