/* One stand-in, for stubs.c (which are needed), stubs_text.c (what the source says of a name) and
 * stubs_write.c (how they are declared).
 *
 * Ownership: stand-ins live in the arena of struct stubs. Threads and errors: as in stubs.h. */
#ifndef EXTCHECK_SOURCE_STUB_H
#define EXTCHECK_SOURCE_STUB_H

#include "source/parse/stubs.h"

enum stub_kind { STUB_HEADER, STUB_TYPE, STUB_TAG, STUB_CONSTANT, STUB_ANNOTATION, STUB_TEXT };

struct stub_field {
    const char *name;
    char next; /* what follows its use: '(' a function, '>' a pointer, '.' a struct, '[' an array */
};

struct stub {
    enum stub_kind kind;
    const char *name;
    bool wrong; /* declared elsewhere after all */
    VEC(struct stub_field) fields;
};

/* Adds one; false when there is one of the name, or too many. */
bool stubs_add(struct stubs *stubs, enum stub_kind kind, const char *name);

/* ---- stubs_text.c ---- */
/* Behind white space. */
const char *stubs_skip(const char *s);
/* `API_MACRO int f(void)`: behind a type no two names follow, nor a name and a star. */
bool stubs_is_annotation(const char *behind);
/* Is the word, which the parser took for a value, meant as a type: `Word *p;`, `(Word *)p`,
 * `sizeof(Word)`, `Word x;`? */
bool stubs_reads_as_type(const char *text, const char *word, size_t n);
/* The last value between braces, as docstrings stand in tables of methods: `{"f", f, 0, f_doc}`.
 * The table would be lost with it. */
bool stubs_ends_row(const char *text, const char *word, size_t n);

#endif
