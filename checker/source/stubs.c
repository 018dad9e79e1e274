#include "source/stubs.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STUBS_MOST = 400 };

enum stub_kind { STUB_HEADER, STUB_TYPE, STUB_TAG, STUB_CONSTANT, STUB_ANNOTATION, STUB_TEXT };

struct stub_field {
    const char *name;
    char next; /* what follows its use: '(' a function, '>' a pointer, '.' a struct, '[' an array */
};

struct stub {
    enum stub_kind kind;
    const char *name;
    bool wrong; /* declared elsewhere after all */
    VEC(struct stub_field) fields;
};

/* The type of fields that are used as structs themselves. */
static const char any_name[] = "extcheck_any";

/* ---- what an error says ---- */

/* The quoted word behind `start`, or NULL. */
static const char *
stubs_quoted(struct stubs *stubs, const char *message, const char *start)
{
    const char *at = strstr(message, start);
    if (!at) {
        return NULL;
    }
    at += strlen(start);
    size_t n = strcspn(at, "'");
    return at[n] == '\'' && n ? arena_copy(&stubs->arena, at, n) : NULL;
}

static bool
stubs_is_name(const char *name)
{
    if (!name || isdigit((unsigned char)*name)) {
        return false;
    }
    for (; *name; name++) {
        if (!isalnum((unsigned char)*name) && *name != '_') {
            return false;
        }
    }
    return true;
}

/* Names that are never declared: with Python's own headers missing there is nothing to judge. */
static bool
stubs_is_python(const char *name)
{
    return str_starts(name, "Py") || str_starts(name, "_Py");
}

static bool
stubs_add(struct stubs *stubs, enum stub_kind kind, const char *name)
{
    void **slot = map_slot(&stubs->by_name, name);
    if (*slot || stubs->all.n >= STUBS_MOST) {
        return false;
    }
    struct stub *stub = arena_alloc(&stubs->arena, sizeof(*stub));
    stub->kind = kind;
    stub->name = name;
    *slot = stub;
    vec_push(&stubs->all, stub);
    return true;
}

/* Only below the folder of stand-ins. */
static bool
stubs_add_header(struct stubs *stubs, const char *name)
{
    bool inside = *name != '/' && !strstr(name, "..") && strlen(name) < 200 &&
                  !str_ends(name, "/") && !strstr(name, "//");
    bool source = str_ends(name, ".c") || str_ends(name, ".cpp") || str_ends(name, ".cc");
    return inside && !source && stubs_add(stubs, STUB_HEADER, name);
}

/* ---- the source text around it ---- */

static const char *
stubs_text(struct stubs *stubs, const char *path)
{
    if (!str_same(stubs->text_path, path)) {
        str_clear(&stubs->text);
        stubs->text_path = arena_string(&stubs->arena, path);
        if (!str_read_file(&stubs->text, path)) {
            str_clear(&stubs->text);
        }
    }
    return stubs->text.n ? stubs->text.s : "";
}

static size_t
stubs_word(const char *s)
{
    size_t n = 0;
    while (isalnum((unsigned char)s[n]) || s[n] == '_') {
        n++;
    }
    return n;
}

static const char *
stubs_skip(const char *s)
{
    return s + strspn(s, " \t\r\n");
}

/* `API_MACRO int f(void)`: behind a type no two names follow, nor a name and a star. */
static bool
stubs_is_annotation(const char *behind)
{
    const char *next = stubs_skip(behind);
    size_t n = stubs_word(next);
    if (!n || strncmp(next, "const", n) == 0 || strncmp(next, "volatile", n) == 0) {
        return false;
    }
    const char *third = stubs_skip(next + n);
    return stubs_word(third) > 0 || *third == '*';
}

/* Is the word, which the parser took for a value, meant as a type: `Word *p;`, `(Word *)p`,
 * `sizeof(Word)`, `Word x;`? */
