/* What the files about parsing tell each other. parse.c goes through the flavours of a unit,
 * parse_attempt.c parses one, with the arguments of parse_args.c; parse_errors.c reads what
 * libclang said, parse_facts.c takes the facts, parse_header.c builds the headers that units share.
 *
 * Ownership: texts live in the arena of the unit or of the arguments; parse_dispose() ends an
 * attempt. Threads: one worker each. Errors: stand in struct diagnostics. */
#ifndef EXTCHECK_SOURCE_PARSE_PARTS_H
#define EXTCHECK_SOURCE_PARSE_PARTS_H

#include <time.h>

#include "source/parse/parse.h"

struct args {
    VEC(const char *) at;
    struct arena arena;
};

struct diagnostics {
    int errors;
    bool limited; /* "limited API is not supported in the free-threaded build" */
    bool missing_header;
    bool own; /* the first one is an #error that stands outside Python's headers */
    const char *first, *message; /* "message at line 12"; the message alone */
};

struct attempt {
    CXTranslationUnit tu; /* NULL: not parsed */
    struct diagnostics diagnostics;
};

/* ---- parse_args.c ---- */
/* shared: for a header that a group of units shares, without what only the first unit defines. */
void parse_base_args(struct parser *parser, const struct plan_unit *unit, enum flavour flavour,
                     bool abi3t, bool shared, struct args *args);
/* The files whose text is replaced, 0 or 1. `text` must live as long as `file`. */
unsigned parse_unsaved(struct parser *parser, enum flavour flavour, struct args *args,
                       struct CXUnsavedFile *file, struct str *text);
/* Where a group's precompiled header stands. */
const char *parse_header_path(struct parser *parser, int group, struct arena *arena);
/* What the header includes, for the workers that did not build it: `D path` lines. */
const char *parse_files_path(struct parser *parser, int group, struct arena *arena);

/* ---- parse_errors.c ---- */
void parse_diagnostics(struct parser *parser, CXTranslationUnit tu, struct arena *arena,
                       struct diagnostics *out);
/* Why libclang made nothing of the unit at all. */
const char *parse_refusal(const struct plan_unit *unit, struct arena *arena);
/* Appends the line `S status message`. */
void parse_status(struct str *result, const struct attempt *attempt);
/* What is said of a unit that asks for the limited API. */
const char *parse_abi3t(const struct attempt *attempt, struct arena *arena);
/* Is an #error of the unit's own all that is wrong? The rest of it was understood. */
bool parse_is_refusal(const struct diagnostics *d);
/* C++ in a file that is none by its name: analysed as what it is, and said. */
void parse_name_language(struct diagnostics *d, struct arena *arena);

/* ---- parse_attempt.c ---- */
/* Parses one flavour with the precompiled header, and again without when that gave errors. */
struct attempt parse_flavour(struct parser *parser, struct plan_unit *unit, enum flavour flavour,
                             bool use_header, bool as_cxx, bool abi3t, struct arena *arena);
/* Does the parse lack headers of libraries only? Without Python's own there is nothing to see. */
bool parse_wants_stubs(const struct attempt *attempt);
/* Parses again with stand-ins for what missing headers would have declared, at most three times.
 * What is said about the unit stays what the first parse said. */
void parse_with_stubs(struct parser *parser, const struct plan_unit *unit, enum flavour flavour,
                      bool as_cxx, bool abi3t, const struct timespec *start, struct stubs *stubs,
                      struct attempt *attempt, struct arena *arena);
void parse_dispose(struct parser *parser, struct attempt *attempt);
/* Appends a `D path` line for each file that was read. */
void parse_list_files(struct parser *parser, CXTranslationUnit tu, struct str *result);

/* ---- parse_facts.c ---- */
void parse_facts(struct parser *parser, struct plan_unit *unit, const struct attempt *attempt,
                 enum flavour flavour, const char *limited, bool as_cxx, struct facts *facts);

#endif
