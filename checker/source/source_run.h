/* One run of the front-end: source.c plans it, source_cache.c asks what earlier runs kept,
 * source_apart.c parses the rest in a process of its own, source_jobs.c says in which order.
 *
 * Ownership: source_close() frees all of it. Threads: one; its processes inherit it by fork().
 * Errors: a file that fails has a result that says so. */
#ifndef EXTCHECK_SOURCE_RUN_H
#define EXTCHECK_SOURCE_RUN_H

#include "source/cache/cache.h"
#include "source/parse/parse.h"
#include "source/workers/workers.h"

struct source_job {
    struct workers_job job;
    bool started;
    bool alone; /* a unit that does not wait for its group's header */
};

struct source {
    const struct source_options *options;
    struct plan plan;
    struct cx cx;
    struct cache cache;
    struct str program; /* identity of this very binary: a rebuilt checker asks anew */
    struct str library, resource_flag, resource_dir, scratch;
    int scratch_lock;  /* says that the folder is in use; -1: it could not be locked */
    struct str opened; /* the library that was opened, with size and time */
    struct facts *out;
    source_failed *failed;
    void *context;
    struct parser parser;
    struct str *group_files; /* D lines of each group's header */
    bool *group_ok, *group_done;
    VEC(struct source_job) jobs;
    size_t next_job;     /* those before it were started */
    struct str *results; /* per unit; read in order at the end */
    int done, total, analysed;
    bool progress_line;
    int answers; /* in the process that parses: where results go; else -1 */
};

/* What the process that parses sends: this and n bytes. */
struct source_answer {
    struct workers_job job;
    bool ok; /* of a header: it was built */
    size_t n;
};

/* ---- source_cache.c ---- */
/* Size and time of a file, so that a replaced one is another. */
void source_add_identity(const char *path, struct str *out);
/* What decides the unit's facts, apart from the content of files. */
void source_cache_key(const struct source *run, const struct plan_unit *unit, struct str *key);
/* Takes what the cache has: those units need no parse. */
void source_ask_cache(struct source *run);
/* Keeps the result of unit i, under the key it had before the search for headers. */
void source_fill_cache(struct source *run, size_t i, const char *key);

/* ---- source_jobs.c ---- */
/* Builds the headers and parses the units that the cache did not answer. */
void source_run_jobs(struct source *run);
/* Where the answer to a job is kept; it is empty now. Notes whether a header was built. */
struct str *source_answered(struct source *run, const struct workers_job *job, bool ok);

/* ---- source_apart.c ---- */
/* A folder for headers and stand-ins; false after a message. */
bool source_make_scratch(struct source *run);
void source_remove_scratch(struct source *run);
/* Fills the results of what is planned; false after a message (no libclang). */
bool source_parse_apart(struct source *run);

#endif
