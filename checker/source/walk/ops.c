#include "source/walk/ops.h"

static bool
ops_same_type(const struct cx *cx, CXType a, CXType b)
{
    a = cx->getCanonicalType(a);
    b = cx->getCanonicalType(b);
    return a.kind == b.kind && a.data[0] == b.data[0];
}

bool
ops_is_unread_lvalue(const struct cx *cx, CXCursor c)
{
    while (c.kind == CXCursor_ParenExpr) {
        struct cx_children children;
        cx_children(cx, c, &children);
        CXCursor inner = children.n ? children.at[0] : c;
        bool one = children.n == 1;
        cx_children_free(&children);
        if (!one) {
            return false;
        }
        c = inner;
    }
    if (c.kind == CXCursor_MemberRefExpr || c.kind == CXCursor_ArraySubscriptExpr) {
        return true;
    }
    if (c.kind == CXCursor_DeclRefExpr) {
        CXCursor target = cx->getCursorReferenced(c);
        return target.kind == CXCursor_VarDecl || target.kind == CXCursor_ParmDecl ||
               target.kind == CXCursor_FieldDecl;
    }
    if (c.kind == CXCursor_UnaryOperator) {
        CXCursor operand;
        return ops_unary(cx, c, &operand) == UNARY_DEREFERENCE;
    }
    return false;
}

enum unary_op
ops_unary(const struct cx *cx, CXCursor c, CXCursor *operand)
{
    struct cx_children children;
    cx_children(cx, c, &children);
    if (children.n == 0) {
        cx_children_free(&children);
        *operand = c;
        return UNARY_OTHER;
    }
    *operand = children.at[children.n - 1];
    cx_children_free(&children);
    CXType type = cx->getCanonicalType(cx->getCursorType(c));
    CXType inner = cx->getCanonicalType(cx->getCursorType(*operand));
    if (type.kind == CXType_Pointer && operand->kind != CXCursor_UnexposedExpr &&
        ops_same_type(cx, cx->getPointeeType(type), inner)) {
        return UNARY_ADDRESS;
    }
    if (inner.kind == CXType_Pointer && ops_same_type(cx, cx->getPointeeType(inner), type)) {
        return UNARY_DEREFERENCE;
    }
    bool same = ops_same_type(cx, type, inner) ||
                (type.kind == inner.kind && cx->isVolatileQualifiedType(inner));
    if (ops_is_unread_lvalue(cx, *operand) && (same || inner.kind == CXType_Atomic)) {
        return UNARY_STEP;
    }
    return UNARY_OTHER;
}

enum binary_op
ops_binary(const struct cx *cx, CXCursor c, CXCursor *left, CXCursor *right)
{
    struct cx_children children;
    cx_children(cx, c, &children);
    *left = children.n ? children.at[0] : c;
    *right = children.n > 1 ? children.at[children.n - 1] : c;
    bool two = children.n == 2;
    cx_children_free(&children);
    return two && ops_is_unread_lvalue(cx, *left) ? BINARY_ASSIGN : BINARY_OTHER;
}
