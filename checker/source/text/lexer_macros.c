/* Macros that matter: which names they are, and where the source uses them. */
#include <string.h>

#include "source/text/lexer_scan.h"

/* Most words of a source are no macros that matter: one bit spares their look-up. */
static size_t
lexer_bit(const char *name, size_t n)
{
    return ((size_t)(unsigned char)name[0] * 31 + (size_t)(unsigned char)name[n - 1] * 7 + n) %
           4096;
}

static void
lexer_note(struct lexer_macros *macros, const char *name)
{
    size_t bit = lexer_bit(name, strlen(name));
    macros->maybe[bit / 8] |= (unsigned char)(1U << (bit % 8));
}

void
lexer_macros_init(struct lexer_macros *macros, struct interner *strings)
{
    *macros = (struct lexer_macros){.strings = strings};
#define MACRO(name)                                                                                \
    map_set(&macros->known, #name, (void *)(size_t) #name);                                        \
    lexer_note(macros, #name);
#include "source/text/macros.def"
#undef MACRO
}

void
lexer_macros_free(struct lexer_macros *macros)
{
    map_free(&macros->known);
    map_free(&macros->user);
}

void
lexer_note_macro(struct lexer *lx, const char *name, const char *body, const char *end)
{
    for (const char *p = body; p < end;) {
        if (!lexer_is_word(*p)) {
            p++;
            continue;
        }
        const char *word = p;
        while (p < end && lexer_is_word(*p)) {
            p++;
        }
        const char *key = intern_n(lx->macros->strings, word, (size_t)(p - word));
        const char *known = map_get(&lx->macros->known, key);
        if (!known) {
            known = map_get(&lx->macros->user, key);
        }
        if (!known && (strstr(key, "atomic_") || str_starts(key, "__sync_"))) {
            known = key;
            lx->macros->hide_atomics = true;
        }
        if (known && !map_get(&lx->macros->user, name)) {
            map_set(&lx->macros->user, name, (void *)(size_t)known);
            lexer_note(lx->macros, name);
        }
    }
}

/* The end of a parenthesised argument list that starts at p, or NULL. */
static const char *
lexer_arguments_end(const struct lexer *lx, const char *p)
{
    int depth = 0;
    for (; p < lx->end; p++) {
        if (*p == '"' || *p == '\'') {
            char quote = *p++;
            while (p < lx->end && *p != quote && *p != '\n') {
                p += *p == '\\' && p + 1 < lx->end ? 2 : 1;
            }
        }
        else if (*p == '(') {
            depth++;
        }
        else if (*p == ')' && --depth == 0) {
            return p;
        }
        else if (*p == ';' || *p == '{') {
            return NULL;
        }
    }
    return NULL;
}

void
lexer_word(struct lexer *lx)
{
    const char *start = lx->at;
    while (lx->at < lx->end && lexer_is_word(*lx->at)) {
        lx->at++;
    }
    size_t n = (size_t)(lx->at - start);
    size_t bit = lexer_bit(start, n);
    if (n > 60 || !(lx->macros->maybe[bit / 8] >> (bit % 8) & 1)) {
        return;
    }
    const char *key = intern_n(lx->macros->strings, start, n);
    const char *known = map_get(&lx->macros->known, key);
    const char *user = known ? NULL : map_get(&lx->macros->user, key);
    if (!known && (!user || strstr(user, "atomic_") || str_starts(user, "__sync_"))) {
        return;
    }
    struct macro_site site = {.offset = (unsigned)(start - lx->s),
                              .end = (unsigned)(lx->at - lx->s),
                              .name = known ? known : user,
                              .used = known ? NULL : key};
    const char *p = lx->at;
    while (p < lx->end && (*p == ' ' || *p == '\t')) {
        p++;
    }
    if (p < lx->end && *p == '(') {
        const char *close = lexer_arguments_end(lx, p);
        if (close) {
            site.args = lexer_trimmed(lx, p + 1, (size_t)(close - p - 1));
            site.end = (unsigned)(close + 1 - lx->s);
        }
    }
    vec_push(&lx->out->sites, site);
}
