#include "source/walk/twin.h"

#include <string.h>

#include "source/parse/tables.h"

static bool
twin_find_body(struct unit *u, CXCursor function, struct twin_body *out)
{
    const struct cx *cx = u->cx;
    struct cx_children parts;
    cx_children(cx, function, &parts);
    bool found = false;
    for (unsigned i = 0; i < parts.n && !found; i++) {
        CXSourceRange range = cx->getCursorExtent(parts.at[i]);
        if (parts.at[i].kind == CXCursor_CompoundStmt && !cx_in_macro(range)) {
            CXFile handle = NULL, other = NULL;
            out->open = cx_offset(cx, parts.at[i], &handle);
            out->close = cx_end_offset(cx, parts.at[i]);
            out->start = cx_offset(cx, function, &other);
            out->path = unit_file(u, handle)->path;
            found = handle == other && out->start <= out->open && out->open < out->close;
        }
    }
    cx_children_free(&parts);
    return found;
}

void
twin_note(struct twin *twin, struct unit *u, CXCursor function, size_t first)
{
    struct twin_body body = {.first = first, .last = u->facts->all.n};
    if (!twin->ready && twin_find_body(u, function, &body)) {
        vec_push(&twin->bodies, body);
    }
}

/* Behind a preprocessor line, with what a backslash or a comment joins to it. */
static const char *
twin_line_end(const char *s, const char *end)
{
    while (s < end && *s != '\n') {
        if (*s == '\\' && s + 1 < end) {
            s += s[1] == '\r' && s + 2 < end ? 3 : 2;
            continue;
        }
        const char *behind = *s == '/' ? differs_skip(s, end) : s;
        s = behind > s ? behind : s + 1;
    }
    return s < end ? s : end;
}

/* The next preprocessor line behind `s`, which stands inside a line; NULL: there is none. */
static const char *
twin_next_directive(const char *s, const char *end, const char **line_end)
{
    bool fresh = false; /* nothing but white space and comments on the line so far */
    while (s < end) {
        const char *behind = differs_skip(s, end);
        if (behind > s) {
            fresh = fresh && *s == '/';
            s = behind;
        }
        else if (*s == '#' && fresh) {
            *line_end = twin_line_end(s, end);
            return s;
        }
        else {
            fresh = *s == '\n' || (fresh && strchr(" \t\r\f\v", *s));
            s++;
        }
    }
    return NULL;
}

static bool
twin_is_directive(const char *s, const char *name)
{
    s += 1 + strspn(s + 1, " \t");
    return str_starts(s, name);
}

/* Directives inside a body that reach beyond it. *defines: those that define macros do as well, and
 * stay when the body is blanked. */
static bool
twin_reaches_out(const char *s, const char *end, bool *defines)
{
    static const char *const words[] = {"include", "import", "pragma", "line", "error", "embed"};
    int depth = 0;
    const char *line_end = NULL;
    *defines = false;
    while ((s = twin_next_directive(s, end, &line_end))) {
        for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
            if (twin_is_directive(s, words[i])) {
                return true;
            }
        }
        *defines |= twin_is_directive(s, "define") || twin_is_directive(s, "undef");
        depth += twin_is_directive(s, "if") ? 1 : twin_is_directive(s, "endif") ? -1 : 0;
        if (depth < 0 || (depth == 0 && twin_is_directive(s, "el"))) {
            return true;
        }
        s = line_end;
    }
    return depth != 0;
}

/* Words in a declaration that make the body part of the function's type or value. */
static bool
twin_needs_body(const char *s, size_t n)
{
    static const char *const words[] = {"auto", "constexpr", "consteval", "decltype"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (memmem(s, n, words[i], strlen(words[i]))) {
            return true;
        }
    }
    return false;
}

static bool
twin_is_equal(const struct differs *differs, struct twin_body *body, const struct str *text)
{
    if (body->close > text->n || text->s[body->open] != '{' || text->s[body->close - 1] != '}') {
        return false;
    }
    const char *start = text->s + body->start, *open = text->s + body->open;
    const char *close = text->s + body->close;
    return !twin_needs_body(start, (size_t)(open - start)) &&
           !twin_reaches_out(open, close, &body->defines) &&
           !differs_in(differs, start, (size_t)(close - start));
}

static struct unit_file *
twin_unit_file(struct unit *u, const char *path)
{
    for (size_t i = 0; i < u->files.n; i++) {
        if (u->files.at[i]->path == path) {
            return u->files.at[i];
        }
    }
    return NULL;
}