static bool
stubs_reads_as_type(const char *text, const char *word, size_t n)
{
    const char *before = word;
    while (before > text && strchr(" \t\r\n", before[-1])) {
        before--;
    }
    char previous = before > text ? before[-1] : ';';
    const char *behind = stubs_skip(word + n);
    bool starts = previous == ';' || previous == '{' || previous == '}';
    if (*behind == '*') {
        const char *name = behind + strspn(behind, "* \t");
        return (starts && stubs_word(name) > 0) || (previous == '(' && *name == ')');
    }
    if (*behind == ')' && previous == '(') {
        while (--before > text && strchr(" \t", before[-1])) {
            continue;
        }
        return before - text >= 6 && strncmp(before - 6, "sizeof", 6) == 0;
    }
    return (starts || previous == '(') && stubs_word(behind) > 0;
}

/* The last value between braces, as docstrings stand in tables of methods: `{"f", f, 0, f_doc}`.
 * The table would be lost with it. */
static bool
stubs_ends_row(const char *text, const char *word, size_t n)
{
    const char *before = word;
    while (before > text && strchr(" \t\r\n", before[-1])) {
        before--;
    }
    const char *behind = stubs_skip(word + n);
    bool closes = *behind == '}' || (*behind == ',' && *stubs_skip(behind + 1) == '}');
    return closes && before > text && before[-1] == ',';
}

/* ---- one error ---- */

struct stub_error {
    const char *message, *text; /* text: from the place of the error on; "" when not known */
    const char *file_text;
};

static bool
stubs_from_type(struct stubs *stubs, const struct stub_error *e)
{
    const char *name = stubs_quoted(stubs, e->message, "unknown type name '");
    if (!stubs_is_name(name) || stubs_is_python(name)) {
        return false;
    }
    bool there = strncmp(e->text, name, strlen(name)) == 0;
    bool annotation = there && stubs_is_annotation(e->text + strlen(name));
    return stubs_add(stubs, annotation ? STUB_ANNOTATION : STUB_TYPE, name);
}

static bool
stubs_from_identifier(struct stubs *stubs, const struct stub_error *e)
{
    const char *name = stubs_quoted(stubs, e->message, "use of undeclared identifier '");
    size_t n = name ? strlen(name) : 0;
    if (!stubs_is_name(name) || stubs_is_python(name) || strncmp(e->text, name, n) != 0) {
        return false;
    }
    const char *behind = stubs_skip(e->text + n);
    if (*behind == ':' || *behind == '(') {
        return false; /* a namespace, or a function of C++ */
    }
    bool type = stubs_reads_as_type(e->file_text, e->text, n);
    /* What follows `Word` may be what was declared there: `Word *p`, then uses of p. Only names in
     * capitals are taken for constants. */
    if (!type && stubs_ends_row(e->file_text, e->text, n)) {
        return stubs_add(stubs, STUB_TEXT, name);
    }
    bool capitals = true;
    for (const char *c = name; *c; c++) {
        capitals = capitals && !islower((unsigned char)*c);
    }
    return (type || capitals) && stubs_add(stubs, type ? STUB_TYPE : STUB_CONSTANT, name);
}

static bool
stubs_from_tag(struct stubs *stubs, const struct stub_error *e)
{
    const char *name = stubs_quoted(stubs, e->message, "incomplete definition of type 'struct ");
    name = name ? name : stubs_quoted(stubs, e->message, "variable has incomplete type 'struct ");
    return stubs_is_name(name) && !stubs_is_python(name) && *name != '_' &&
           stubs_add(stubs, STUB_TAG, name);
}

static bool
stubs_from_field(struct stubs *stubs, const struct stub_error *e)
{
    const char *field = stubs_quoted(stubs, e->message, "no member named '");
    const char *owner = field ? stubs_quoted(stubs, e->message, "' in '") : NULL;
    owner = owner && str_starts(owner, "struct ") ? owner + 7 : owner;
    struct stub *stub = owner ? map_get(&stubs->by_name, owner) : NULL;
    size_t n = field ? strlen(field) : 0;
    if (!stub || !stubs_is_name(field) || stub->fields.n >= STUBS_MOST) {
        return false;
    }
    for (size_t i = 0; i < stub->fields.n; i++) {
        if (strcmp(stub->fields.at[i].name, field) == 0) {
            return false;
        }
    }
    const char *behind = strncmp(e->text, field, n) == 0 ? stubs_skip(e->text + n) : "";
    struct stub_field f = {field, *behind == '-' && behind[1] != '>' ? ' ' : *behind};
    vec_push(&stub->fields, f);
    return true;
}

