/* The end of the full report. */
#ifndef EXTCHECK_REPORT_VERDICTS_H
#define EXTCHECK_REPORT_VERDICTS_H

#include "report/report.h"
#include "report/shared.h"

/* Module x target -> verdict and the finding that decides it. */
void verdicts_write(const struct findings *findings, const struct report_options *options,
                    FILE *out);
/* The same as lines, for concise: MODULE: TARGET: VERDICT (why). */
void verdicts_write_lines(const struct findings *findings, const struct report_options *options,
                          FILE *out);
/* Files that failed, functions nobody defines, and the remarks of the run. */
void verdicts_write_gaps(const struct findings *findings, const struct shown *shown, FILE *out);

#endif
