#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

enum { CHUNK_SIZE = 64 * 1024, ALIGNMENT = 16 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size;
    /* The payload follows; the padding keeps it aligned. */
    size_t padding;
};

static struct arena_chunk *
arena_grow(struct arena *a, size_t need)
{
    size_t size = need > CHUNK_SIZE ? need : CHUNK_SIZE;
    struct arena_chunk *chunk = xmalloc(sizeof(*chunk) + size);
    chunk->used = 0;
    chunk->size = size;
    chunk->next = a->head;
    a->head = chunk;
    return chunk;
}

void *
arena_alloc(struct arena *a, size_t size)
{
    size_t need = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct arena_chunk *chunk = a->head;
    if (!chunk || chunk->size - chunk->used < need) {
        chunk = arena_grow(a, need);
    }
    char *at = (char *)(chunk + 1) + chunk->used;
    chunk->used += need;
    a->total += need;
    memset(at, 0, need);
    return at;
}

char *
arena_copy(struct arena *a, const char *s, size_t n)
{
    char *copy = arena_alloc(a, n + 1);
    if (n) {
        memcpy(copy, s, n);
    }
    copy[n] = '\0';
    return copy;
}

char *
arena_string(struct arena *a, const char *s)
{
    return arena_copy(a, s, strlen(s));
}

char *
arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) {
        bug("arena_printf: bad format");
    }
    char *out = arena_alloc(a, (size_t)n + 1);
    vsnprintf(out, (size_t)n + 1, format, again);
    va_end(again);
    return out;
}

void
arena_free(struct arena *a)
{
    while (a->head) {
        struct arena_chunk *next = a->head->next;
        free(a->head);
        a->head = next;
    }
    a->total = 0;
}