/* A stand-in whose real declaration came later. */
static bool
stubs_from_clash(struct stubs *stubs, const struct stub_error *e)
{
    const char *name = stubs_quoted(stubs, e->message, "redefinition of '");
    name = name ? name : stubs_quoted(stubs, e->message, "redefinition of enumerator '");
    if (!name && strstr(e->message, "redefinition with different types")) {
        name = arena_copy(&stubs->arena, e->text, stubs_word(e->text));
    }
    struct stub *stub = name ? map_get(&stubs->by_name, name) : NULL;
    if (!stub || stub->wrong) {
        return false;
    }
    stub->wrong = true;
    return true;
}

static bool
stubs_from_error(struct stubs *stubs, const struct stub_error *e)
{
    if (strstr(e->message, "file not found")) {
        const char *header = stubs_quoted(stubs, e->message, "'");
        return header && stubs_add_header(stubs, header);
    }
    return stubs_from_type(stubs, e) || stubs_from_identifier(stubs, e) ||
           stubs_from_tag(stubs, e) || stubs_from_field(stubs, e) || stubs_from_clash(stubs, e);
}

bool
stubs_collect(struct stubs *stubs, const struct cx *cx, CXTranslationUnit tu)
{
    bool any = false;
    unsigned n = cx->getNumDiagnostics(tu);
    for (unsigned i = 0; i < n; i++) {
        CXDiagnostic diagnostic = cx->getDiagnostic(tu, i);
        if (cx->getDiagnosticSeverity(diagnostic) >= CXDiagnostic_Error) {
            struct str message = {0}, path = {0};
            CXFile file = NULL;
            unsigned offset = 0;
            cx_add(cx, &message, cx->getDiagnosticSpelling(diagnostic));
            cx->getExpansionLocation(cx->getDiagnosticLocation(diagnostic), &file, NULL, NULL,
                                     &offset);
            if (file) {
                cx_add(cx, &path, cx->getFileName(file));
            }
            const char *text = path.n ? stubs_text(stubs, path.s) : "";
            struct stub_error e = {message.s ? message.s : "",
                                   offset < stubs->text.n ? text + offset : "", text};
            any |= stubs_from_error(stubs, &e);
            str_free(&message);
            str_free(&path);
        }
        cx->disposeDiagnostic(diagnostic);
    }
    return any;
}

/* ---- writing ---- */

static void
stubs_add_fields(struct str *out, const struct stub *stub)
{
    for (size_t i = 0; i < stub->fields.n; i++) {
        const struct stub_field *f = &stub->fields.at[i];
        bool any = strcmp(stub->name, any_name) == 0;
        switch (f->next) {
        case '(':
            str_addf(out, " long (*%s)(EXTCHECK_ANY);", f->name);
            break;
        case '-':
            str_addf(out, " struct %s *%s;", any_name, f->name);
            break;
        case '[':
            str_addf(out, " long *%s;", f->name);
            break;
        case '.':
            /* A struct cannot hold itself. */
            str_addf(out, " %s%s %s;", any ? "long" : "struct ", any ? "" : any_name, f->name);
            break;
        default:
            str_addf(out, " long %s;", f->name);
        }
    }
}

static void
stubs_add_record(struct str *out, const struct stub *stub)
{
    str_addf(out, "struct %s { long extcheck_unseen;", stub->name);
    stubs_add_fields(out, stub);
    str_add(out, " };\n");
}

/* `static SCIPY_TLS int n;`: projects name their macro for thread-local storage after what it is.
 */
static bool
stubs_is_thread_local(const char *name)
{
    static const char *const words[] = {"THREAD_LOCAL", "THREADLOCAL", "thread_local"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strstr(name, words[i])) {
            return true;
        }
    }
    return strcmp(name, "TLS") == 0 || str_ends(name, "_TLS") || str_starts(name, "TLS_");
}

