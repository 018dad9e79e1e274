/* Parts of the SARIF report: sarif.c (the run) calls sarif_rules.c and sarif_results.c, and all
 * three sarif_artifact.c.
 *
 * Ownership: each function returns a new reference. Threads: any. Errors: none. */
#ifndef EXTCHECK_REPORT_SARIF_H
#define EXTCHECK_REPORT_SARIF_H

#include <jansson.h>

#include "base/map.h"
#include "report/shared.h"

/* What file names are relative to. */
#define SRCROOT "%SRCROOT%"

/* What the results refer to by number. */
struct sarif_index {
    const struct report_options *options;
    struct arena arena;
    struct map rules;     /* id -> int, counted from 1 */
    struct map artifacts; /* URI -> int, counted from 1 */
    json_t *artifact_list;
    struct occurrences occurrences;
};

/* driver.rules: every rule of the set, then those that only findings know; fills index->rules. */
json_t *sarif_rules(struct sarif_index *index, const struct ruleset *rules,
                    const struct shown *shown);
json_t *sarif_results(struct sarif_index *index, const struct shown *shown);
/* {"uri", "uriBaseId", "index"}; adds the file to the artifacts. */
json_t *sarif_artifact(struct sarif_index *index, const char *file);
/* {"text": one sentence with its full stop}. */
json_t *sarif_message(const char *text);

#endif
