/* The interpreters that a run asks: those that --python names, else python3 on PATH.
 *
 * Ownership: strings live in the arena of the options; environment_free() takes the rest.
 * Threads: one owner. Errors: what cannot be asked is said, and false returned. */
#ifndef EXTCHECK_ASKED_H
#define EXTCHECK_ASKED_H

#include "headers/interpreter.h"
#include "options/options.h"

struct environment {
    const char *settings_file;            /* NULL: none */
    VEC(struct interpreter) interpreters; /* those that --python names, else python3 */
};

/* python3 on PATH. None at all is no error here, headers may be found without. tomls: settings
 * files that the same process reads; NULL: none. */
bool asked_default(struct options *o, const struct words *tomls, struct environment *out);
/* Every interpreter that --python names; the first one reads tomls as well. */
bool asked_named(struct options *o, const struct words *tomls, struct environment *out);
void asked_forget(struct environment *out);
void environment_free(struct environment *e);

#endif
