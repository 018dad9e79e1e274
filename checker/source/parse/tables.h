/* Long tables of numbers, such as those of Unicode or of a checksum: to a parser each number is an
 * expression, to us none is. Of `unsigned char t[] = {7, 9, ..., 3}` with 256 values the parser is
 * given `{7, [255] = 3}` and white space: the same array, and every other byte where it was.
 *
 * Only arrays of the language's own number types are taken whose values are written as numbers.
 *
 * Ownership: texts are the caller's. Threads: nothing is shared. Errors: what is not understood to
 * be such a table stays as it is. */
#ifndef EXTCHECK_SOURCE_TABLES_H
#define EXTCHECK_SOURCE_TABLES_H

#include "base/str.h"
#include "base/vec.h"

struct table_file {
    const char *name, *real; /* as libclang is to call it; real path */
    struct str text;
};
struct table_files {
    VEC(struct table_file) at;
};

/* Adds a copy of the text with its tables shortened, if there is one that is worth it. */
void tables_add(struct table_files *files, const char *name, const char *real,
                const struct str *text);
void tables_free(struct table_files *files);
/* Shortens all tables of a text, in place. */
void tables_shorten(char *text, size_t n);

#endif