static struct twin_file *
twin_file(struct twin *twin, struct unit *u, struct unit_file *file)
{
    for (size_t i = 0; i < twin->files.n; i++) {
        if (twin->files.at[i].path == file->path) {
            return &twin->files.at[i];
        }
    }
    struct twin_file fresh = {.path = file->path};
    fresh.name = file->whose == FILE_MAIN
                     ? u->path
                     : cx_text(u->cx, u->strings, u->cx->getFileName(file->handle));
    str_addn(&fresh.text, file->lexed->text.s, file->lexed->text.n);
    tables_shorten(fresh.text.s, fresh.text.n);
    vec_push(&twin->files, fresh);
    return &twin->files.at[twin->files.n - 1];
}

static void
twin_blank_text(char *from, const char *to)
{
    for (; from < to; from++) {
        *from = *from == '\n' ? '\n' : ' ';
    }
}

static void
twin_blank(struct twin_file *file, const struct twin_body *body)
{
    char *from = file->text.s + body->open + 1;
    const char *end = file->text.s + body->close - 1, *line_end = NULL, *line;
    while (body->defines && (line = twin_next_directive(from, end, &line_end))) {
        twin_blank_text(from, line);
        from += line_end - from;
    }
    twin_blank_text(from, end);
}

struct twin_learning {
    struct unit *u;
    struct differs *differs;
};

static void
twin_learn(CXFile handle, CXSourceLocation *stack, unsigned n, CXClientData data)
{
    (void)stack;
    (void)n;
    struct twin_learning *walk = data;
    struct unit_file *file = unit_file(walk->u, handle);
    if (file->whose == FILE_MAIN || file->whose == FILE_PROJECT) {
        struct lexed *lexed = unit_lexed(walk->u, file);
        if (lexed) {
            differs_add_source(walk->differs, file->path, lexed->text.s, lexed->text.n);
        }
    }
    else if (file->whose != FILE_SYSTEM) {
        struct str path = {0};
        cx_add(walk->u->cx, &path, walk->u->cx->getFileName(handle));
        differs_add_header(walk->differs, path.s);
        str_free(&path);
    }
}

/* Headers of the C library know nothing of Python. */
static void
twin_learn_headers(struct differs *differs, const char *lines)
{
    for (const char *line = lines; line && *line;) {
        size_t n = strcspn(line, "\n");
        bool system = strncmp(line, "D /usr/", 7) == 0 && !memmem(line, n, "/python", 7);
        if (n > 2 && line[0] == 'D' && !system) {
            struct str path = {0};
            str_addn(&path, line + 2, n - 2);
            differs_add_header(differs, path.s);
            str_free(&path);
        }
        line += n + (line[n] != '\0');
    }
}

void
twin_prepare(struct twin *twin, struct unit *u, struct differs *differs, const char *headers)
{
    struct twin_learning walk = {u, differs};
    twin_learn_headers(differs, headers);
    u->cx->getInclusions(u->tu, twin_learn, &walk);
    for (size_t i = 0; i < twin->bodies.n; i++) {
        struct twin_body *body = &twin->bodies.at[i];
        struct unit_file *file = twin_unit_file(u, body->path);
        body->equal = file && file->lexed && twin_is_equal(differs, body, &file->lexed->text);
        if (body->equal) {
            twin_blank(twin_file(twin, u, file), body);
        }
    }
    twin->ready = true;
}

bool
twin_copy(struct twin *twin, struct unit *u, CXCursor function)
{
    struct twin_body body = {.path = NULL};
    if (!twin->ready || !twin_find_body(u, function, &body)) {
        return false;
    }
    const struct twin_body *found = NULL;
    for (size_t i = 0; i < twin->bodies.n && !found; i++) {
        const struct twin_body *b = &twin->bodies.at[(twin->next + i) % twin->bodies.n];
        if (b->open == body.open && b->close == body.close && str_same(b->path, body.path)) {
            found = b;
        }
    }
    if (!found || !found->equal) {
        return false;
    }
    twin->next = (size_t)(found - twin->bodies.at) + 1;
    for (size_t i = found->first; i < found->last; i++) {
        const struct fact *f = u->facts->all.at[i];
        size_t size = fact_shape(f->kind)->size;
        struct fact *copy = arena_alloc(&u->facts->arena, size);
        memcpy(copy, f, size);
        facts_add(u->facts, copy);
    }
    return true;
}

void
twin_free(struct twin *twin)
{
    for (size_t i = 0; i < twin->files.n; i++) {
        str_free(&twin->files.at[i].text);
    }
    vec_free(&twin->files);
    vec_free(&twin->bodies);
    arena_free(&twin->arena);
}
