/* Options: what the user wants, from the command line and the settings file.
 *
 * Every option stands once, in the table of options.c: its name, what kind of value it takes, where
 * the value goes and its line of --help. A settings key is the long name of an option without the
 * dashes, so both ways in share the same checks.
 *
 * Ownership: strings of the command line are borrowed from argv; those of a settings file live in
 * the arena. Threads: one owner.
 * Errors: a wrong option or value is said on stderr by options_parse(), and returned as text by
 * options_set(), whose caller knows where the value stood. */
#ifndef EXTCHECK_OPTIONS_H
#define EXTCHECK_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/vec.h"
#include "rules/finding.h"

struct words {
    VEC(const char *) list;
};

enum command {
    COMMAND_CHECK,
    COMMAND_EXPLAIN,
    COMMAND_RULES,
    COMMAND_GATE,
    COMMAND_CHECK_RULES,
    COMMAND_PRINT_CONFIG,
    COMMAND_HELP,
    COMMAND_VERSION
};

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* Where the value of an option came from. */
enum origin { ORIGIN_DEFAULT, ORIGIN_SETTINGS, ORIGIN_COMMAND_LINE };

enum { OPTIONS_MOST = 64 };

struct options {
    struct arena arena;
    enum command command;
    const char *topic; /* of explain */
    struct words files;
    struct words flags;               /* after `--` */
    enum origin origin[OPTIONS_MOST]; /* by index in the table */

    struct words targets, select, ignore, file_ignores, python, outputs, trusted;
    const char *min_python, *format, *output, *facts, *database, *baseline, *write_baseline;
    const char *api, *rules_dir, *cache_dir, *root, *libclang;
    const char *module, *flavour, *soabi, *output_dir, *write_verdict, *from_verdict; /* gate */
    int jobs, timeout, memory;
    int color, fail_on, confidence, level; /* positions in the list of choices, see options.c */
    bool dump_facts, statistics, quiet, exit_zero, baseline_prune, show_suppressed, no_cache;
    bool isolated, print_config, help, version, check_rules;
    bool supports_own_gil, supports_free_threaded;
};

/* Sets the defaults. */
void options_start(struct options *o);
/* Reads the command line. Returns false after saying what is wrong. */
bool options_parse(struct options *o, int argc, char **argv);
/* Gives the settings key `key` the value `value` (again for one more item of a list; NULL: the
 * empty list), unless the command line did. Returns NULL, or what is wrong in o's arena. */
const char *options_set(struct options *o, const char *key, const char *value, const char *folder);
/* Are the words that are no options what the command takes? Returns false after saying what is
 * wrong. */
bool options_check_command(const struct options *o);
/* Checks what depends on several options, settings included. Returns false after saying what is
 * wrong. */
bool options_check(const struct options *o);
void options_free(struct options *o);

void options_print_help(FILE *out);
/* The effective values as TOML, each with where it came from. */
void options_print(const struct options *o, FILE *out);

/* The values that decide what is found, as text; not those that only decide how it is shown. */
void options_print_judging(const struct options *o, FILE *out);

bool options_target_asked(const struct options *o, enum target t);
enum severity options_fail_on(const struct options *o);
enum confidence options_min_confidence(const struct options *o);
/* 3.9 is 0x0309. */
int options_min_python(const struct options *o);
/* Major and minor of "3.14" or "3.14t" as 0x030e, 0 when it is no version. */
int options_version_hex(const char *text);
/* May the stream get colours: --color, then NO_COLOR, then FORCE_COLOR, then whether it is a
 * terminal. */
bool options_color(const struct options *o, bool is_terminal);
/* ${XDG_CACHE_HOME:-~/.cache}/extcheck or --cache-dir; NULL with --no-cache or without a home. */
const char *options_cache_dir(struct options *o);
/* A copy of the list ended by NULL, in the arena. */
const char *const *options_list(struct options *o, const struct words *words);

#endif
