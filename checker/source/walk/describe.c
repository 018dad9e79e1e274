/* Value descriptors: what an expression is, as the short text that rules and passes read. */
#include <string.h>

#include "source/walk/ops.h"
#include "source/walk/unit.h"

enum { MAX_PATH_STEPS = 24, MAX_STRING = 60 };

bool
describe_integer(struct unit *u, CXCursor c, long *value)
{
    CXEvalResult result = u->cx->Cursor_Evaluate(c);
    if (!result) {
        return false;
    }
    bool is_integer = u->cx->EvalResult_getKind(result) == CXEval_Int;
    if (is_integer) {
        *value = (long)u->cx->EvalResult_getAsLongLong(result);
    }
    u->cx->EvalResult_dispose(result);
    return is_integer;
}

const char *
describe_string(struct unit *u, CXCursor c)
{
    c = cx_strip(u->cx, c);
    if (c.kind != CXCursor_StringLiteral) {
        return NULL;
    }
    /* Evaluating a literal gives nothing on LLVM 14; its spelling is the quoted source text. */
    struct str text = {0};
    cx_add(u->cx, &text, u->cx->getCursorSpelling(c));
    const char *open = text.s ? strchr(text.s, '"') : NULL;
    const char *close = open ? strrchr(text.s, '"') : NULL;
    size_t n = close > open ? (size_t)(close - open - 1) : 0;
    const char *kept = intern_n(u->strings, open ? open + 1 : "", n < MAX_STRING ? n : MAX_STRING);
    str_free(&text);
    return kept;
}

static bool
describe_is_float(struct unit *u, CXCursor c)
{
    CXEvalResult result = u->cx->Cursor_Evaluate(c);
    bool yes = result && u->cx->EvalResult_getKind(result) == CXEval_Float;
    if (result) {
        u->cx->EvalResult_dispose(result);
    }
    return yes;
}

static const char *
describe_number(struct unit *u, CXCursor c, bool as_pointer)
{
    long value;
    if (!describe_integer(u, c, &value)) {
        return describe_is_float(u, c) ? "const" : "expr";
    }
    if (as_pointer && value == 0) {
        return "null";
    }
    struct str s = {0};
    str_addf(&s, "const:%ld", value);
    const char *kept = intern(u->strings, s.s);
    str_free(&s);
    return kept;
}

static const char *
describe_call(struct unit *u, CXCursor c)
{
    CXCursor callee = u->cx->getCursorReferenced(c);
    if (u->cx->Cursor_isNull(callee) || u->cx->isInvalid(callee.kind)) {
        return "call:(indirect)";
    }
    const struct decl *d = unit_decl(u, callee);
    if (d->sort != DECL_FUNCTION) {
        return "call:(indirect)";
    }
    if (str_starts(d->name, "__builtin_huge_val") || str_starts(d->name, "__builtin_inf") ||
        str_starts(d->name, "__builtin_nan")) {
        return "const"; /* INFINITY and NAN */
    }
    bool ours = d->whose == FILE_MAIN || d->whose == FILE_PROJECT;
    return unit_join(u, "call:", ours ? d->id : d->name, "");
}

/* Descriptors grow with each level; deep ones are of no use to a rule. */
static const char *
describe_lvalue_text(struct unit *u, const char *prefix, CXCursor c)
{
    const char *path = NULL, *record = NULL;
    struct decl *root;
    const char *base = describe_lvalue(u, c, &path, &record, &root);
    return unit_join(u, prefix, base, path ? path : "");
}

static const char *
describe_reference(struct unit *u, CXCursor c)
{
    CXCursor target = u->cx->getCursorReferenced(c);
    if (u->cx->Cursor_isNull(target) || u->cx->isInvalid(target.kind)) {
        return "expr";
    }
    return unit_decl(u, target)->ref;
}

static const char *
describe_unary(struct unit *u, CXCursor c)
{
    CXCursor operand;
    switch (ops_unary(u->cx, c, &operand)) {
    case UNARY_ADDRESS: {
        CXCursor inner = cx_strip(u->cx, operand);
        if (inner.kind == CXCursor_DeclRefExpr) {
            const char *ref = describe_reference(u, inner);
            bool plain = str_starts(ref, "func:") || str_starts(ref, "immortal:");
            return plain ? ref : unit_join(u, "addr:", ref, "");
        }
        return describe_lvalue_text(u, "addr:", operand);
    }
    case UNARY_DEREFERENCE:
        return describe_lvalue_text(u, "deref:", operand);
    case UNARY_OTHER:
        return describe_number(u, c, false);
    case UNARY_STEP:
        break;
    }
    return "expr";
}

const char *
describe(struct unit *u, CXCursor c)
{
    const struct cx *cx = u->cx;
    CXType outer = cx->getCanonicalType(cx->getCursorType(c));
    CXCursor inner = cx_strip(cx, c);
    switch ((int)inner.kind) {
    case CXCursor_IntegerLiteral:
    case CXCursor_CharacterLiteral:
    case CXCursor_CXXBoolLiteralExpr:
        return describe_number(u, inner, outer.kind == CXType_Pointer);
    case CXCursor_FloatingLiteral:
        return "const";
    case CXCursor_CXXNullPtrLiteralExpr:
    case CXCursor_GNUNullExpr:
        return "null";
    case CXCursor_StringLiteral: {
        const char *text = describe_string(u, inner);
        return unit_join(u, "string:", text ? text : "", "");
    }
    case CXCursor_DeclRefExpr:
        return describe_reference(u, inner);
    case CXCursor_CallExpr:
        return describe_call(u, inner);
    case CXCursor_MemberRefExpr:
        return describe_lvalue_text(u, "field:", inner);
    case CXCursor_ArraySubscriptExpr:
        return describe_lvalue_text(u, "index:", inner);
    case CXCursor_UnaryOperator:
        return describe_unary(u, inner);
    case CXCursor_InitListExpr:
        return "list";
    case CXCursor_CXXNewExpr:
        return "new";
    case CXCursor_UnaryExpr:
        return describe_number(u, inner, false);
    case CXCursor_BinaryOperator: {
        CXCursor left, right;
        if (ops_binary(cx, inner, &left, &right) == BINARY_ASSIGN) {
            return describe(u, right);
        }
        return describe_number(u, inner, outer.kind == CXType_Pointer);
    }
    default:
        return "expr";
    }
}

