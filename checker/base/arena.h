/* Arena: memory that dies all at once.
 *
 * Ownership: everything returned belongs to the arena and is freed by arena_free() only.
 * Threads: an arena has one owner thread.
 * Errors: out of memory ends the program (the checker may; shim and pool may not). */
#ifndef EXTCHECK_BASE_ARENA_H
#define EXTCHECK_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;
struct arena {
    struct arena_chunk *head;
    size_t total; /* bytes handed out, for --statistics */
};

/* Zeroed memory, aligned for any type. */
void *arena_alloc(struct arena *a, size_t size);
/* A copy of the n bytes at s, with a terminating NUL. */
char *arena_copy(struct arena *a, const char *s, size_t n);
/* A copy of a whole string. */
char *arena_string(struct arena *a, const char *s);
__attribute__((format(printf, 2, 3))) char *arena_printf(struct arena *a, const char *format, ...);
void arena_free(struct arena *a);

#endif
