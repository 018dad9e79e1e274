/* The table of options, private to the option*.c files.
 *
 * Ownership: the table is constant. Threads: any. Errors: option_apply() returns what is wrong as
 * text in the arena of the options. */
#ifndef EXTCHECK_OPTION_ROWS_H
#define EXTCHECK_OPTION_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "options/options.h"

enum option_kind {
    OPTION_FLAG,    /* bool */
    OPTION_STRING,  /* const char * */
    OPTION_PATH,    /* const char *, relative to the settings file's folder when it stands there */
    OPTION_FORMAT,  /* const char *, name of a report */
    OPTION_PYTHON,  /* const char *, a version */
    OPTION_NUMBER,  /* int, 1 or more */
    OPTION_CHOICE,  /* int, position in `choices` */
    OPTION_WORDS,   /* struct words, split at commas */
    OPTION_PATHS,   /* struct words, one path or name each */
    OPTION_TARGETS, /* struct words, each a target */
    OPTION_OUTPUTS, /* struct words, each FORMAT=PATH */
    OPTION_FILE_IGNORES, /* struct words, each PATTERN:RULE */
};

struct option_row {
    const char *name;
    char letter;
    enum option_kind kind;
    bool setting; /* may stand in a settings file */
    size_t offset;
    const char *value; /* how --help calls the value */
    const char *choices;
    const char *help;
};

extern const struct option_row option_rows[];
extern const size_t option_rows_n;

/* The option with this long name or letter, or NULL. */
const struct option_row *option_named(const char *name);
const struct option_row *option_lettered(char letter);
size_t option_index(const struct option_row *row);
bool option_is_list(const struct option_row *row);
/* Gives row the value. folder: that of the settings file the value stands in, NULL on the command
 * line. Returns NULL, or what is wrong. */
const char *option_apply(struct options *o, const struct option_row *row, const char *value,
                         const char *folder);

#endif
