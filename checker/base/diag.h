/* Diagnostics about the run itself. Findings about the user's code never come this way.
 *
 * Three separate channels: a finding (user's code), an input error (exit code 2), bug() (ours).
 * Everything here goes to stderr, prefixed "extcheck: ". */
#ifndef EXTCHECK_BASE_DIAG_H
#define EXTCHECK_BASE_DIAG_H

#include <stddef.h>

__attribute__((format(printf, 1, 2))) void diag_error(const char *format, ...);
__attribute__((format(printf, 1, 2))) void diag_warning(const char *format, ...);
/* Suppressed by -q; used for progress and remarks. */
__attribute__((format(printf, 1, 2))) void diag_note(const char *format, ...);

/* Our own mistake: says where and aborts. */
#define bug(...) diag_bug(__FILE__, __LINE__, __VA_ARGS__)
__attribute__((noreturn, format(printf, 3, 4))) void diag_bug(const char *file, int line,
                                                              const char *format, ...);

/* malloc and friends that end the program when memory runs out. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *s);

#endif
