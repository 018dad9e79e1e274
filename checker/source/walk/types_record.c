/* Structs and classes: what they hold, and what that makes of them. */
#include <string.h>

#include "source/walk/types.h"

static void
types_add_word(struct unit *u, const char **list, const char *word)
{
    if (!word || !*word || str_list_has(*list, word)) {
        return;
    }
    struct str s = {0};
    str_addf(&s, "%s%s%s", *list ? *list : "", *list ? "," : "", word);
    *list = intern(u->strings, s.s);
    str_free(&s);
}

static void
types_add_list(struct unit *u, const char **list, const char *more)
{
    for (const char *at = more; at && *at;) {
        const char *end = strchr(at, ',');
        size_t n = end ? (size_t)(end - at) : strlen(at);
        types_add_word(u, list, intern_n(u->strings, at, n));
        at = end ? end + 1 : NULL;
    }
}

struct types_fields {
    struct unit *u;
    struct record_info *record;
    int index;
    bool first_only; /* of others' structs only what says whether they are objects */
};

static enum CXVisitorResult
types_visit_field(CXCursor c, CXClientData data)
{
    struct types_fields *walk = data;
    struct type_facts field;
    types_classify(walk->u, walk->u->cx->getCursorType(c), &field);
    if (walk->index++ == 0 && str_same(field.class, "object-struct") && !field.is_array) {
        walk->record->is_object = true;
    }
    if (walk->first_only) {
        return CXVisit_Break;
    }
    types_add_word(walk->u, &walk->record->holds, field.class);
    types_add_list(walk->u, &walk->record->holds, field.holds);
    return CXVisit_Continue;
}

struct types_class_walk {
    const struct cx *cx;
    bool nontrivial, base_object, base_handle;
    struct unit *u;
};

static enum CXChildVisitResult
types_visit_class(CXCursor c, CXCursor parent, CXClientData data)
{
    (void)parent;
    struct types_class_walk *walk = data;
    if (c.kind == CXCursor_Destructor || c.kind == CXCursor_Constructor) {
        walk->nontrivial = true;
    }
    else if (c.kind == CXCursor_CXXBaseSpecifier) {
        CXType base = walk->cx->getCanonicalType(walk->cx->getCursorType(c));
        struct type_facts facts;
        types_classify(walk->u, base, &facts);
        walk->base_object |= str_same(facts.class, "object-struct");
        walk->base_handle |= str_same(facts.class, "python-handle");
        walk->nontrivial |= facts.is_nontrivial;
    }
    return CXChildVisit_Continue;
}

static bool
types_is_foreign(struct unit *u, CXType type)
{
    CXFile handle = NULL;
    u->cx->getExpansionLocation(u->cx->getCursorLocation(u->cx->getTypeDeclaration(type)), &handle,
                                NULL, NULL, NULL);
    enum file_class whose = unit_file(u, handle)->whose;
    return whose == FILE_PYTHON || whose == FILE_SYSTEM;
}

/* Declared by a stand-in for a missing header: it can be anything. */
static bool
types_is_unseen(struct unit *u, CXType type)
{
    CXFile handle = NULL;
    cx_offset(u->cx, u->cx->getTypeDeclaration(type), &handle);
    return unit_file(u, handle)->unseen;
}

void
types_fill_record(struct unit *u, CXType type, struct record_info *record, bool by_pointer)
{
    record->shallow = by_pointer && types_is_foreign(u, type);
    record->busy = true;
    record->name = types_plain_name(u, type);
    record->class = types_known_record(record->name);
    if (!record->class && types_is_unseen(u, type)) {
        record->class = "unseen";
    }
    bool known_object = str_same(record->name, "_object") || str_same(record->name, "PyObject") ||
                        str_same(record->name, "PyVarObject");
    if (known_object) {
        record->is_object = true;
    }
    else if (!record->class || str_same(record->class, "type-object")) {
        if (u->is_cxx) {
            struct types_class_walk walk = {.cx = u->cx, .u = u};
            CXCursor decl = u->cx->getTypeDeclaration(type);
            CXCursor generic = u->cx->getSpecializedCursorTemplate(decl);
            u->cx->visitChildren(u->cx->Cursor_isNull(generic) ? decl : generic, types_visit_class,
                                 &walk);
            record->is_object = walk.base_object;
            record->is_nontrivial = types_owns_memory(record->name);
            record->is_nontrivial |= walk.nontrivial && !str_starts(record->name, "std::atomic") &&
                                     !str_starts(record->name, "std::array");
            if (walk.base_handle || types_is_handle(record->name)) {
                record->class = "python-handle";
            }
        }
        struct types_fields walk = {.u = u, .record = record, .first_only = record->shallow};
        u->cx->Type_visitFields(type, types_visit_field, &walk);
    }
    if (!record->class) {
        record->class = record->is_object                         ? "object-struct"
                        : str_same(record->holds, "lock")         ? "lock" /* several in one */
                        : str_starts(record->name, "std::atomic") ? "scalar"
                        : record->is_nontrivial                   ? "cpp-object"
                                                                  : "struct";
    }
    if (!str_same(record->class, "struct") && !str_same(record->class, "cpp-object")) {
        record->holds = NULL;
    }
    record->busy = false;
}
