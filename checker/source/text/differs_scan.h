/* What the files about differences tell each other: differs.c has the graph of names and answers
 * questions, differs_scan.c reads a file into it, differs_directive.c its preprocessor lines, with
 * the words of differs_words.c.
 *
 * Ownership, threads and errors: as in differs.h. */
#ifndef EXTCHECK_SOURCE_DIFFERS_SCAN_H
#define EXTCHECK_SOURCE_DIFFERS_SCAN_H

#include <stdint.h>

#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "source/text/differs.h"
#include "source/text/lexer.h"

/* A name as such, or one that changes whatever is declared with it (a macro or a type). */
enum { LEVEL_NAME = 1, LEVEL_TYPE = 2 };

/* A word, a condition, a file or a statement. Once it may differ, so may what hangs on it. */
struct node {
    int level;
    bool is_count; /* Py_INCREF, Py_DECREF: other arguments in debug builds, always the same call */
    VEC(struct edge) out;
};
struct edge {
    struct node *to;
    int give, need;
};

struct differs {
    struct arena arena;
    struct interner strings;
    struct map words; /* -> struct node; "#name" is the file of that name */
    struct map files; /* paths read before */
    VEC(struct node *) nodes;
    VEC(struct node *) work;
};

/* A macro that one branch of an #if defines. */
struct definition {
    struct node *macro;
    size_t depth; /* of the #if */
    uint64_t body;
    bool has_parameters, same; /* same: every branch that defines it says the same */
    int times;
};

struct condition {
    struct node *node;
    int braces; /* where its #if stands: each branch starts with as many */
};

struct scan {
    struct differs *d;
    const char *at, *end;
    bool declarations;
    VEC(struct condition) conditions; /* the first stands for the file */
    VEC(struct definition) definitions;
    int braces;     /* open ones of the function body or the values that are passed over */
    bool in_values; /* it is values: the statement goes on behind them */
    /* the statement outside functions that is being read */
    VEC(struct node *) words, declared;
    struct node *pending; /* the word just read */
    bool has_parameters, is_type;
    int parentheses;
    bool star_opens;
    char before, before_word; /* the last character that is no blank; 'w' for a word */
};

/* ---- differs.c ---- */
struct node *differs_node(struct differs *d);
struct node *differs_word(struct differs *d, const char *s, size_t n);
/* Once `from` has level `need`, `to` gets level `give`. */
void differs_link(struct differs *d, struct node *from, struct node *to, int need, int give);

/* ---- differs_words.c ---- */
/* The next word in [*at, end); numbers are passed over. Returns NULL at the end. */
const char *differs_next_word(const char **at, const char *end, size_t *n);

/* ---- differs_directive.c ---- */
/* The #if that stands around the place, or the file. */
struct node *scan_condition(const struct scan *s);
/* The line at s->at, which stands on '#', with its continuations. */
void scan_directive(struct scan *s);
/* At the end of an #if, or of the file: what its condition decides about. */
void scan_settle_definitions(struct scan *s);

/* ---- differs_scan.c ---- */
/* declarations: also what the text declares outside functions. */
void differs_scan(struct differs *d, const char *path, const char *text, size_t n,
                  bool declarations);

#endif
