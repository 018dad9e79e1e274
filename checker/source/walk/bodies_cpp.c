/* C++: the object of a lock's method, and where guards give their locks back. */
#include <string.h>

#include "source/walk/bodies.h"

static bool
bodies_is_lock_method(const char *name)
{
    static const char *const methods[] = {"lock",           "unlock",         "try_lock",
                                          "lock_shared",    "unlock_shared",  "try_lock_for",
                                          "try_lock_until", "try_lock_shared"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        if (strcmp(name, methods[i]) == 0) {
            return true;
        }
    }
    return false;
}

const char *
bodies_lock_object(struct body_walk *b, CXCursor callee, const char *method)
{
    CXCursor inner = cx_strip(b->u->cx, callee);
    if (!bodies_is_lock_method(method) || inner.kind != CXCursor_MemberRefExpr) {
        return NULL;
    }
    struct cx_children parts;
    cx_children(b->u->cx, inner, &parts);
    struct str on = {0};
    if (parts.n && b->u->cx->isExpression(parts.at[0].kind)) {
        const char *path = NULL, *record = NULL;
        struct decl *root;
        const char *ref =
            describe_lvalue(b->u, cx_strip(b->u->cx, parts.at[0]), &path, &record, &root);
        str_addf(&on, "%s%s%s", path ? "field:" : "", ref, path ? path : "");
    }
    cx_children_free(&parts);
    const char *kept = on.n ? intern(b->u->strings, on.s) : NULL;
    str_free(&on);
    return kept;
}

/* Classes of the project that attach or detach for a scope: their names speak of it. */
static const char *
bodies_gil_class(struct body_walk *b, const char *name)
{
    static const char *const words[] = {
        "GIL", "Gil", "gil", "AllowThreads", "AllowThreading", "allow_threads", "ThreadState"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strstr(name, words[i])) {
            struct str destructor = {0};
            str_addf(&destructor, "~%s", name);
            const char *kept = intern(b->u->strings, destructor.s);
            str_free(&destructor);
            return kept;
        }
    }
    return NULL;
}

/* The name of the guard class's destructor, or NULL. */
static const char *
bodies_guard_class(struct body_walk *b, CXCursor variable)
{
    static const char *const guards[][2] = {{"lock_guard", "~lock_guard"},
                                            {"unique_lock", "~unique_lock"},
                                            {"scoped_lock", "~scoped_lock"},
                                            {"shared_lock", "~shared_lock"},
                                            {"gil_scoped_acquire", "~gil_scoped_acquire"},
                                            {"gil_scoped_release", "~gil_scoped_release"}};
    const struct cx *cx = b->u->cx;
    CXType type = cx->getCanonicalType(cx->getCursorType(variable));
    if (type.kind != CXType_Record) {
        return NULL;
    }
    const char *name =
        cx_text(cx, b->u->strings, cx->getCursorSpelling(cx->getTypeDeclaration(type)));
    for (size_t i = 0; i < sizeof(guards) / sizeof(*guards); i++) {
        if (strcmp(name, guards[i][0]) == 0) {
            return guards[i][1];
        }
    }
    return bodies_gil_class(b, name);
}

static void
bodies_guard_ends(struct body_walk *b, CXCursor variable)
{
    const char *destructor = bodies_guard_class(b, variable);
    if (!destructor) {
        return;
    }
    struct unit_place place = unit_place(b->u, variable);
    unit_set_file(b->u, &place);
    struct fact_call *call =
        facts_new_call(b->u->facts, place.line, place.column, place.end_column);
    call->func = b->func;
    call->callee = destructor;
    call->origin = "system";
    call->result = "discarded";
    call->on = unit_decl(b->u, variable)->ref;
    call->seq = ++b->seq;
    call->block = b->block;
}

void
bodies_scope_ends(struct body_walk *b, const struct cx_children *parts)
{
    for (unsigned i = parts->n; i-- > 0;) {
        if (parts->at[i].kind != CXCursor_DeclStmt) {
            continue;
        }
        struct cx_children variables;
        cx_children(b->u->cx, parts->at[i], &variables);
        for (unsigned k = variables.n; k-- > 0;) {
            if (variables.at[k].kind == CXCursor_VarDecl) {
                bodies_guard_ends(b, variables.at[k]);
            }
        }
        cx_children_free(&variables);
    }
}