/* One step of a path: ".name", "->name", "[]", "->[]", "->*". */
struct lvalue_steps {
    const char *at[MAX_PATH_STEPS];
    unsigned n;
};

static void
describe_step(struct lvalue_steps *steps, const char *step)
{
    if (steps->n < MAX_PATH_STEPS) {
        steps->at[steps->n++] = step;
    }
}

static bool
describe_is_pointer(struct unit *u, CXCursor base)
{
    CXType type = u->cx->getCanonicalType(u->cx->getCursorType(base));
    return type.kind == CXType_Pointer;
}

/* Goes one member access down. Returns false at an implicit `this`. */
static bool
describe_member(struct unit *u, CXCursor *c, struct lvalue_steps *steps, const char **record)
{
    const struct cx *cx = u->cx;
    struct cx_children children;
    cx_children(cx, *c, &children);
    bool has_base = children.n > 0 && cx->isExpression(children.at[0].kind);
    CXCursor base = has_base ? children.at[0] : *c;
    cx_children_free(&children);
    bool arrow = !has_base || describe_is_pointer(u, base);
    const char *name = cx_text(cx, u->strings, cx->getCursorSpelling(*c));
    const char **inner = steps->n ? &steps->at[steps->n - 1] : NULL;
    if (inner && **inner == '.' && (!*name || strpbrk(name, " ("))) {
        /* The member of an anonymous union: `op->ob_refcnt` as it is written. */
        *inner = unit_join(u, arrow ? "->" : ".", *inner + 1, "");
    }
    else {
        describe_step(steps, unit_join(u, arrow ? "->" : ".", name, ""));
    }
    if (record && !*record) {
        CXCursor field = cx->getCursorReferenced(*c);
        CXCursor parent = cx->getCursorSemanticParent(field);
        CXType type = cx->getCanonicalType(cx->getCursorType(parent));
        if (type.kind == CXType_Record) {
            struct type_facts facts;
            types_classify(u, type, &facts);
            *record = facts.record;
        }
    }
    *c = base;
    return has_base;
}

static const char *
describe_root(struct unit *u, CXCursor c, struct decl **root)
{
    if (c.kind == CXCursor_DeclRefExpr) {
        CXCursor target = u->cx->getCursorReferenced(c);
        if (u->cx->Cursor_isNull(target) || u->cx->isInvalid(target.kind)) {
            return "expr";
        }
        struct decl *d = unit_decl(u, target);
        *root = d;
        return d->ref;
    }
    if (c.kind == CXCursor_CXXThisExpr) {
        return "this";
    }
    return c.kind == CXCursor_CallExpr ? describe_call(u, c) : "expr";
}

static const char *
describe_path(struct unit *u, const struct lvalue_steps *steps)
{
    if (!steps->n) {
        return NULL;
    }
    struct str path = {0};
    for (unsigned i = steps->n; i > 0; i--) {
        str_add(&path, steps->at[i - 1]);
    }
    const char *kept = intern(u->strings, path.s);
    str_free(&path);
    return kept;
}

/* *(&x) is x, (&x)->f is x.f. */
static void
describe_address(struct unit *u, struct lvalue_steps *steps)
{
    const char *last = steps->n ? steps->at[steps->n - 1] : NULL;
    if (str_same(last, "->*") || str_same(last, "->[]")) {
        steps->n--;
    }
    else if (str_starts(last, "->")) {
        steps->at[steps->n - 1] = unit_join(u, ".", last + 2, "");
    }
}

const char *
describe_lvalue(struct unit *u, CXCursor c, const char **path, const char **record,
                struct decl **root)
{
    const struct cx *cx = u->cx;
    struct lvalue_steps steps = {.n = 0};
    const char *base = NULL;
    *root = NULL;
    for (int depth = 0; !base && depth < 64; depth++) {
        c = cx_strip(cx, c);
        if (c.kind == CXCursor_MemberRefExpr) {
            base = describe_member(u, &c, &steps, record) ? NULL : "this";
        }
        else if (c.kind == CXCursor_ArraySubscriptExpr) {
            struct cx_children children;
            cx_children(cx, c, &children);
            CXCursor array = children.n ? cx_strip(cx, children.at[0]) : c;
            bool pointer = children.n && describe_is_pointer(u, array);
            base = children.n ? NULL : "expr";
            cx_children_free(&children);
            describe_step(&steps, pointer ? "->[]" : "[]");
            c = array;
        }
        else if (c.kind == CXCursor_UnaryOperator) {
            CXCursor operand;
            enum unary_op op = ops_unary(cx, c, &operand);
            if (op == UNARY_DEREFERENCE) {
                describe_step(&steps, "->*");
                c = operand;
            }
            else if (op == UNARY_ADDRESS) {
                c = operand;
                describe_address(u, &steps);
            }
            else {
                base = "expr";
            }
        }
        else {
            base = describe_root(u, c, root);
        }
    }
    *path = describe_path(u, &steps);
    return base ? base : "expr";
}
