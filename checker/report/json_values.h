/* Values for the formats that are JSON underneath. jansson refuses strings that are no UTF-8, so
 * every string that comes from outside goes through json_text().
 *
 * Ownership: each call returns a new reference. Threads: any. Errors: none. */
#ifndef EXTCHECK_REPORT_JSON_VALUES_H
#define EXTCHECK_REPORT_JSON_VALUES_H

#include <jansson.h>
#include <stdio.h>

#include "report/report.h"

/* NULL becomes "". */
json_t *json_text(const char *s);
/* NULL and "" become null. */
json_t *json_text_or_null(const char *s);
/* The path relative to the root. */
json_t *json_path(const char *file, const char *root);
/* The items of a list separated by commas. */
json_t *json_list(const char *list);
/* The address of the rule's page, or null when there is none. */
json_t *json_help_uri(const struct rule *rule, const struct report_options *options);
/* Verdicts of a module for the targets that were asked for. */
json_t *json_verdicts(const struct module_result *m, const struct report_options *options);
/* Writes the value with a line end and drops it. */
void json_write(json_t *value, FILE *out);

#endif
