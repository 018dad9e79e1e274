/* The cache of findings: an unchanged run reads no facts and asks no rule.
 *
 * An entry stands under the hash of everything but files that decides what is found (program,
 * rules, options, how each unit is parsed) and lists every file and folder that was read. It holds
 * the findings before any report, so that another format is answered as well.
 *
 * Ownership: findings that were read live in their own arena. Threads: one owner; entries are
 * written under a temporary name. Errors: an entry that is damaged or stale is none. */
#ifndef EXTCHECK_RUN_CACHE_H
#define EXTCHECK_RUN_CACHE_H

#include "headers/headers.h"

struct run_cache {
    const char *dir; /* NULL: off */
    struct str key;
    struct str dependencies; /* what source_dependencies() lists, filled by the caller */
};

/* collected: what is known of the inputs before they are read. False: there is no cache. */
bool run_cache_start(struct run_cache *c, struct options *o, const struct ruleset *rules,
                     const struct header_choice *headers, const struct findings *collected);
/* Call for each set of headers. */
void run_cache_add_source(struct run_cache *c, const struct source *source,
                          const struct header_set *headers);
/* Replaces the findings by those of an equal run, and the versions of the headers by what its units
 * were read with. False: there was none, nothing is changed. */
bool run_cache_get(struct run_cache *c, const struct ruleset *rules, struct header_choice *headers,
                   struct findings *out);
void run_cache_put(struct run_cache *c, const struct header_choice *headers,
                   const struct findings *findings);
void run_cache_free(struct run_cache *c);

#endif
