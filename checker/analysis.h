/* One analysis: all files with one set of headers, from facts to verdicts; and joining several.
 *
 * Ownership: an analysis owns its facts, program and findings; analysis_join() borrows from it.
 * Threads: one owner. Errors: said on stderr, the functions then return false. */
#ifndef EXTCHECK_ANALYSIS_H
#define EXTCHECK_ANALYSIS_H

#include "baseline.h"
#include "headers/headers.h"
#include "passes/program/program.h"

struct analysis {
    struct source *source; /* NULL: the facts come from elsewhere */
    struct source_options source_options;
    struct facts extracted;    /* both flavours, as the front-end wrote them */
    struct facts facts;        /* the flavour that is judged; borrows from `extracted` */
    struct header_set headers; /* with the targets that this analysis judges */
    struct program program;
    struct findings findings;
    struct rule_options rule_options; /* as this analysis used them */
};

/* What all analyses of one call share. */
struct analysis_context {
    struct options *options;
    const struct ruleset *rules;
    const struct header_choice *headers;
    struct rule_options rule_options;
    struct baseline *baseline; /* NULL: none */
};

/* Finds out how the sources are to be read. */
bool analysis_open(struct analysis *a, const struct analysis_context *context,
                   const struct words *files, const struct header_set *headers);
/* Fills the facts from the sources. */
bool analysis_extract(struct analysis *a);
/* Adds the facts of built modules; before those of sources. The files of `o` are compared with what
 * their notes say. */
void analysis_read_binaries(struct analysis *a, struct options *o, const struct words *binaries);
/* Fills the facts from text that --dump-facts wrote. */
bool analysis_read_facts(struct analysis *a, const char *path);
/* Says in `all` (a struct findings) that a file could not be analysed, or only in part. A file
 * is named once, with what costs it more. */
void analysis_failed(void *all, const char *file, const char *reason, bool partial);
/* The oldest Python version (0x030d) that the units were read with, 0 when none says. */
int analysis_python(const struct analysis *a);
/* The versions of all headers that the units saw, as "3.13,3.15" in the analysis's memory; NULL
 * when no unit names one. */
const char *analysis_pythons(struct analysis *a);
/* Where GIL and free-threaded builds see different code, each is judged on its own: takes the
 * free-threaded target into `other` and returns true. Without a difference, `a` judges all. */
bool analysis_split(struct analysis *a, struct analysis *other);
/* From facts to verdicts, for the targets of a->headers and those that nothing serves. Without a
 * baseline it changes nothing but `a`: several may be judged at the same time. */
void analysis_judge(struct analysis *a, const struct analysis_context *context);
/* Adds findings, modules, failures and notes to `all`, what is there already left out. */
void analysis_join(struct findings *all, const struct analysis *a, bool first);
void analysis_free(struct analysis *a);

#endif
