/* The source front-end: C and C++ files become facts.
 *
 * The only folder that includes clang-c; libclang itself is opened with dlopen when the first unit
 * is not in the cache. Files are parsed in forked workers, so a parser crash costs one named file.
 *
 * Ownership: facts go into the caller's store; everything else is copied.
 * Threads: call from the only thread of the process (it forks).
 * Errors: a file that cannot be analysed is reported through `failed`, never by ending the run. */
#ifndef EXTCHECK_SOURCE_H
#define EXTCHECK_SOURCE_H

#include <stdbool.h>

#include "facts/facts.h"

/* One set of Python headers. */
struct source_headers {
    const char *version;      /* "3.14" */
    int hex;                  /* 0x030e */
    const char *const *flags; /* -I options, NULL-terminated */
    bool gil_disabled;        /* pyconfig.h defines Py_GIL_DISABLED */
    const char *label;        /* the interpreter's path, for messages */
};

struct source_options {
    const char *const *files; /* NULL-terminated, as the user wrote them */
    const char *const *flags; /* after `--`, NULL-terminated; may be NULL */
    const char *database_dir; /* -p DIR; NULL: look in ., build*, builddir */
    const char *libclang;     /* path; NULL: $EXTCHECK_LIBCLANG, then search */
    const char *cache_dir;    /* NULL: no cache */
    const char *project_root; /* headers below it are the project's own; NULL: guess */
    struct source_headers headers;
    int jobs;
    int timeout_seconds; /* per unit */
    int memory_mb;       /* per worker; 0: no limit */
    bool progress;       /* say on stderr what takes long */
    bool both_flavours;  /* false: free-threaded flavour not wanted (GIL only) */
};

/* Called once per file that could not be analysed (partial: facts exist all the same). */
typedef void source_failed(void *context, const char *file, const char *reason, bool partial);

/* Finds out how the files are to be parsed; NULL after a message (bad database). The options must
 * outlive it. */
struct source *source_open(const struct source_options *options);
/* Appends what decides the facts, apart from the content of files. */
void source_key(const struct source *source, struct str *out);
/* Adds the facts of all files. Returns the number of files of which facts exist, or -1 after a
 * message when nothing can be analysed at all (no libclang, no resource directory). Once only. */
int source_extract(struct source *source, struct facts *out, source_failed *failed, void *context);
/* After source_extract(): appends the files and folders that the facts rest on, in the form that
 * source_unchanged() reads. Nothing without a cache. */
void source_dependencies(const struct source *source, struct str *out);
/* Are all files of such a list as they were? fresh: receives the same list with new time stamps
 * when some file was touched but has the same content. */
bool source_unchanged(const char *list, size_t n, struct str *fresh);
void source_close(struct source *source);

/* "libclang 14.0.6 (/usr/lib/.../libclang-14.so.1)" into a static-free caller buffer; false and a
 * message in the buffer when none is found. */
bool source_libclang_version(const char *libclang, struct str *out);

#endif
