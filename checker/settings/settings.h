/* The settings file: [tool.extcheck] in pyproject.toml, or extcheck.toml, in the folder of the
 * first file or above, up to the root of the repository.
 *
 * Ownership: strings live in the arena of the options. Threads: one owner.
 * Errors: settings_load() says what is wrong and returns false. */
#ifndef EXTCHECK_SETTINGS_H
#define EXTCHECK_SETTINGS_H

#include "settings/asked.h"

/* Reads the settings into the options and asks the interpreters, in one process where it can be.
 * need_interpreters: false when no source is going to be analysed. */
bool settings_load(struct options *o, bool need_interpreters, struct environment *out);

#endif
