/* Loads and stores of a function body: which mentions of a variable are facts, and what they say.
 */
#include <string.h>

#include "source/walk/bodies_expr.h"

struct fact_access *
bodies_access(struct body_walk *b, const struct unit_place *place, const char *how, const char *var)
{
    unit_set_file(b->u, place);
    struct fact_access *a =
        facts_new_access(b->u->facts, place->line, place->column, place->end_column);
    a->func = b->func;
    a->how = how;
    a->var = var;
    a->seq = ++b->seq;
    a->block = b->block;
    if (place->in_macro) {
        a->macro =
            b->use && b->use->offset == place->offset ? b->use->name : unit_word_at(b->u, place);
    }
    return a;
}

static bool
bodies_is_replacing(const struct macro_site *use)
{
    return use && (strcmp(use->name, "Py_CLEAR") == 0 || strcmp(use->name, "Py_SETREF") == 0 ||
                   strcmp(use->name, "Py_XSETREF") == 0);
}

bool
bodies_ours(const struct decl *d)
{
    return d->whose == FILE_MAIN || d->whose == FILE_PROJECT;
}

/* Is an access worth a fact? Statics always; of locals and parameters, stores and what is reached
 * through them, and every mention of an object. */
static bool
bodies_worth(const struct decl *root, const char *how, const char *path, bool python_record)
{
    if (!root) {
        return path && (strcmp(how, "read") != 0 || python_record);
    }
    switch (root->sort) {
    case DECL_STATIC:
        return bodies_ours(root) || strcmp(root->name, "environ") == 0 ||
               (root->whose == FILE_PYTHON &&
                (strcmp(how, "read") != 0 || (path && python_record)));
    case DECL_LOCAL:
    case DECL_PARAM:
        if (path) {
            return strcmp(how, "read") != 0 || python_record;
        }
        return strcmp(how, "write") == 0 ? root->is_pointer || root->is_object
                                         : root->is_object && root->sort == DECL_LOCAL;
    case DECL_FUNCTION:
        return bodies_ours(root) && !path;
    default:
        return false;
    }
}

static bool
bodies_python_record(const char *record)
{
    return record && (str_starts(record, "Py") || str_starts(record, "_object") ||
                      str_starts(record, "_typeobject") || str_starts(record, "_longobject") ||
                      str_starts(record, "_ts") || str_starts(record, "_frame") ||
                      str_starts(record, "_Py") || strcmp(record, "_is") == 0 ||
                      strcmp(record, "pyruntimestate") == 0);
}

/* Plain operators on an _Atomic object are atomic operations. */
static const char *
bodies_atomic_object(struct body_walk *b, CXCursor c, const char *how)
{
    static const char *const pairs[][2] = {
        {"read", "atomic-load"}, {"write", "atomic-store"}, {"rmw", "atomic-rmw"}};
    CXType type = b->u->cx->getCanonicalType(b->u->cx->getCursorType(c));
    for (size_t i = 0; type.kind == CXType_Atomic && i < sizeof(pairs) / sizeof(*pairs); i++) {
        if (strcmp(how, pairs[i][0]) == 0) {
            return pairs[i][1];
        }
    }
    return how;
}

void
bodies_lvalue_fact(struct body_walk *b, CXCursor c, const struct usage *usage)
{
    const char *path = NULL, *record = NULL;
    struct decl *root;
    const char *ref = describe_lvalue(b->u, c, &path, &record, &root);
    const char *how = usage->how;
    if (!bodies_worth(root, how, path, bodies_python_record(record))) {
        return;
    }
    struct unit_place place = unit_place(b->u, c);
    if (!root && strcmp(how, "read") == 0 && place.in_macro && b->use) {
        return; /* the use of the macro is a fact already */
    }
    const char *value = usage->value;
    if (strcmp(how, "addr") == 0 && place.in_macro && bodies_is_replacing(b->use)) {
        how = "write";
        value = strcmp(b->use->name, "Py_CLEAR") == 0 ? "null" : bodies_macro_value(b, b->use, 1);
    }
    how = bodies_atomic_object(b, c, how);
    bool is_function = root && root->sort == DECL_FUNCTION;
    bool is_static = root && root->sort == DECL_STATIC && bodies_ours(root);
    struct fact_access *a =
        bodies_access(b, &place, is_function ? "addr" : how, is_static ? root->id : ref);
    a->path = path;
    bool stores =
        strcmp(how, "write") == 0 || (str_starts(how, "atomic-") && str_starts(value, "const:"));
    a->value = stores ? value : NULL;
    a->op = usage->op;
    a->context = usage->context;
    a->class = path ? record : root && root->is_object ? "object-pointer" : NULL;
}

/* What stands in subscripts and below pointers is read. */
static void
bodies_lvalue_inside(struct body_walk *b, CXCursor c)
{
    const struct cx *cx = b->u->cx;
    for (int depth = 0; depth < 64; depth++) {
        c = cx_strip(cx, c);
        struct cx_children parts;
        cx_children(cx, c, &parts);
        CXCursor next = parts.n ? parts.at[0] : c;
        if (c.kind == CXCursor_ArraySubscriptExpr && parts.n > 1) {
            bodies_expression(b, parts.at[1], &usage_read);
        }
        bool deeper =
            parts.n && (c.kind == CXCursor_ArraySubscriptExpr || c.kind == CXCursor_MemberRefExpr ||
                        c.kind == CXCursor_UnaryOperator);
        cx_children_free(&parts);
        if (!deeper) {
            if (c.kind != CXCursor_DeclRefExpr && cx->isExpression(c.kind) &&
                c.kind != CXCursor_MemberRefExpr && c.kind != CXCursor_CXXThisExpr) {
                bodies_expression(b, c, &usage_read);
            }
            return;
        }
        c = next;
    }
}

void
bodies_lvalue(struct body_walk *b, CXCursor c, const struct usage *usage)
{
    if (c.kind != CXCursor_DeclRefExpr) {
        bodies_lvalue_inside(b, c);
    }
    bodies_lvalue_fact(b, c, usage);
}
