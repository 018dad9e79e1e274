/* The run: settings -> files -> facts -> findings -> suppressions -> verdicts -> reports -> exit
 * code.
 *
 * Ownership: everything a run makes dies with it. Threads: the only thread of the process.
 * Errors: said on stderr; the return value is the exit code of the program. */
#ifndef EXTCHECK_PIPELINE_H
#define EXTCHECK_PIPELINE_H

#include "options/options.h"

enum { EXIT_CLEAN = 0, EXIT_FINDINGS = 1, EXIT_TROUBLE = 2 };

/* COMMAND_CHECK and COMMAND_PRINT_CONFIG. */
int pipeline_run(struct options *o);

#endif
