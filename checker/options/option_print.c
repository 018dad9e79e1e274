/* --help and --print-config. */
#include <string.h>

#include "options/option_rows.h"

enum { HELP_COLUMN = 30 };

static void
option_print_row(const struct option_row *row, FILE *out)
{
    int n = row->letter ? fprintf(out, "  -%c, --%s", row->letter, row->name)
                        : fprintf(out, "      --%s", row->name);
    if (row->value) {
        n += fprintf(out, " %s", row->value);
    }
    if (n >= HELP_COLUMN) {
        fputc('\n', out);
        n = 0;
    }
    for (const char *line = row->help; line;) {
        size_t length = strcspn(line, "\n");
        fprintf(out, "%*s%.*s\n", HELP_COLUMN - n, "", (int)length, line);
        line = line[length] ? line + length + 1 : NULL;
        n = 0;
    }
}

void
options_print_help(FILE *out)
{
    fputs("usage: extcheck [options] FILE... [-- COMPILER-FLAG...]\n"
          "       extcheck explain RULE|FAMILY\n"
          "       extcheck rules\n"
          "       extcheck gate --module NAME --output-dir DIR [options] FILE...\n"
          "\n"
          "Tells whether a CPython extension survives subinterpreters with their own GIL and\n"
          "free-threaded builds. Reads C and C++ sources; needs no build and no database.\n",
          out);
    for (size_t i = 0; i < option_rows_n; i++) {
        if (option_rows[i].name) {
            option_print_row(&option_rows[i], out);
        }
        else {
            fprintf(out, "\n%s:\n", option_rows[i].help);
        }
    }
    fputs(
        "\n"
        "Settings: [tool.extcheck] in pyproject.toml, or extcheck.toml, in the folder of the "
        "first\n"
        "file or above; keys are the long names of the options. The command line wins.\n"
        "\n"
        "Exit code: 0 nothing found; 1 findings at or above --fail-on; 2 bad usage or settings, a\n"
        "file that could not be analysed, or a target for which no headers were found (2 wins\n"
        "over 1). The same in every format. Findings go to standard output, the rest to\n"
        "standard error.\n",
        out);
}

/* A TOML string: only backslash, quote and control characters need care. */
static void
option_print_string(const char *s, FILE *out)
{
    fputc('"', out);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') {
            fprintf(out, "\\%c", *s);
        }
        else if ((unsigned char)*s < ' ' || *s == 127) {
            fprintf(out, "\\u%04x", (unsigned)(unsigned char)*s);
        }
        else {
            fputc(*s, out);
        }
    }
    fputc('"', out);
}

static void
option_print_list(const struct words *words, FILE *out)
{
    fputc('[', out);
    for (size_t i = 0; i < words->list.n; i++) {
        fputs(i ? ", " : "", out);
        option_print_string(words->list.at[i], out);
    }
    fputc(']', out);
}

static void
option_print_choice(const char *choices, int position, FILE *out)
{
    for (; position; position--) {
        choices += strcspn(choices, ",") + 1;
    }
    fprintf(out, "\"%.*s\"", (int)strcspn(choices, ","), choices);
}

static void
option_print_targets(const struct options *o, FILE *out)
{
    const char *between = "[";
    for (int t = 0; t < TARGETS; t++) {
        if (options_target_asked(o, (enum target)t)) {
            fprintf(out, "%s\"%s\"", between, target_name((enum target)t));
            between = ", ";
        }
    }
    fputc(']', out);
}

static void
option_print_value(const struct options *o, const struct option_row *row, FILE *out)
{
    const void *from = (const char *)o + row->offset;
    if (row->kind == OPTION_FLAG) {
        fputs(*(const bool *)from ? "true" : "false", out);
    }
    else if (row->kind == OPTION_NUMBER) {
        fprintf(out, "%d", *(const int *)from);
    }
    else if (row->kind == OPTION_CHOICE) {
        option_print_choice(row->choices, *(const int *)from, out);
    }
    else if (row->kind == OPTION_TARGETS) {
        option_print_targets(o, out);
    }
    else if (option_is_list(row)) {
        option_print_list(from, out);
    }
    else {
        option_print_string(*(const char *const *)from, out);
    }
}

static bool
option_is_unset(const struct options *o, const struct option_row *row)
{
    bool text = row->kind == OPTION_STRING || row->kind == OPTION_PATH;
    return text && !*(const char *const *)(const void *)((const char *)o + row->offset);
}

void
options_print(const struct options *o, FILE *out)
{
    static const char *const origins[] = {"default", "settings file", "command line"};
    for (size_t i = 0; i < option_rows_n; i++) {
        const struct option_row *row = &option_rows[i];
        if (!row->name || !row->setting) {
            continue;
        }
        if (option_is_unset(o, row)) {
            fprintf(out, "# %s is not set\n", row->name);
            continue;
        }
        fprintf(out, "%s = ", row->name);
        option_print_value(o, row, out);
        fprintf(out, "  # %s\n", origins[o->origin[i]]);
    }
}

/* A file that ran into a limit has failed, and nothing is kept of such a run. */
static bool
option_is_for_show(const char *name)
{
    static const char *const names[] = {"format",     "output-file", "output",   "color",
                                        "statistics", "quiet",       "fail-on",  "exit-zero",
                                        "jobs",       "timeout",     "memory",   "show-suppressed",
                                        "isolated",   "cache-dir",   "no-cache", "version"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

void
options_print_judging(const struct options *o, FILE *out)
{
    for (size_t i = 0; i < option_rows_n; i++) {
        const struct option_row *row = &option_rows[i];
        if (row->name && !option_is_for_show(row->name) && !option_is_unset(o, row)) {
            fprintf(out, "%s = ", row->name);
            option_print_value(o, row, out);
            fputc('\n', out);
        }
    }
}