static void
stubs_add_prelude(const struct stubs *stubs, struct str *out)
{
    str_add(out, "#ifdef __cplusplus\n#define EXTCHECK_ANY ...\n#else\n#define EXTCHECK_ANY\n"
                 "#endif\n");
    for (int pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < stubs->all.n; i++) {
            const struct stub *stub = stubs->all.at[i];
            bool record = stub->kind == STUB_TYPE || stub->kind == STUB_TAG;
            bool any = strcmp(stub->name, any_name) == 0;
            if (stub->wrong || stub->kind == STUB_HEADER) {
                continue;
            }
            if (pass == 0 && stub->kind == STUB_TYPE) {
                str_addf(out, "typedef struct %s %s;\n", stub->name, stub->name);
            }
            else if (pass == 0 && stub->kind == STUB_ANNOTATION) {
                str_addf(out, "#define %s%s\n", stub->name,
                         stubs_is_thread_local(stub->name) ? " __thread" : "");
            }
            else if (pass == 0 && stub->kind == STUB_TEXT) {
                str_addf(out, "extern const char %s[];\n", stub->name);
            }
            else if (pass == 0 && stub->kind == STUB_CONSTANT) {
                /* All different, so that no two cases of a switch are the same. */
                str_addf(out, "enum { %s = %zu };\n", stub->name, 1000003 + i);
            }
            else if (record && pass == (any ? 1 : 2)) {
                stubs_add_record(out, stub);
            }
        }
    }
}

static bool
stubs_put(struct stubs *stubs, const char *path, const struct str *text)
{
    bool fresh = access(path, F_OK) != 0;
    FILE *out = fopen(path, "w");
    if (!out) {
        return false;
    }
    if (fresh) {
        vec_push(&stubs->created, arena_string(&stubs->arena, path));
    }
    bool ok = !text || !text->n || fwrite(text->s, 1, text->n, out) == text->n;
    return fclose(out) == 0 && ok;
}

/* The folders of a path below the folder of stand-ins. */
static void
stubs_make_folders(struct stubs *stubs, const char *path, size_t from)
{
    for (const char *slash = strchr(path + from, '/'); slash; slash = strchr(slash + 1, '/')) {
        char *dir = arena_copy(&stubs->arena, path, (size_t)(slash - path));
        if (mkdir(dir, 0700) == 0) {
            vec_push(&stubs->created, dir);
        }
    }
}

bool
stubs_write(struct stubs *stubs)
{
    stubs_add(stubs, STUB_TAG, any_name);
    char *dir = arena_printf(&stubs->arena, "%s/include/", stubs->folder);
    stubs_make_folders(stubs, dir, strlen(stubs->folder) - 1);
    for (size_t i = 0; i < stubs->all.n; i++) {
        if (stubs->all.at[i]->kind == STUB_HEADER) {
            char *path = arena_printf(&stubs->arena, "%s%s", dir, stubs->all.at[i]->name);
            stubs_make_folders(stubs, path, strlen(dir));
            if (!stubs_put(stubs, path, NULL)) {
                return false;
            }
        }
    }
    char *prelude = arena_printf(&stubs->arena, "%s/" STUBS_PRELUDE, stubs->folder);
    struct str text = {0};
    stubs_add_prelude(stubs, &text);
    bool ok = stubs_put(stubs, prelude, &text);
    str_free(&text);
    stubs->prelude = ok ? prelude : NULL;
    stubs->include_dir = ok ? dir : NULL;
    return ok;
}

void
stubs_free(struct stubs *stubs)
{
    while (stubs->created.n) {
        const char *path = stubs->created.at[--stubs->created.n];
        if (unlink(path) != 0) {
            rmdir(path);
        }
    }
    for (size_t i = 0; i < stubs->all.n; i++) {
        vec_free(&stubs->all.at[i]->fields);
    }
    vec_free(&stubs->all);
    vec_free(&stubs->created);
    map_free(&stubs->by_name);
    str_free(&stubs->text);
    arena_free(&stubs->arena);
}
