/* What a text means as the value of an option. */
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "options/option_rows.h"
#include "report/report.h"

int
options_version_hex(const char *text)
{
    if (!text || strncmp(text, "3.", 2) != 0) {
        return 0;
    }
    char *end;
    unsigned long minor = strtoul(text + 2, &end, 10);
    if (end == text + 2 || end > text + 4 || (*end && strcmp(end, "t") != 0)) {
        return 0;
    }
    return 0x0300 | (int)minor;
}

static const char *
option_set_number(struct options *o, int *into, const char *value)
{
    char *end;
    long n = strtol(value, &end, 10);
    if (end == value || *end || n < 1 || n > 1000000) {
        return arena_printf(&o->arena, "'%s' is not a number from 1 on", value);
    }
    *into = (int)n;
    return NULL;
}

static const char *
option_set_choice(struct options *o, int *into, const char *value, const char *choices)
{
    int position = 0;
    for (const char *at = choices; at; position++) {
        size_t n = strcspn(at, ",");
        if (strlen(value) == n && strncmp(at, value, n) == 0) {
            *into = position;
            return NULL;
        }
        at = at[n] ? at + n + 1 : NULL;
    }
    return arena_printf(&o->arena, "'%s' is not one of %s", value, choices);
}

static const char *
option_check_target(struct options *o, const char *word)
{
    if (strcmp(word, "all") == 0 || target_named(word) != TARGETS) {
        return NULL;
    }
    struct nearest near;
    nearest_start(&near, word);
    struct str known = {0};
    for (int t = 0; t < TARGETS; t++) {
        nearest_offer(&near, target_name((enum target)t));
        str_addf(&known, "%s, ", target_name((enum target)t));
    }
    const char *error =
        near.best ? arena_printf(&o->arena, "there is no target '%s'; did you mean '%s'?", word,
                                 near.best)
                  : arena_printf(&o->arena, "there is no target '%s', only %sall", word, known.s);
    str_free(&known);
    return error;
}

static const char *
option_check_format(struct options *o, const char *value)
{
    return report_named(value)
               ? NULL
               : arena_printf(&o->arena, "there is no format '%s', only %s", value, report_names());
}

/* One FORMAT=PATH. */
static const char *
option_add_output(struct options *o, struct words *into, const char *value, const char *folder)
{
    const char *equals = strchr(value, '=');
    if (!equals || !equals[1]) {
        return arena_printf(&o->arena, "'%s' is not FORMAT=PATH, such as sarif=extcheck.sarif",
                            value);
    }
    const char *format = arena_copy(&o->arena, value, (size_t)(equals - value));
    const char *error = option_check_format(o, format);
    if (!error) {
        bool moved = folder && equals[1] != '/' && strcmp(equals + 1, "-") != 0;
        vec_push(&into->list,
                 moved ? arena_printf(&o->arena, "%s=%s/%s", format, folder, equals + 1) : value);
    }
    return error;
}

/* Every item of a list between commas; white space around items is dropped. */
static const char *
option_add_words(struct options *o, struct words *into, const char *value, bool targets)
{
    const char *at = value;
    while (*at) {
        size_t n = strcspn(at, ",");
        const char *first = at, *last = at + n;
        while (first < last && strchr(" \t\n", *first)) {
            first++;
        }
        while (last > first && strchr(" \t\n", last[-1])) {
            last--;
        }
        if (last > first) {
            const char *word = arena_copy(&o->arena, first, (size_t)(last - first));
            const char *error = targets ? option_check_target(o, word) : NULL;
            if (error) {
                return error;
            }
            vec_push(&into->list, word);
        }
        at += n + (at[n] == ',');
    }
    return NULL;
}

static const char *
option_path(struct options *o, const char *value, const char *folder)
{
    return folder && value[0] != '/' ? arena_printf(&o->arena, "%s/%s", folder, value) : value;
}

/* One PATTERN:RULE, or PATTERN:RULE,RULE; a pattern with a slash is relative to the folder. */
static const char *
option_add_file_ignores(struct options *o, struct words *into, const char *value,
                        const char *folder)
{
    const char *colon = strrchr(value, ':');
    if (!colon || colon == value || !colon[1]) {
        return arena_printf(&o->arena, "'%s' is not PATTERN:RULE, such as 'vendor/*:GLB'", value);
    }
    const char *pattern = arena_copy(&o->arena, value, (size_t)(colon - value));
    bool moved = folder && pattern[0] != '/' && strchr(pattern, '/');
    struct words rules = {0};
    option_add_words(o, &rules, colon + 1, false);
    for (size_t i = 0; i < rules.list.n; i++) {
        vec_push(&into->list, arena_printf(&o->arena, "%s%s%s:%s", moved ? folder : "",
                                           moved ? "/" : "", pattern, rules.list.at[i]));
    }
    vec_free(&rules.list);
    return NULL;
}

const char *
option_apply(struct options *o, const struct option_row *row, const char *value, const char *folder)
{
    void *into = (char *)o + row->offset;
    if (!*value && !option_is_list(row)) {
        return "needs a value that is not empty";
    }
    switch (row->kind) {
    case OPTION_FLAG:
        if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0) {
            return arena_printf(&o->arena, "'%s' is neither true nor false", value);
        }
        *(bool *)into = strcmp(value, "true") == 0;
        return NULL;
    case OPTION_STRING:
        *(const char **)into = value;
        return NULL;
    case OPTION_PATH:
        *(const char **)into = option_path(o, value, folder);
        return NULL;
    case OPTION_FORMAT:
        *(const char **)into = value;
        return option_check_format(o, value);
    case OPTION_PYTHON:
        *(const char **)into = value;
        return options_version_hex(value) && !strchr(value, 't')
                   ? NULL
                   : arena_printf(&o->arena, "'%s' is not a version such as 3.10", value);
    case OPTION_NUMBER:
        return option_set_number(o, into, value);
    case OPTION_CHOICE:
        return option_set_choice(o, into, value, row->choices);
    case OPTION_WORDS:
    case OPTION_TARGETS:
        return option_add_words(o, into, value, row->kind == OPTION_TARGETS);
    case OPTION_PATHS:
        /* A bare word is a command on PATH or a version, wherever it stands. */
        vec_push(&((struct words *)into)->list,
                 strchr(value, '/') ? option_path(o, value, folder) : value);
        return NULL;
    case OPTION_OUTPUTS:
        return option_add_output(o, into, value, folder);
    case OPTION_FILE_IGNORES:
        return option_add_file_ignores(o, into, value, folder);
    }
    return "has no value";
}
