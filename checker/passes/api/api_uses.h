/* Uses of one thing at many places, told once in each file. Used by the passes about Python's
 * private and changing API.
 *
 * Ownership: what is told lives in the program. Threads: one owner. Errors: none. */
#ifndef EXTCHECK_PASSES_API_USES_H
#define EXTCHECK_PASSES_API_USES_H

#include "passes/flow/flow.h"

/* What to use instead of one name. advice is NULL where there is nothing. */
struct api_name {
    const char *shown;  /* PyDictObject.ma_used, _PyLong_Sign() */
    const char *advice; /* PyDict_Size() */
};

struct api_group;

struct api_uses {
    struct program *p;
    struct map groups; /* what, file and group -> struct api_group */
    struct map seen;   /* place and name: headers are read by every unit */
    VEC(struct api_group *) all;
};

/* Adds one use. The first of a file and group makes the flaw `what`: subject is the group, symbol
 * the first name, class the risk. */
void api_uses_add(struct api_uses *uses, const struct fact *where, const struct body *b,
                  const char *what, const char *group, const char *risk, struct api_name name);
/* Fills in the flaws: detail has the names, detail2 says what to use instead, number how many
 * places; the second place is related. Frees the rest. */
void api_uses_tell(struct api_uses *uses);

/* What to use instead, from a row of a table with the columns replacement, replacement_since and
 * in_pythoncapi_compat: "PyDict_Size()", "PyType_GetDict() (3.12)". NULL: nothing. */
const char *api_advice(struct program *p, const char *table, const char *key);
/* Python whose headers the unit of the fact was read with: 15 for 3.15; 0 when not known. */
int api_version(const struct program *p, const struct fact *where);
/* 13 for "3.13", 0 for anything else. */
int api_minor(const char *version);
/* Code that is not the author's to change or that means to know the internals: what generators
 * write, what is a part of the interpreter, backports of the API, libraries for bindings. */
bool api_is_excused(const struct program *p, const struct fact *where, const struct body *b);

#endif
