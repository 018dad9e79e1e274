/* Initialiser lists, field by field.
 *
 * libclang shows initialiser lists as written: positional children without the implicit zeros,
 * designators as an unexposed node with a member reference and the value. So positions are counted
 * along the fields of the struct. */
#include <string.h>

#include "source/walk/inits.h"

enum { MAX_FIELDS = 96 };

struct inits_fields {
    struct unit *u;
    const char *names[MAX_FIELDS];
    int n;
};

static enum CXVisitorResult
inits_field_name(CXCursor c, CXClientData data)
{
    struct inits_fields *fields = data;
    if (fields->n < MAX_FIELDS) {
        fields->names[fields->n++] =
            cx_text(fields->u->cx, fields->u->strings, fields->u->cx->getCursorSpelling(c));
    }
    return CXVisit_Continue;
}

static void
inits_list_fields(struct unit *u, CXCursor list, struct inits_fields *fields)
{
    fields->u = u;
    fields->n = 0;
    CXType type = u->cx->getCanonicalType(u->cx->getCursorType(list));
    if (type.kind == CXType_Record) {
        u->cx->Type_visitFields(type, inits_field_name, fields);
    }
}

CXCursor
inits_designated(struct unit *u, CXCursor c, const char **name, bool *designated)
{
    *name = NULL;
    *designated = false;
    if (c.kind != CXCursor_UnexposedExpr) {
        return c;
    }
    struct cx_children parts;
    cx_children(u->cx, c, &parts);
    CXCursor value = c;
    if (parts.n >= 2) {
        *designated = true;
        value = parts.at[parts.n - 1];
        if (parts.at[0].kind == CXCursor_MemberRef) {
            *name = cx_text(u->cx, u->strings, u->cx->getCursorSpelling(parts.at[0]));
        }
    }
    cx_children_free(&parts);
    return value;
}

void
inits_each_field(struct unit *u, CXCursor list, inits_value_fn *call, void *data)
{
    struct inits_fields fields;
    inits_list_fields(u, list, &fields);
    struct cx_children values;
    cx_children(u->cx, list, &values);
    int index = 0;
    for (unsigned i = 0; i < values.n; i++) {
        const char *name;
        bool designated;
        CXCursor value = inits_designated(u, values.at[i], &name, &designated);
        bool own = !name; /* false for a member of an anonymous union inside */
        for (int k = 0; name && k < fields.n; k++) {
            if (strcmp(fields.names[k], name) == 0) {
                index = k;
                own = true;
            }
        }
        const char *field = !own ? name : index < fields.n ? fields.names[index] : "";
        call(u, field, value, data);
        index++;
    }
    cx_children_free(&values);
}

struct inits_type_ref {
    struct unit *u;
    const char *record;
};

static enum CXChildVisitResult
inits_find_type(CXCursor c, CXCursor parent, CXClientData data)
{
    (void)parent;
    struct inits_type_ref *walk = data;
    if (c.kind != CXCursor_TypeRef) {
        return CXChildVisit_Recurse;
    }
    struct type_facts facts;
    types_classify(walk->u, walk->u->cx->getCursorType(c), &facts);
    walk->record = facts.record;
    return CXChildVisit_Break;
}

const char *
inits_sizeof_text(struct unit *u, CXCursor value)
{
    struct inits_type_ref walk = {.u = u};
    u->cx->visitChildren(value, inits_find_type, &walk);
    CXCursor inner = cx_strip(u->cx, value);
    if (!walk.record && inner.kind == CXCursor_UnaryExpr) {
        u->cx->visitChildren(inner, inits_find_type, &walk);
    }
    if (walk.record) {
        return walk.record;
    }
    const char *text = unit_text(u, value, 80);
    const char *open = text ? strstr(text, "sizeof") : NULL;
    open = open ? strchr(open, '(') : NULL;
    const char *close = open ? strchr(open, ')') : NULL;
    if (!close) {
        return NULL;
    }
    open++;
    while (*open == ' ') {
        open++;
    }
    if (str_starts(open, "struct ")) {
        open += 7;
    }
    while (close > open && close[-1] == ' ') {
        close--;
    }
    return intern_n(u->strings, open, (size_t)(close - open));
}
