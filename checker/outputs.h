/* Writing the reports of a run: to standard output and to files.
 *
 * Ownership: nothing is kept. Threads: one owner. Errors: said on stderr; false is returned. */
#ifndef EXTCHECK_OUTPUTS_H
#define EXTCHECK_OUTPUTS_H

#include "options/options.h"
#include "report/report.h"

bool outputs_write(const struct options *o, const struct findings *findings,
                   const struct ruleset *rules);

#endif
