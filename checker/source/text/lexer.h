/* A small lexer of our own over the source text: what the AST does not keep.
 *
 * It finds the places where macros that matter are used (PyList_GET_ITEM leaves only a member
 * access behind, critical sections leave nothing in a GIL build), the #if conditions around each
 * line, the directives before Python.h (the key of a precompiled header), comments addressed to the
 * checker, and whether Py_GIL_DISABLED is mentioned.
 *
 * Ownership: a struct lexed owns its text; names live in the interner given to lexer_read().
 * Threads: one owner. Errors: lexer_read() returns false with errno set; odd bytes are skipped. */
#ifndef EXTCHECK_SOURCE_LEXER_H
#define EXTCHECK_SOURCE_LEXER_H

#include <ctype.h>
#include <stdbool.h>

#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

struct macro_site {
    unsigned offset, end; /* of the name, and behind the closing parenthesis */
    const char *name;     /* the macro that matters */
    const char *used;     /* the macro as written, when a user macro hides it */
    const char *args;     /* text between the parentheses; NULL without */
};

struct guard_span {
    unsigned line;     /* from this line on */
    const char *guard; /* "PY_VERSION_HEX >= 0x030D0000", NULL for none */
};

struct include_site {
    const char *name; /* without quotes */
    unsigned line;
    bool angled, conditional, after_define;
};

struct define_site {
    const char *name, *value, *guard;
    unsigned line;
};

struct checker_comment {
    const char *kind, *ids, *reason;
    const char *scope;             /* line | next-line | function | file */
    unsigned first_line, end_line; /* of the comment itself */
    bool alone;                    /* nothing but the comment stands on its first line */
};

struct lexed {
    const char *path;
    struct str text;
    VEC(unsigned) lines; /* offset of each line's start */
    VEC(struct macro_site) sites;
    VEC(struct guard_span) guards;
    VEC(struct include_site) includes;
    VEC(struct define_site) defines;
    VEC(struct checker_comment) comments;
    VEC(const char *) directives; /* those before Python.h, whole lines */
    bool includes_python;         /* textually */
    bool mentions_gil;            /* Py_GIL_DISABLED decides about code, not only declarations */
    bool mentions_atomics;        /* or __sync: worth a look at nameless nodes */
    const char *generator;        /* cython, swig, mypyc, cffi or NULL */
    const char *banner;           /* its version text */
};

/* User macros whose bodies use a macro that matters: name -> that macro. Shared by the files of a
 * unit, since project headers define them. */
struct lexer_macros {
    struct map known; /* macros that matter -> themselves */
    struct map user;
    unsigned char maybe[512]; /* a bit per first letter, last letter and length of the names */
    bool hide_atomics;        /* some user macro stands for an atomic operation */
    struct interner *strings;
};

void lexer_macros_init(struct lexer_macros *macros, struct interner *strings);
void lexer_macros_free(struct lexer_macros *macros);

bool lexer_read(struct lexed *out, const char *path, struct lexer_macros *macros);
void lexed_free(struct lexed *lexed);

/* Part of an identifier? Bytes of UTF-8 are. */
static inline bool
lexer_is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* 1-based line and column (bytes) of an offset. */
unsigned lexed_line(const struct lexed *lexed, unsigned offset, unsigned *column);
/* The #if conditions around a line, or NULL. */
const char *lexed_guard(const struct lexed *lexed, unsigned line);
/* The identifier that starts at an offset, as a length (0: none). */
unsigned lexed_word(const struct lexed *lexed, unsigned offset);

#endif
