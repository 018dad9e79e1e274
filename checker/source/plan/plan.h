/* What to parse and how: flags of each unit, groups that share a precompiled header.
 *
 * plan_build() needs no libclang: it reads the sources with our own lexer and the compilation
 * database with a JSON library.
 *
 * Ownership: the plan owns everything in it; strings live in its interner.
 * Threads: one owner; workers inherit a finished plan through fork().
 * Errors: a unit that cannot be read has `failure` set; a bad database ends plan_build() with
 * false and a message. */
#ifndef EXTCHECK_SOURCE_PLAN_H
#define EXTCHECK_SOURCE_PLAN_H

#include "source/source.h"
#include "source/text/lexer.h"

enum flavour { FLAVOUR_FT, FLAVOUR_GIL, FLAVOURS };

struct plan_args {
    VEC(const char *) at;
};

struct plan_unit {
    const char *path;   /* as the user wrote it */
    const char *real;   /* real path */
    const char *root;   /* real path of its project: headers below it are the project's own */
    const char *output; /* of the compile command: units of one module share a folder or -o */
    bool is_cxx;
    bool limited;      /* Py_LIMITED_API on the command line */
    bool asks_limited; /* it or Py_TARGET_ABI3T, there or in the source */
    const char *failure;
    struct plan_args args; /* without flavour, headers and resource directory */
    bool python_from_args; /* the arguments name a folder with a usable Python.h */
    int python_hex;
    struct lexed lexed;
    bool lexed_ok, mentions_gil;
    bool wanted[FLAVOURS];
    int group[FLAVOURS];          /* -1: no precompiled header */
    VEC(const char *) headers;    /* project headers it reaches */
    VEC(const char *) candidates; /* includes that may go into a precompiled header */
    struct str prefix;            /* directives before Python.h */
    bool has_prefix;
    bool binds;         /* Python.h comes with a library's header, such as pybind11's */
    const char *cached; /* facts from the cache: not parsed again */
    bool taken;         /* its facts were read */
};

struct plan_group {
    const char *key;
    int first_unit, users;
    enum flavour flavour;
    bool common;       /* taken when an earlier run kept it (common.h), else done without */
    struct str header; /* text of the header to precompile */
};

struct plan {
    const struct source_options *options;
    struct arena arena;
    struct interner strings;
    struct lexer_macros macros;
    VEC(struct plan_unit *) units;
    VEC(struct plan_group *) groups;
    VEC(const char *) python_roots; /* real paths of folders with a Python.h */
    const char *project_root, *working_directory;
    struct map header_files; /* real path -> struct plan_header, lexed once */
    struct map indexes;      /* project root -> struct project_index */
    struct map roots;        /* folder -> the project it belongs to */
    struct database *database;
};

bool plan_build(struct plan *plan, const struct source_options *options);
/* Lexes the units that the cache did not answer, finds their headers and forms the groups. */
void plan_prepare(struct plan *plan);
/* Frees the texts of sources and headers, which only parsing needs. */
void plan_forget_texts(struct plan *plan);
void plan_free(struct plan *plan);

/* ---- flags.c ---- */
/* Keeps of a compile command what changes the meaning of the source. */
void flags_filter(struct plan *plan, struct plan_unit *unit, const char *directory,
                  const char *const *args, size_t n);
/* Python version of a folder with Python.h and patchlevel.h: 0x030d, or 0. */
int flags_python_version(const char *dir);
/* Sets python_from_args and drops header folders that are too old for the targets. */
void flags_choose_python(struct plan *plan, struct plan_unit *unit, bool explicit_flags);

/* Adds the environment variables that compilers heed, for keys of the cache. */
void flags_add_environment(struct str *key);

/* ---- database.c ---- */
struct database_entry {
    const char *file, *directory, *output;
    VEC(const char *) args;
};
/* NULL without a database; *failed is set (after a message) when one cannot be read. */
struct database *database_open(struct plan *plan, const char *dir, bool *failed);
const struct database_entry *database_find(const struct database *db, const char *real_path);
void database_free(struct database *db);

/* ---- includes.c ---- */
/* Resolves the unit's includes: fills headers, candidates, prefix, mentions_gil; adds -I for
 * project folders that hold a header which would not be found otherwise. */
void includes_resolve(struct plan *plan, struct plan_unit *unit);
/* The text of a header that a unit's `headers` name; NULL when it could not be read. */
const struct str *includes_text(const struct plan *plan, const char *real);
void includes_forget_texts(struct plan *plan);
void includes_free(struct plan *plan);

/* ---- includes_paths.c ---- */
/* The folder taken for the root of the file's project. */
const char *includes_project_root(struct plan *plan, const char *file);

/* ---- groups.c ---- */
void groups_form(struct plan *plan);

/* ---- text/prefix.c ---- */
/* Does a flag decide what a precompiled header contains? */
bool prefix_flag_matters(const struct plan_unit *unit, const char *flag);
/* The directives before Python.h that decide it. */
void prefix_settle(const struct plan_unit *unit, enum flavour flavour, struct str *out);

#endif
