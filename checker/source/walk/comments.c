#include "source/walk/comments.h"

#include <string.h>

/* The first line from `line` on that is neither blank nor only a comment. */
static unsigned
comments_next_code(const struct lexed *lexed, unsigned line)
{
    for (; line <= lexed->lines.n; line++) {
        bool covered = false;
        for (size_t i = 0; i < lexed->comments.n; i++) {
            const struct checker_comment *other = &lexed->comments.at[i];
            covered |= other->alone && line >= other->first_line && line <= other->end_line;
        }
        unsigned at = lexed->lines.at[line - 1];
        while (at < lexed->text.n && (lexed->text.s[at] == ' ' || lexed->text.s[at] == '\t')) {
            at++;
        }
        bool blank = at >= lexed->text.n || lexed->text.s[at] == '\n' || lexed->text.s[at] == '\r';
        if (!blank && !covered) {
            return line;
        }
    }
    return line;
}

/* The function whose text holds the line, or which starts at the next code line. */
static void
comments_function_lines(const struct unit *u, const struct unit_file *file,
                        const struct checker_comment *comment, unsigned next,
                        struct fact_comment *out)
{
    FACTS_EACH(u->facts, function, f)
    {
        if (f->at.unit != u->facts->unit || !str_same(f->at.file, file->path)) {
            continue;
        }
        long first = f->at.line;
        bool inside =
            (long)comment->first_line >= first && (long)comment->first_line <= f->end_line;
        bool starts = (long)next >= first - 2 && (long)next <= first;
        if (inside || starts) {
            out->first = (long)comment->first_line < first ? (long)comment->first_line : first;
            out->last = f->end_line;
            out->target = f->id;
            return;
        }
    }
}

static const char *
comments_variable_at(const struct unit *u, const struct unit_file *file, long first, long last)
{
    FACTS_EACH(u->facts, variable, v)
    {
        if (v->at.unit == u->facts->unit && str_same(v->at.file, file->path) &&
            v->at.line >= first && v->at.line <= last) {
            return v->id;
        }
    }
    return NULL;
}

void
comments_write(struct unit *u, struct unit_file *file)
{
    const struct lexed *lexed = file->lexed;
    u->facts->file = file->path;
    for (size_t i = 0; i < lexed->comments.n; i++) {
        const struct checker_comment *comment = &lexed->comments.at[i];
        struct fact_comment *c = facts_new_comment(u->facts, (int)comment->first_line, 1, 0);
        bool next_line = strcmp(comment->scope, "next-line") == 0 ||
                         (comment->alone && strcmp(comment->scope, "line") == 0);
        unsigned next = next_line || comment->alone
                            ? comments_next_code(lexed, comment->end_line + 1)
                            : comment->first_line;
        c->kind = comment->kind;
        c->ids = comment->ids;
        c->reason = comment->reason;
        c->scope = next_line ? "next-line" : comment->scope;
        c->first = next_line ? (long)next : (long)comment->first_line;
        c->last = next_line ? (long)next : (long)comment->end_line;
        if (strcmp(comment->scope, "function") == 0) {
            comments_function_lines(u, file, comment, next, c);
        }
        else if (strcmp(comment->scope, "file") == 0) {
            c->first = 1;
            c->last = (long)lexed->lines.n;
        }
        if (strcmp(comment->kind, "ignore") != 0) {
            c->target = comments_variable_at(u, file, c->first, c->last);
        }
    }
}
