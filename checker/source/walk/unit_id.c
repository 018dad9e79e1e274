/* Ids of variables and functions: the same in every unit that sees the declaration. */
#include <string.h>

#include "source/walk/unit.h"

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

bool
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
