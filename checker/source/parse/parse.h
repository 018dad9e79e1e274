/* Parsing one planned unit, or precompiling one group's header, inside a worker.
 *
 * Ownership: results are text appended to the caller's buffer. Threads: one worker each.
 * Errors: stand in the result text. */
#ifndef EXTCHECK_SOURCE_PARSE_H
#define EXTCHECK_SOURCE_PARSE_H

#include "source/cx.h"
#include "source/plan/plan.h"
#include "source/text/differs.h"
#include "source/walk/unit.h"

struct parser {
    const struct cx *cx;
    const struct plan *plan;
    CXIndex index;
    const char *resource_flag, *resource_dir;
    const char *library; /* which libclang: path, size, time */
    const char *scratch; /* folder for precompiled headers */
    struct unit_paths paths;
    struct map real; /* for paths */
    struct interner strings;
    struct differs *differs;          /* the worker's own, made when a second flavour needs it */
    struct twin *twin;                /* of the unit in hand, when both its flavours are parsed */
    const struct table_files *tables; /* files of the unit with tables shortened; NULL: none */
    const struct stubs *stubs;        /* of the unit that is being parsed; NULL: none */
    struct str absent;                /* `N name` lines: headers that the unit lacks */
};

/* Result text: lines `S status message` (ok | partial | failed), `D path` for each file read,
 * `N name` for each header that is missing, `F`, then facts. use_header says for each flavour
 * whether the group's header was built. */
void parse_unit(struct parser *parser, int index, const bool use_header[FLAVOURS],
                struct str *result);
/* Finds or builds the group's precompiled header; result has `S ok` or `S failed` and `D` lines.
 * One that projects have in common is only looked for. */
void parse_group(struct parser *parser, int group, struct str *result);
/* Builds the header that the group could not find, and keeps it for other runs. */
void parse_keep_common(struct parser *parser, int group);

#endif
