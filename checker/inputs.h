/* The files of a run: which of those the user named can be analysed, and why the others cannot.
 *
 * Ownership: paths are those of the options. Threads: one owner.
 * Errors: a file that cannot be analysed goes into findings->failed. */
#ifndef EXTCHECK_INPUTS_H
#define EXTCHECK_INPUTS_H

#include "options/options.h"

/* Fills `out` with the sources and `binaries` with the built modules to analyse, each once, and
 * findings->files_total. */
void inputs_collect(const struct options *o, struct words *out, struct words *binaries,
                    struct findings *findings);

#endif
