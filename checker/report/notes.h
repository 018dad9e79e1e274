/* The notes of built modules in the reports.
 *
 * Ownership: nothing is kept. Threads: any. Errors: a failed write shows in ferror(out). */
#ifndef EXTCHECK_REPORT_NOTES_H
#define EXTCHECK_REPORT_NOTES_H

#include <jansson.h>
#include <stdio.h>

#include "report/report.h"

/* For people. */
void notes_write(const struct findings *findings, FILE *out);
/* One line each. */
void notes_write_lines(const struct findings *findings, FILE *out);
/* An array; a new reference. */
json_t *notes_json(const struct findings *findings, const struct report_options *options);

#endif
