/* Initialisers of variables: which of them are tables and definitions, what others refer to. */
#include <string.h>

#include "source/walk/inits.h"

struct inits_references {
    struct unit *u;
    const char *id;
};

static enum CXChildVisitResult
inits_reference(CXCursor c, CXCursor parent, CXClientData data)
{
    (void)parent;
    struct inits_references *walk = data;
    struct unit *u = walk->u;
    if (c.kind != CXCursor_DeclRefExpr) {
        return c.kind == CXCursor_LambdaExpr ? CXChildVisit_Continue : CXChildVisit_Recurse;
    }
    CXCursor target = u->cx->getCursorReferenced(c);
    if (u->cx->Cursor_isNull(target) || u->cx->isInvalid(target.kind)) {
        return CXChildVisit_Continue;
    }
    struct decl *d = unit_decl(u, target);
    bool ours = d->whose == FILE_MAIN || d->whose == FILE_PROJECT;
    if (!ours || (d->sort != DECL_FUNCTION && d->sort != DECL_STATIC)) {
        return CXChildVisit_Continue;
    }
    struct unit_place place = unit_place(u, c);
    unit_set_file(u, &place);
    struct fact_access *a = facts_new_access(u->facts, place.line, place.column, place.end_column);
    struct str context = {0};
    str_addf(&context, "init:%s", walk->id);
    a->how = "addr";
    a->var = d->sort == DECL_FUNCTION ? d->ref : d->id;
    a->context = intern(u->strings, context.s);
    str_free(&context);
    return CXChildVisit_Continue;
}

static void
inits_array(struct unit *u, CXCursor list, const char *id, const char *class)
{
    struct cx_children elements;
    cx_children(u->cx, list, &elements);
    int index = 0;
    for (unsigned i = 0; i < elements.n; i++) {
        const char *name;
        bool designated;
        CXCursor element = inits_designated(u, elements.at[i], &name, &designated);
        if (element.kind != CXCursor_InitListExpr) {
            /* A macro that gives a compound literal, or a bare 0 as the end. */
            element = cx_strip(u->cx, element);
        }
        if (strcmp(class, "moduleslot") == 0) {
            inits_slot(u, element, id, "module", index);
        }
        else if (strcmp(class, "pyslot") == 0) {
            inits_slot(u, element, id, "pyslot", index);
        }
        else if (strcmp(class, "typeslot") == 0) {
            inits_slot(u, element, id, "type", index);
        }
        else {
            const char *table = strcmp(class, "methoddef") == 0   ? "method"
                                : strcmp(class, "getsetdef") == 0 ? "getset"
                                                                  : "member";
            inits_row(u, element, id, table, index);
        }
        index++;
    }
    cx_children_free(&elements);
}

/* Length of the name at a line and column. */
static unsigned
inits_name_length(const struct unit_place *place, unsigned line, unsigned column)
{
    bool known = place->lexed && line && line <= place->lexed->lines.n;
    return known ? lexed_word(place->lexed, place->lexed->lines.at[line - 1] + column - 1) : 0;
}

/* Numbers and text refer to nothing; tables of them can be long. */
static bool
inits_is_plain(const struct type_facts *type)
{
    bool numbers = str_same(type->holds, "scalar") || !type->holds;
    return str_same(type->class, "scalar") || str_same(type->class, "string") ||
           (str_same(type->class, "struct") && numbers);
}

/* A slot array or a table with rows, or one row alone; false for anything else. */
static bool
inits_table(struct unit *u, CXCursor list, const char *id, const struct type_facts *type)
{
    static const char *const tables[] = {"moduleslot", "pyslot",    "typeslot",
                                         "methoddef",  "getsetdef", "memberdef"};
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
        if (!str_same(type->class, tables[i])) {
            continue;
        }
        if (type->is_array) {
            inits_array(u, list, id, tables[i]);
        }
        else {
            inits_row(u, list, id, strcmp(tables[i], "methoddef") == 0 ? "method" : "getset", 0);
        }
        return true;
    }
    return false;
}

void
inits_variable(struct unit *u, CXCursor c, const char *id, const struct type_facts *type)
{
    CXCursor list = u->cx->Cursor_getVarDeclInitializer(c);
    if (u->cx->Cursor_isNull(list)) {
        return;
    }
    bool is_list = list.kind == CXCursor_InitListExpr;
    if (is_list && inits_table(u, list, id, type)) {
        return;
    }
    struct unit_place place = unit_place(u, c);
    unsigned line = 0, column = 0;
    u->cx->getExpansionLocation(u->cx->getCursorLocation(c), NULL, &line, &column, NULL);
    place.line = (int)line; /* at the name, not at `static` */
    place.column = (int)column;
    place.end_column = (int)(column + inits_name_length(&place, line, column));
    unit_set_file(u, &place);
    if (is_list && str_same(type->class, "moduledef")) {
        inits_moduledef(u, list, &place, id);
    }
    else if (is_list && str_same(type->class, "typespec") && !type->is_array) {
        inits_typespec(u, list, &place, id);
    }
    else if (is_list && !type->is_array &&
             (str_same(type->class, "type-object") || str_same(type->class, "suite"))) {
        inits_type(u, list, id);
    }
    else if (!inits_is_plain(type)) {
        struct inits_references walk = {.u = u, .id = id};
        u->cx->visitChildren(c, inits_reference, &walk);
    }
}

const char *
inits_kind(struct unit *u, CXCursor c, const char **value)
{
    CXCursor init = u->cx->Cursor_getVarDeclInitializer(c);
    if (u->cx->Cursor_isNull(init)) {
        return "none";
    }
    *value = describe(u, init);
    static const struct {
        const char *prefix, *kind;
    } kinds[] = {{"null", "null"},      {"const:0", "zero"},  {"const", "constant"},
                 {"string:", "string"}, {"list", "list"},     {"call:", "dynamic"},
                 {"func:", "address"},  {"addr:", "address"}, {"immortal:", "address"},
                 {"var:", "address"},   {"new", "dynamic"}};
    if (strcmp(*value, "const:0") == 0) {
        return "zero";
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (i != 1 && str_starts(*value, kinds[i].prefix)) {
            return kinds[i].kind;
        }
    }
    return "value";
}
