/* The second flavour of a unit. Most function bodies are the same text with the same meaning in
 * both flavours: those are blanked before the second parse, but for lines that define macros, and
 * their facts are those of the first.
 *
 * Ownership: a twin belongs to the parse of one unit; the facts it points to are the unit's.
 * Threads: one owner. Errors: what cannot be told to be equal is parsed again. */
#ifndef EXTCHECK_SOURCE_TWIN_H
#define EXTCHECK_SOURCE_TWIN_H

#include "source/text/differs.h"
#include "source/walk/unit.h"

struct twin_body {
    const char *path;            /* as in the facts */
    unsigned start, open, close; /* of the declaration, its brace, and behind the last one */
    size_t first, last;          /* its facts */
    bool equal, defines;         /* defines: it has lines that define macros */
};

struct twin_file {
    const char *path, *name; /* as in the facts, and as libclang calls it */
    struct str text;         /* without the bodies that are equal */
};

struct twin {
    VEC(struct twin_body) bodies;
    VEC(struct twin_file) files;
    struct arena arena;
    int group;   /* whose header the first flavour was parsed with; -1: none */
    bool ready;  /* the files are made: bodies are copied, not walked */
    size_t next; /* where the search for a body goes on */
};

/* After the first walk of a function: remembers where it stands and which facts it gave. */
void twin_note(struct twin *twin, struct unit *u, CXCursor function, size_t first);
/* After the first flavour: finds out what is equal. headers: `D path` lines of a precompiled
 * header. */
void twin_prepare(struct twin *twin, struct unit *u, struct differs *differs, const char *headers);
/* In the second walk: the facts of a function whose body was left out. False: walk it. */
bool twin_copy(struct twin *twin, struct unit *u, CXCursor function);
void twin_free(struct twin *twin);

#endif
