#include "source/unit.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "source/stubs.h"

/* The cell of an address; table cells start with their key. */
static void **
unit_cell(struct pointer_table *table, const void *key)
{
    if ((table->n + 1) * 2 > table->cap) {
        struct pointer_table bigger = {.cap = table->cap ? table->cap * 2 : 1024, .n = table->n};
        bigger.cells = xcalloc(bigger.cap, sizeof(*bigger.cells));
        for (size_t i = 0; i < table->cap; i++) {
            if (table->cells[i]) {
                const void *old;
                memcpy(&old, table->cells[i], sizeof(old));
                size_t at = ((size_t)old >> 4) * 2654435761u & (bigger.cap - 1);
                while (bigger.cells[at]) {
                    at = (at + 1) & (bigger.cap - 1);
                }
                bigger.cells[at] = table->cells[i];
            }
        }
        free(table->cells);
        *table = bigger;
    }
    size_t at = ((size_t)key >> 4) * 2654435761u & (table->cap - 1);
    for (; table->cells[at]; at = (at + 1) & (table->cap - 1)) {
        const void *found;
        memcpy(&found, table->cells[at], sizeof(found));
        if (found == key) {
            break;
        }
    }
    return &table->cells[at];
}

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

static bool
unit_below(const char *path, const char *root)
{
    size_t n = root ? strlen(root) : 0;
    return n && strncmp(path, root, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static enum file_class
unit_classify(struct unit *u, const char *real)
{
    for (const char *const *root = u->paths->python_roots; root && *root; root++) {
        if (unit_below(real, *root)) {
            return FILE_PYTHON;
        }
    }
    if (unit_below(real, u->paths->project_root) && !strstr(real, "/site-packages/") &&
        !strstr(real, "/dist-packages/")) {
        return FILE_PROJECT;
    }
    if (unit_below(real, "/usr/include") || unit_below(real, "/usr/lib") ||
        unit_below(real, "/usr/local/include") || unit_below(real, u->paths->resource_dir)) {
        return FILE_SYSTEM;
    }
    return FILE_LIBRARY;
}

/* The path of a project file in the style of the unit's own: where `./src/a.c` was given, `src/b.c`
 * is `./src/b.c`, as it is when it is given too. Elsewhere relative to the working directory. */
static const char *
unit_path_like_main(struct unit *u, const char *real)
{
    char main_real[PATH_MAX];
    if (realpath(u->path, main_real)) {
        size_t n = strlen(main_real), m = strlen(u->path), same = 0, common = 0;
        while (same < n && same < m && main_real[n - same - 1] == u->path[m - same - 1]) {
            same++;
            common = u->path[m - same] == '/' ? same - 1 : common;
        }
        common = same == m && n > m && main_real[n - m - 1] == '/' ? m : common;
        size_t root = n - common;
        if (common && root && m > common && strncmp(real, main_real, root) == 0) {
            struct str path = {0};
            str_addf(&path, "%.*s%s", (int)(m - common), u->path, real + root);
            const char *kept = facts_intern(u->facts, path.s);
            str_free(&path);
            return kept;
        }
    }
    const char *cwd = u->paths->working_directory;
    return facts_intern(u->facts, unit_below(real, cwd) ? real + strlen(cwd) + 1 : real);
}

/* realpath(), asked once per worker: every unit meets the same headers. "" when there is none. */
static const char *
unit_real(struct unit *u, const char *name)
{
    void **cell = map_slot(u->paths->real, intern(u->paths->strings, name));
    if (!*cell) {
        char real[PATH_MAX];
        *cell = (void *)(size_t)intern(u->paths->strings, realpath(name, real) ? real : "");
    }
    return *cell;
}

struct unit_file *
unit_file(struct unit *u, CXFile handle)
{
    for (size_t i = u->files.n; i > 0; i--) {
        if (u->files.at[i - 1]->handle == handle) {
            return u->files.at[i - 1];
        }
    }
    struct unit_file *file = arena_alloc(&u->arena, sizeof(*file));
    file->handle = handle;
    vec_push(&u->files, file);
    if (!handle) {
        file->path = "";
        file->whose = FILE_SYSTEM;
        return file;
    }
    const char *name = cx_text(u->cx, u->strings, u->cx->getFileName(handle));
    file->path = name;
    file->unseen = str_ends(name, "/" STUBS_PRELUDE);
    if (handle == u->main_file || u->cx->File_isEqual(handle, u->main_file)) {
        file->path = u->path;
        file->whose = FILE_MAIN;
        file->lexed = u->main_lexed;
        return file;
    }
    const char *real = unit_real(u, name);
    if (!*real) {
        file->whose = FILE_LIBRARY;
        return file;
    }
    file->whose = unit_classify(u, real);
    if (file->whose == FILE_PROJECT) {
        file->path = unit_path_like_main(u, real);
    }
    return file;
}

struct lexed *
unit_lexed(struct unit *u, struct unit_file *file)
{
    if (!file->lexed && file->whose == FILE_PROJECT && !file->lexed_failed) {
        struct lexed *lexed = arena_alloc(&u->arena, sizeof(*lexed));
        if (lexer_read(lexed, file->path, u->macros)) {
            file->lexed = lexed;
        }
        else {
            lexed_free(lexed);
            file->lexed_failed = true;
        }
    }
    return file->lexed;
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

/* "outer::inner::" for what stands in namespaces, classes or functions. */
static void
unit_add_scope(struct unit *u, CXCursor c, struct str *out)
{
    CXCursor parent = u->cx->getCursorSemanticParent(c);
    if (parent.kind == CXCursor_Namespace || parent.kind == CXCursor_ClassDecl ||
        parent.kind == CXCursor_StructDecl || parent.kind == CXCursor_ClassTemplate ||
        parent.kind == CXCursor_ClassTemplatePartialSpecialization) {
        unit_add_scope(u, parent, out);
        const char *name = cx_text(u->cx, u->strings, u->cx->getCursorSpelling(parent));
        /* Nothing under LLVM 14, "(lambda at FILE:1:2)" or the like later. */
        str_addf(out, "%s::", *name && *name != '(' ? name : "(anonymous)");
    }
}

const char *
unit_type_text(struct unit *u, CXType type)
{
    static const char anonymous[] = "(anonymous namespace)::";
    const char *text = cx_text(u->cx, u->strings, u->cx->getTypeSpelling(type));
    const char *at = strstr(text, anonymous);
    if (!at) {
        return text;
    }
    struct str plain = {0}; /* only some versions of clang spell it */
    for (; at; text = at + sizeof(anonymous) - 1, at = strstr(text, anonymous)) {
        str_addn(&plain, text, (size_t)(at - text));
    }
    str_add(&plain, text);
    const char *kept = intern(u->strings, plain.s);
    str_free(&plain);
    return kept;
}

static bool
unit_is_function(enum CXCursorKind kind)
{
    return kind == CXCursor_FunctionDecl || kind == CXCursor_CXXMethod ||
           kind == CXCursor_Constructor || kind == CXCursor_Destructor ||
           kind == CXCursor_ConversionFunction || kind == CXCursor_FunctionTemplate;
}

/* A type's text, with structs under the names that sources have for them. */
static void
unit_add_type(const char *text, struct str *out)
{
    static const char *const names[][2] = {
        {"_object", "PyObject"}, {"_typeobject", "PyTypeObject"}, {"_IO_FILE", "FILE"}};
    while (*text) {
        size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        const char *word = NULL;
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
            bool same = n == strlen(names[i][0]) && strncmp(text, names[i][0], n) == 0;
            word = same ? names[i][1] : word;
        }
        if (word) {
            str_add(out, word);
        }
        else {
            str_addn(out, text, n ? n : 1);
        }
        text += n ? n : 1;
    }
}

/* "name(int, K::M)": what is shown of a function, but with the types as they are whatever they are
 * called: a class's own enum needs no `K::` where the function is declared, and does where it is
 * defined. As shown: what hangs on template parameters, which have no name of that kind, and
 * instances of function templates ("name<>(int)"). */
static void
unit_add_signature(struct unit *u, CXCursor c, struct str *out)
{
    const struct cx *cx = u->cx;
    CXType type = cx->getCursorType(c);
    int n = cx->getNumArgTypes(type);
    const char *shown = cx_text(cx, u->strings, cx->getCursorDisplayName(c));
    const char *name = cx_text(cx, u->strings, cx->getCursorSpelling(c));
    bool as_shown = c.kind == CXCursor_FunctionTemplate || n < 0 ||
                    (str_starts(shown, name) && shown[strlen(name)] == '<');
    struct str types = {0};
    for (int i = 0; i < n && !as_shown; i++) {
        CXType canonical = cx->getCanonicalType(cx->getArgType(type, (unsigned)i));
        const char *text = unit_type_text(u, canonical);
        as_shown = strstr(text, "type-parameter-") != NULL;
        str_add(&types, i ? ", " : "");
        unit_add_type(text, &types);
    }
    if (as_shown) {
        str_add(out, shown);
    }
    else {
        const char *more = !cx->isFunctionTypeVariadic(type) ? "" : n ? ", ..." : "...";
        str_addf(out, "%s(%s%s)", name, types.n ? types.s : "", more);
    }
    str_free(&types);
}

const char *
unit_id(struct unit *u, CXCursor c)
{
    const struct cx *cx = u->cx;
    struct str id = {0};
    bool function = unit_is_function(c.kind);
    bool internal = cx->getCursorLinkage(c) == CXLinkage_Internal ||
                    cx->getCursorLinkage(c) == CXLinkage_UniqueExternal ||
                    cx->getCursorLinkage(c) == CXLinkage_NoLinkage;
    CXCursor parent = cx->getCursorSemanticParent(c);
    bool local = unit_is_function(parent.kind);
    if (local) {
        str_add(&id, unit_id(u, parent));
        if (!strchr(id.s, '#')) {
            struct str with_file = {0};
            str_addf(&with_file, "%s#%s", u->path, id.s);
            str_free(&id);
            id = with_file;
        }
        str_addc(&id, '.');
    }
    else if (internal) {
        /* Declared in one file (Argument Clinic's header), defined in another: the definition's. */
        CXCursor definition = cx->getCursorDefinition(c);
        CXFile handle = NULL;
        cx_offset(cx, cx->Cursor_isNull(definition) ? c : definition, &handle);
        str_addf(&id, "%s#", unit_file(u, handle)->path);
    }
    if (u->is_cxx && !local) {
        struct str usr = {0};
        cx_add(cx, &usr, cx->getCursorUSR(c));
        /* C linkage leaves no parameter types in the USR: the id must equal that of a C unit. */
        bool overloadable = function && (!usr.s || strchr(usr.s + 1, '#'));
        str_free(&usr);
        unit_add_scope(u, c, &id);
        if (overloadable) {
            unit_add_signature(u, c, &id);
        }
        else {
            cx_add(cx, &id, cx->getCursorSpelling(c));
        }
    }
    else {
        cx_add(cx, &id, cx->getCursorSpelling(c));
    }
    if (local) {
        /* Two blocks of one function may each have a static of the same name. */
        CXFile handle = NULL;
        unsigned line = 0;
        cx->getExpansionLocation(cx->getCursorLocation(c), &handle, &line, NULL, NULL);
        str_addf(&id, "@%u", line);
    }
    const char *kept = facts_intern(u->facts, id.s ? id.s : "");
    str_free(&id);
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

static int
unit_param_index(struct unit *u, CXCursor c)
{
    CXCursor function = u->cx->getCursorSemanticParent(c);
    int n = u->cx->Cursor_getNumArguments(function);
    for (int i = 0; i < n; i++) {
        if (u->cx->equalCursors(u->cx->Cursor_getArgument(function, (unsigned)i), c)) {
            return i;
        }
    }
    return -1;
}

static void
unit_fill_variable(struct unit *u, CXCursor c, struct decl *d)
{
    struct type_facts type;
    types_classify(u, u->cx->getCursorType(c), &type);
    d->is_object = str_same(type.class, "object-pointer") && !type.is_array;
    CXType canonical = u->cx->getCanonicalType(u->cx->getCursorType(c));
    d->is_pointer = canonical.kind == CXType_Pointer || canonical.kind == CXType_ObjCObjectPointer;
    if (c.kind == CXCursor_ParmDecl) {
        int index = unit_param_index(u, c);
        d->sort = index < 0 ? DECL_LOCAL : DECL_PARAM;
        struct str ref = {0};
        if (index < 0) {
            str_addf(&ref, "local:%s", d->name);
        }
        else {
            str_addf(&ref, "param:%d", index);
        }
        d->ref = intern(u->strings, ref.s);
        str_free(&ref);
    }
    else if (u->cx->Cursor_hasVarDeclGlobalStorage(c) == 1) {
        d->sort = DECL_STATIC;
        bool builtin = d->whose == FILE_PYTHON;
        d->id = builtin ? d->name : unit_id(u, c);
        d->ref = unit_join(u, builtin ? "immortal:" : "var:", d->id, "");
    }
    else {
        d->sort = DECL_LOCAL;
        d->ref = unit_join(u, "local:", d->name, "");
    }
}

struct decl *
unit_decl(struct unit *u, CXCursor c)
{
    void **cell = unit_cell(&u->decls, c.data[0]);
    if (*cell) {
        return *cell;
    }
    struct decl *d = arena_alloc(&u->arena, sizeof(*d));
    *cell = d;
    u->decls.n++;
    d->key = c.data[0];
    d->name = cx_text(u->cx, u->strings, u->cx->getCursorSpelling(c));
    d->ref = "expr";
    CXFile handle = NULL;
    cx_offset(u->cx, c, &handle);
    struct unit_file *file = unit_file(u, handle);
    d->whose = file->whose;
    if (c.kind == CXCursor_ParmDecl || c.kind == CXCursor_VarDecl) {
        unit_fill_variable(u, c, d);
    }
    else if (c.kind == CXCursor_FieldDecl) {
        d->sort = DECL_FIELD;
        /* A static data member is a VarDecl; a field has no storage of its own. */
    }
    else if (unit_is_function(c.kind)) {
        d->sort = DECL_FUNCTION;
        /* The compiler's own functions count as declared where they are first used. */
        if (str_starts(d->name, "__builtin_") || str_starts(d->name, "__sync_") ||
            str_starts(d->name, "__atomic_")) {
            d->whose = FILE_SYSTEM;
        }
        bool ours = d->whose == FILE_MAIN || d->whose == FILE_PROJECT;
        d->id = ours ? unit_id(u, c) : d->name;
        d->ref = unit_join(u, "func:", d->id, "");
    }
    else if (c.kind == CXCursor_EnumConstantDecl) {
        d->sort = DECL_CONSTANT;
        d->ref = unit_join(u, "const:", d->name, "");
    }
    return d;
}

struct record_info *
types_record(struct unit *u, CXType record)
{
    CXCursor decl = u->cx->getTypeDeclaration(record);
    void **cell = unit_cell(&u->records, decl.data[0]);
    if (!*cell) {
        struct record_info *fresh = arena_alloc(&u->arena, sizeof(*fresh));
        fresh->key = decl.data[0];
        *cell = fresh;
        u->records.n++;
    }
    return *cell;
}
