#include <string.h>

#include "report/shared.h"

struct source_file {
    struct str text;
    size_t at; /* where line number `line` starts: most questions go forward */
    int line;
};

static struct source_file *
source_open(struct source_lines *lines, const char *file)
{
    struct source_file *found = map_get(&lines->files, file);
    if (!found) {
        found = arena_alloc(&lines->arena, sizeof(*found));
        found->line = 1;
        if (!str_read_file(&found->text, file)) {
            str_free(&found->text);
        }
        map_set(&lines->files, arena_string(&lines->arena, file), found);
    }
    return found;
}

const char *
source_line(struct source_lines *lines, const char *file, int number)
{
    if (!file || number < 1) {
        return NULL;
    }
    struct source_file *f = source_open(lines, file);
    if (number < f->line) {
        f->line = 1;
        f->at = 0;
    }
    while (f->line < number) {
        const char *end =
            f->at < f->text.n ? memchr(f->text.s + f->at, '\n', f->text.n - f->at) : NULL;
        if (!end) {
            return NULL;
        }
        f->at = (size_t)(end - f->text.s) + 1;
        f->line++;
    }
    if (f->at >= f->text.n) {
        return NULL;
    }
    const char *start = f->text.s + f->at;
    const char *end = memchr(start, '\n', f->text.n - f->at);
    size_t n = end ? (size_t)(end - start) : f->text.n - f->at;
    if (n && start[n - 1] == '\r') {
        n--;
    }
    return arena_copy(&lines->arena, start, n);
}

void
source_lines_free(struct source_lines *lines)
{
    for (size_t i = 0; i < lines->files.cap; i++) {
        if (lines->files.cells[i].key) {
            str_free(&((struct source_file *)lines->files.cells[i].value)->text);
        }
    }
    map_free(&lines->files);
    arena_free(&lines->arena);
}
