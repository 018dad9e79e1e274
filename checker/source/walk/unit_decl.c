/* What is remembered about declarations and records, by the address that libclang has for them. */
#include <stdlib.h>
#include <string.h>

#include "source/walk/unit.h"

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
unit_record(struct unit *u, CXType record)
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
