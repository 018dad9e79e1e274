/* The scanner's position, for the files of the lexer: lexer.c goes through the text,
 * lexer_comment.c reads comments, lexer_directive.c preprocessor lines, lexer_macros.c the uses of
 * macros.
 *
 * Ownership, threads and errors: as in lexer.h. */
#ifndef EXTCHECK_SOURCE_LEXER_SCAN_H
#define EXTCHECK_SOURCE_LEXER_SCAN_H

#include "source/text/lexer.h"

/* The scanner's position and what it has seen so far. */
struct lexer {
    struct lexed *out;
    struct lexer_macros *macros;
    const char *s, *end, *at;
    unsigned line;
    bool line_has_code; /* something other than space and comments stands on this line */
    bool seen_define;
    VEC(const char *) conditions;
};

/* Behind the end of a line. */
static inline void
lexer_newline(struct lexer *lx, const char *behind)
{
    lx->line++;
    lx->line_has_code = false;
    vec_push(&lx->out->lines, (unsigned)(behind - lx->s));
}

/* Behind a comment that starts at lx->at; records those addressed to the checker. */
void lexer_skip_comment(struct lexer *lx);
/* One preprocessor line with its continuations; lx->at stands on '#'. */
void lexer_directive(struct lexer *lx);
/* A word at lx->at: recorded with its arguments when it is a macro that matters. */
void lexer_word(struct lexer *lx);
/* The body [body, end) of macro `name`: when it uses a macro that matters, its own uses matter. */
void lexer_note_macro(struct lexer *lx, const char *name, const char *body, const char *end);
/* Without white space at both ends, interned. */
const char *lexer_trimmed(struct lexer *lx, const char *s, size_t n);
/* Does Py_GIL_DISABLED decide about code? */
bool lexed_gil_matters(const struct lexed *lexed);

#endif
