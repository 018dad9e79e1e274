/* Reading the command line. */
#include <string.h>

#include "base/nearest.h"
#include "options/option_rows.h"

static bool
option_refuse(const char *given, const char *name)
{
    struct nearest near;
    nearest_start(&near, name);
    for (size_t i = 0; i < option_rows_n; i++) {
        if (option_rows[i].name) {
            nearest_offer(&near, option_rows[i].name);
        }
    }
    if (given[0] == '-' && given[1] && strchr("IDUfWOs", given[1])) {
        diag_error("unknown option '%s'; flags of the compiler go after the files and `--`", given);
    }
    else if (near.best) {
        diag_error("unknown option '%s'; did you mean '--%s'?", given, near.best);
    }
    else {
        diag_error("unknown option '%s'; `extcheck --help` lists all", given);
    }
    return false;
}

static bool
option_take(struct options *o, const struct option_row *row, const char *given, const char *value)
{
    enum origin *origin = &o->origin[option_index(row)];
    *origin = ORIGIN_COMMAND_LINE;
    const char *error = option_apply(o, row, value, NULL);
    /* A variable of a CI job that is not set: everything would be looked for, or nothing. */
    bool needed = row->kind == OPTION_TARGETS || strcmp(row->name, "select") == 0;
    if (!error && needed && !value[strspn(value, " ,\t\n")]) {
        error = "names nothing; leave the option out for the default";
    }
    if (error) {
        diag_error("%s: %s", given, error);
    }
    return !error;
}

struct cursor {
    int argc;
    char **argv;
    int at; /* of the argument being read */
};

/* The value of row: what stands behind '=' or the letter, else the next argument. */
static bool
option_with_value(struct options *o, struct cursor *c, const struct option_row *row,
                  const char *given, const char *attached)
{
    if (row->kind == OPTION_FLAG) {
        if (attached) {
            diag_error("%s takes no value", given);
            return false;
        }
        return option_take(o, row, given, "true");
    }
    if (!attached && c->at + 1 < c->argc) {
        attached = c->argv[++c->at];
    }
    if (!attached) {
        diag_error("%s needs a value: %s", given, row->value);
        return false;
    }
    return option_take(o, row, given, attached);
}

static bool
option_read_long(struct options *o, struct cursor *c)
{
    const char *given = c->argv[c->at];
    const char *equals = strchr(given, '=');
    const char *end = equals ? equals : given + strlen(given);
    const char *label = arena_copy(&o->arena, given, (size_t)(end - given));
    const struct option_row *row = option_named(label + 2);
    return row ? option_with_value(o, c, row, label, equals ? equals + 1 : NULL)
               : option_refuse(given, label + 2);
}

/* -q, -j4, -j 4, -qj4. */
static bool
option_read_short(struct options *o, struct cursor *c)
{
    const char *given = c->argv[c->at];
    for (const char *letter = given + 1; *letter; letter++) {
        const struct option_row *row = option_lettered(*letter);
        if (!row) {
            return option_refuse(given, given + 1);
        }
        const char *label = arena_printf(&o->arena, "-%c", *letter);
        if (row->kind != OPTION_FLAG) {
            return option_with_value(o, c, row, label, letter[1] ? letter + 1 : NULL);
        }
        if (!option_with_value(o, c, row, label, NULL)) {
            return false;
        }
    }
    return true;
}

/* The first word may be a command; `./rules` is always a file. */
static void
option_take_word(struct options *o, const char *word)
{
    bool first = o->command == COMMAND_CHECK && !o->files.list.n;
    if (first && strcmp(word, "explain") == 0) {
        o->command = COMMAND_EXPLAIN;
    }
    else if (first && strcmp(word, "rules") == 0) {
        o->command = COMMAND_RULES;
    }
    else if (first && strcmp(word, "gate") == 0) {
        o->command = COMMAND_GATE;
    }
    else if (o->command == COMMAND_EXPLAIN && !o->topic) {
        o->topic = word;
    }
    else {
        vec_push(&o->files.list, word);
    }
}

