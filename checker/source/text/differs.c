/* Names and what hangs on them: a graph in which "may differ" spreads. */
#include "source/text/differs_scan.h"

#include <stdlib.h>
#include <string.h>

struct node *
differs_node(struct differs *d)
{
    struct node *node = arena_alloc(&d->arena, sizeof(*node));
    vec_push(&d->nodes, node);
    return node;
}

struct node *
differs_word(struct differs *d, const char *s, size_t n)
{
    void **cell = map_slot(&d->words, intern_n(&d->strings, s, n));
    if (!*cell) {
        *cell = differs_node(d);
    }
    return *cell;
}

static void
differs_mark(struct differs *d, struct node *node, int level)
{
    if (node->level >= level) {
        return;
    }
    node->level = level;
    vec_push(&d->work, node);
    while (d->work.n) {
        struct node *next = d->work.at[--d->work.n];
        for (size_t i = 0; i < next->out.n; i++) {
            struct edge *e = &next->out.at[i];
            if (next->level >= e->need && e->to->level < e->give) {
                e->to->level = e->give;
                vec_push(&d->work, e->to);
            }
        }
    }
}

void
differs_link(struct differs *d, struct node *from, struct node *to, int need, int give)
{
    struct edge edge = {to, give, need};
    vec_push(&from->out, edge);
    if (from->level >= need) {
        differs_mark(d, to, give);
    }
}

struct differs *
differs_new(void)
{
    struct differs *d = xcalloc(1, sizeof(*d));
    differs_mark(d, differs_word(d, "Py_GIL_DISABLED", 15), LEVEL_TYPE);
    differs_word(d, "Py_INCREF", 9)->is_count = true;
    differs_word(d, "Py_DECREF", 9)->is_count = true;
    return d;
}

void
differs_free(struct differs *d)
{
    if (!d) {
        return;
    }
    for (size_t i = 0; i < d->nodes.n; i++) {
        vec_free(&d->nodes.at[i]->out);
    }
    vec_free(&d->nodes);
    vec_free(&d->work);
    map_free(&d->words);
    map_free(&d->files);
    interner_free(&d->strings);
    arena_free(&d->arena);
    free(d);
}

static bool
differs_is_new(struct differs *d, const char *path)
{
    void **cell = map_slot(&d->files, intern(&d->strings, path));
    bool fresh = !*cell;
    *cell = d;
    return fresh;
}

void
differs_add_header(struct differs *d, const char *path)
{
    struct str text = {0};
    if (differs_is_new(d, path) && str_read_file(&text, path)) {
        differs_scan(d, path, text.s, text.n, false);
    }
    str_free(&text);
}

void
differs_add_source(struct differs *d, const char *path, const char *text, size_t n)
{
    if (differs_is_new(d, path)) {
        differs_scan(d, path, text, n, true);
    }
}

/* Python's structs are larger in one flavour. Of others, and of what only an expression names, the
 * size is a number that nothing asks for. */
static bool
differs_is_object_size(const char *s, const char *end)
{
    const char *close = memchr(s, ')', (size_t)(end - s));
    size_t n;
    for (const char *word; close && (word = differs_next_word(&s, close, &n));) {
        bool python = n > 2 && memcmp(word, "Py", 2) == 0 && memcmp(word, "Py_", 3) != 0;
        if (python || (n > 6 && memcmp(word + n - 6, "Object", 6) == 0)) {
            return memchr(word, '*', (size_t)(close - word)) == NULL; /* no pointer's */
        }
    }
    return close == NULL;
}

bool
differs_in(const struct differs *d, const char *text, size_t n)
{
    const char *end = text + n;
    size_t length;
    for (const char *word; (word = differs_next_word(&text, end, &length));) {
        const struct node *node = NULL;
        char name[128];
        if (length < sizeof(name)) {
            memcpy(name, word, length);
            name[length] = '\0';
            node = map_get(&d->words, name);
        }
        bool size = length == 6 && memcmp(word, "sizeof", 6) == 0;
        if ((node && node->level) || length >= sizeof(name) ||
            (size && differs_is_object_size(text, end))) {
            return true;
        }
    }
    return false;
}
