/* Which names may mean something else in the other flavour: a macro defined behind an #if on
 * Py_GIL_DISABLED, what is defined by means of it, and what the project declares in such places.
 *
 * It errs on the side of "may": names are taken as text, whatever scope they stand in, and what
 * one file taught stays known for the files after it.
 *
 * Ownership: copies what it keeps. Threads: one owner. Errors: a file that cannot be read adds
 * nothing. */
#ifndef EXTCHECK_SOURCE_DIFFERS_H
#define EXTCHECK_SOURCE_DIFFERS_H

#include <stdbool.h>
#include <stddef.h>

struct differs;

struct differs *differs_new(void);
void differs_free(struct differs *d);
/* Learns a header's macros; a path that was read before costs nothing. */
void differs_add_header(struct differs *d, const char *path);
/* Learns a source's macros and what it declares outside functions. */
void differs_add_source(struct differs *d, const char *path, const char *text, size_t n);
/* Behind the comment, string or character constant at s; s itself when there is none. */
const char *differs_skip(const char *s, const char *end);
/* May the text mean something else? */
bool differs_in(const struct differs *d, const char *text, size_t n);

#endif
