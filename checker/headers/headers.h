/* Which Python headers a run uses, and for which targets.
 *
 * own-gil and reload need headers of 3.12 or newer and free-threaded of 3.13 or newer: in older
 * ones the declarations stand behind an #if, and a verdict would blame the module for it. Where the
 * interpreter that was asked is older, the newest headers at hand take its place.
 *
 * Ownership: everything lives in the arena of the options. Threads: one owner.
 * Errors: headers_choose() says what is wrong and returns false. */
#ifndef EXTCHECK_HEADERS_H
#define EXTCHECK_HEADERS_H

#include "headers/interpreter.h"
#include "options/options.h"
#include "rules/rule.h"
#include "source/source.h"

/* One set of headers and the targets that it answers for. */
struct header_set {
    struct source_headers source;
    bool targets[TARGETS];
};

struct header_choice {
    VEC(struct header_set) sets;
    /* For targets that were asked for and that no set serves: what is missing. */
    const char *unserved[TARGETS];
    VEC(const char *) notes; /* for the end of the report */
};

/* The interpreters that were asked, already questioned; n may be 0 when none was found. binaries:
 * what the sources were built into; the version in its name counts where --python names none. */
bool headers_choose(struct options *o, const struct interpreter *asked, size_t n,
                    const struct words *binaries, struct header_choice *out);
/* cpython-313t-x86_64-linux-gnu, .cpython-313t-..., cp313t, abi3, abi3t: its version (0 where it
 * names none) and build; false for anything else. */
bool headers_read_soabi(const char *soabi, int *python, bool *gil_disabled);
/* For facts that were read from a file: the version they were made with decides, 0 when unknown. */
void headers_of_facts(struct options *o, int hex, struct header_choice *out);
/* Shares out the targets by the versions of the sets, and says which targets none serves. Again
 * when the units turned out to be read with other headers than were chosen here. */
void headers_settle(struct options *o, struct header_choice *out);
void headers_free(struct header_choice *choice);

#endif