bool
options_parse(struct options *o, int argc, char **argv)
{
    struct cursor c = {argc, argv, 1};
    for (; c.at < argc; c.at++) {
        const char *word = argv[c.at];
        bool good = true;
        if (strcmp(word, "--") == 0) {
            for (c.at++; c.at < argc; c.at++) {
                vec_push(&o->flags.list, argv[c.at]);
            }
        }
        else if (strncmp(word, "--", 2) == 0) {
            good = option_read_long(o, &c);
        }
        else if (word[0] == '-' && word[1]) {
            good = option_read_short(o, &c);
        }
        else {
            option_take_word(o, word);
        }
        if (!good) {
            return false;
        }
    }
    o->command = o->help           ? COMMAND_HELP
                 : o->version      ? COMMAND_VERSION
                 : o->check_rules  ? COMMAND_CHECK_RULES
                 : o->print_config ? COMMAND_PRINT_CONFIG
                                   : o->command;
    return true;
}

bool
options_check_command(const struct options *o)
{
    if (o->command == COMMAND_EXPLAIN && (!o->topic || o->files.list.n)) {
        diag_error("explain needs one rule: `extcheck explain GLB01`; `extcheck rules` lists all");
        return false;
    }
    if (o->command == COMMAND_RULES && o->files.list.n) {
        diag_error("rules takes no files ('%s'); for a file of that name write ./rules",
                   o->files.list.at[0]);
        return false;
    }
    if (o->command == COMMAND_GATE && !o->files.list.n && !o->from_verdict) {
        diag_error("gate: name the module's sources, or --from-verdict FILE");
        return false;
    }
    if (o->command == COMMAND_CHECK && o->facts && o->files.list.n) {
        diag_error("--facts takes the place of source files; leave out '%s'", o->files.list.at[0]);
        return false;
    }
    if (o->command == COMMAND_CHECK && !o->facts && !o->files.list.n) {
        diag_error("nothing to analyse: name C or C++ files, such as `extcheck src/*.c`");
        return false;
    }
    return true;
}

/* Two reports in one file: the second would replace the first. */
static bool
options_check_outputs(const struct options *o)
{
    for (size_t i = 0; i < o->outputs.list.n; i++) {
        const char *path = strchr(o->outputs.list.at[i], '=') + 1;
        bool twice = o->output && strcmp(o->output, path) == 0;
        for (size_t k = 0; k < i && !twice; k++) {
            twice = strcmp(strchr(o->outputs.list.at[k], '=') + 1, path) == 0;
        }
        if (twice && strcmp(path, "/dev/null") != 0) {
            diag_error("two reports are to be written to %s; give each a path of its own", path);
            return false;
        }
    }
    return true;
}

static bool
options_given(const struct options *o, const char *name)
{
    return o->origin[option_index(option_named(name))] == ORIGIN_COMMAND_LINE;
}

/* Facts are no report: formats and files for one would be passed over without a word. */
static bool
options_check_dump(const struct options *o)
{
    static const char *const reports[] = {"format", "output", "output-file", "write-baseline"};
    for (size_t i = 0; o->dump_facts && i < sizeof(reports) / sizeof(*reports); i++) {
        if (options_given(o, reports[i])) {
            diag_error("--dump-facts writes facts to standard output and no report; leave out --%s",
                       reports[i]);
            return false;
        }
    }
    return true;
}

bool
options_check(const struct options *o)
{
    if (!options_check_outputs(o) || !options_check_dump(o)) {
        return false;
    }
    if (o->baseline_prune && !o->baseline) {
        diag_error("--baseline-prune needs --baseline FILE");
        return false;
    }
    if (o->baseline_prune && o->write_baseline) {
        diag_error("--baseline-prune and --write-baseline exclude each other");
        return false;
    }
    return true;
}
