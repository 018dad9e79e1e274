/* What the errors of a parse ask for. */
#include <ctype.h>
#include <string.h>

#include "source/parse/stub.h"

enum { STUBS_MOST = 400 };

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

bool
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
        name = arena_copy(&stubs->arena, e->text, str_name_length(e->text));
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
