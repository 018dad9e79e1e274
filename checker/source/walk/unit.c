#include "source/walk/unit.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void
unit_free(struct unit *u)
{
    for (size_t i = 0; i < u->files.n; i++) {
        struct unit_file *file = u->files.at[i];
        if (file->lexed && file->lexed != u->main_lexed) {
            lexed_free(file->lexed);
        }
    }
    vec_free(&u->files);
    free(u->decls.cells);
    free(u->records.cells);
    map_free(&u->emitted);
    arena_free(&u->arena);
}

struct unit_place
unit_spot(struct unit *u, CXCursor c)
{
    struct unit_place place = {0};
    CXFile handle = NULL;
    /* Not the extent: its end is found by lexing the last token again. */
    u->cx->getExpansionLocation(u->cx->getCursorLocation(c), &handle, NULL, NULL, &place.offset);
    place.file =
        u->last_file && u->last_file->handle == handle ? u->last_file : unit_file(u, handle);
    u->last_file = place.file;
    place.lexed = unit_lexed(u, place.file);
    return place;
}

/* Behind the macro use that starts at the place: a name, perhaps with arguments. `MACRO(x) == 1`
 * starts with a macro but does not come out of it. */
static unsigned
unit_macro_end(const struct unit_place *place)
{
    const struct lexed *lexed = place->lexed;
    if (!lexed) {
        return 0;
    }
    unsigned at = place->offset + lexed_word(lexed, place->offset);
    unsigned open = at;
    const char *s = lexed->text.s;
    while (open < lexed->text.n && isspace((unsigned char)s[open])) {
        open++;
    }
    if (open >= lexed->text.n || s[open] != '(') {
        return at;
    }
    int depth = 0;
    for (; open < lexed->text.n; open++) {
        depth += s[open] == '(' ? 1 : s[open] == ')' ? -1 : 0;
        if (depth == 0) {
            return open + 1;
        }
    }
    return at;
}

struct unit_place
unit_place(struct unit *u, CXCursor c)
{
    struct unit_place place = {0};
    CXFile handle = NULL;
    CXSourceRange range = u->cx->getCursorExtent(c);
    unsigned line = 0, column = 0;
    u->cx->getExpansionLocation(u->cx->getRangeStart(range), &handle, &line, &column,
                                &place.offset);
    place.file =
        u->last_file && u->last_file->handle == handle ? u->last_file : unit_file(u, handle);
    u->last_file = place.file;
    unsigned end_line = 0, end_column = 0;
    u->cx->getExpansionLocation(u->cx->getRangeEnd(range), NULL, &end_line, &end_column,
                                &place.end);
    place.line = (int)line;
    place.column = (int)column;
    place.lexed = unit_lexed(u, place.file);
    /* Out of a macro: the range ends where the macro's name starts. Show the whole use. */
    place.in_macro = cx_in_macro(range) && place.end <= unit_macro_end(&place);
    if (place.lexed && place.end <= place.offset + 1) {
        unsigned n = lexed_word(place.lexed, place.offset);
        place.end = place.offset + (n ? n : 1);
        end_line = line;
        end_column = column + (n ? n : 1);
    }
    place.end_column = end_line == line ? (int)end_column : 0;
    return place;
}

void
unit_set_file(struct unit *u, const struct unit_place *place)
{
    u->facts->file = place->file->path;
}

const char *
unit_word_at(struct unit *u, const struct unit_place *place)
{
    unsigned n = place->lexed ? lexed_word(place->lexed, place->offset) : 0;
    return n ? intern_n(u->strings, place->lexed->text.s + place->offset, n) : NULL;
}

const char *
unit_text(struct unit *u, CXCursor c, size_t max)
{
    struct unit_place place = unit_place(u, c);
    if (!place.lexed || place.end > place.lexed->text.n || place.end <= place.offset) {
        return NULL;
    }
    struct str squeezed = {0};
    const char *s = place.lexed->text.s;
    for (unsigned i = place.offset; i < place.end && squeezed.n < max; i++) {
        bool blank = isspace((unsigned char)s[i]) != 0;
        if (!blank) {
            str_addc(&squeezed, s[i]);
        }
        else if (squeezed.n && squeezed.s[squeezed.n - 1] != ' ') {
            str_addc(&squeezed, ' ');
        }
    }
    const char *kept = squeezed.n ? intern(u->strings, squeezed.s) : NULL;
    str_free(&squeezed);
    return kept;
}

/* Nearly every node needs one: no printf(), and no memory for what is short. */
const char *
unit_join(struct unit *u, const char *first, const char *second, const char *third)
{
    size_t a = strlen(first), b = strlen(second), c = strlen(third);
    char few[256], *all = a + b + c <= sizeof(few) ? few : xmalloc(a + b + c);
    memcpy(all, first, a);
    memcpy(all + a, second, b);
    memcpy(all + a + b, third, c);
    const char *kept = intern_n(u->strings, all, a + b + c);
    if (all != few) {
        free(all);
    }
    return kept;
}
