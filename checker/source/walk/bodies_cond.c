/* What a condition tests. */
#include <string.h>

#include "source/walk/bodies.h"
#include "source/walk/ops.h"

static const char *
cond_wrap(struct body_walk *b, const char *name, const char *inside, const char *second)
{
    struct str s = {0};
    str_addf(&s, "%s(%s%s%s)", name, inside, second ? "," : "", second ? second : "");
    const char *kept = intern(b->u->strings, s.s);
    str_free(&s);
    return kept;
}

/* In a condition `(x = f())` is about x. */
static const char *
cond_operand(struct body_walk *b, CXCursor c)
{
    CXCursor inner = cx_strip(b->u->cx, c);
    CXCursor left, right;
    if (inner.kind == CXCursor_BinaryOperator &&
        ops_binary(b->u->cx, inner, &left, &right) == BINARY_ASSIGN) {
        return describe(b->u, left);
    }
    return describe(b->u, c);
}

static bool
cond_is_pointer(struct body_walk *b, CXCursor c)
{
    CXType type = b->u->cx->getCanonicalType(b->u->cx->getCursorType(cx_strip(b->u->cx, c)));
    return type.kind == CXType_Pointer;
}

/* The operator between two operands as written; NULL inside macros. */
static const char *
cond_operator(struct body_walk *b, CXCursor c, CXCursor left, CXCursor right)
{
    struct unit_place whole = unit_place(b->u, c);
    unsigned from = cx_end_offset(b->u->cx, left), to = cx_offset(b->u->cx, right, NULL);
    if (whole.in_macro || !whole.lexed || to > whole.lexed->text.n) {
        return NULL;
    }
    if (from >= to || from < whole.offset) {
        from = cx_offset(b->u->cx, left, NULL);
        from += lexed_word(whole.lexed, from); /* the left operand is a macro: its name */
        if (from < whole.lexed->text.n && whole.lexed->text.s[from] == '(') {
            return NULL;
        }
    }
    const char *s = whole.lexed->text.s;
    for (unsigned i = from; i + 1 < to; i++) {
        static const char *const ops[] = {"==", "!=", "&&", "||", "<=", ">="};
        for (size_t k = 0; k < sizeof(ops) / sizeof(*ops); k++) {
            if (s[i] == ops[k][0] && s[i + 1] == ops[k][1]) {
                return ops[k];
            }
        }
    }
    for (unsigned i = from; i < to; i++) {
        if (s[i] == '<' || s[i] == '>') {
            return s[i] == '<' ? "<" : ">";
        }
    }
    return NULL;
}

static const char *
cond_compare(struct body_walk *b, const char *op, CXCursor left, CXCursor right)
{
    const char *l = cond_operand(b, left), *r = cond_operand(b, right);
    bool equal = strcmp(op, "==") == 0;
    if (equal || strcmp(op, "!=") == 0) {
        for (int swapped = 0; swapped < 2; swapped++) {
            const char *constant = swapped ? l : r, *other = swapped ? r : l;
            if (strcmp(constant, "null") == 0) {
                return cond_wrap(b, equal ? "null" : "nonnull", other, NULL);
            }
            if (strcmp(constant, "const:0") == 0) {
                return cond_wrap(b, equal ? "zero" : "nonzero", other, NULL);
            }
        }
        return cond_wrap(b, equal ? "eq" : "ne", l, r);
    }
    return cond_wrap(b, op[0] == '<' ? "lt" : "gt", l, r);
}

static const char *
cond_join(struct body_walk *b, const char *left, const char *op, const char *right)
{
    struct str s = {0};
    str_addf(&s, "%s %s %s", left, op, right);
    const char *kept = intern(b->u->strings, s.n < 400 ? s.s : "expr");
    str_free(&s);
    return kept;
}

static const char *
cond_binary(struct body_walk *b, CXCursor inner)
{
    CXCursor left, right;
    if (ops_binary(b->u->cx, inner, &left, &right) == BINARY_ASSIGN) {
        return cond_wrap(b, cond_is_pointer(b, left) ? "nonnull" : "nonzero", describe(b->u, left),
                         NULL);
    }
    const char *op = cond_operator(b, inner, left, right);
    if (!op) {
        return "expr";
    }
    if (strcmp(op, "&&") == 0) {
        return cond_join(b, bodies_condition(b, left), "&", bodies_condition(b, right));
    }
    if (strcmp(op, "||") == 0) {
        return cond_join(b, bodies_condition(b, left), "|", bodies_condition(b, right));
    }
    return cond_compare(b, op, left, right);
}

static const char *
cond_negated(struct body_walk *b, CXCursor operand)
{
    CXCursor inner = cx_strip(b->u->cx, operand);
    if (inner.kind == CXCursor_BinaryOperator) {
        const char *positive = cond_binary(b, inner);
        if (str_starts(positive, "nonnull(")) {
            return cond_wrap(b, "null", intern_n(b->u->strings, positive + 8, strlen(positive) - 9),
                             NULL);
        }
        return "expr";
    }
    return cond_wrap(b, cond_is_pointer(b, operand) ? "null" : "zero", describe(b->u, operand),
                     NULL);
}

/* __builtin_expect(!!(x), 0): what likely() and unlikely() leave. */
static bool
cond_expected(struct body_walk *b, CXCursor *c)
{
    if (c->kind != CXCursor_CallExpr || b->u->cx->Cursor_getNumArguments(*c) != 2) {
        return false;
    }
    CXCursor callee = b->u->cx->getCursorReferenced(*c);
    const char *name = b->u->cx->Cursor_isNull(callee)
                           ? ""
                           : cx_text(b->u->cx, b->u->strings, b->u->cx->getCursorSpelling(callee));
    if (strcmp(name, "__builtin_expect") != 0) {
        return false;
    }
    *c = b->u->cx->Cursor_getArgument(*c, 0);
    return true;
}

const char *
bodies_condition(struct body_walk *b, CXCursor c)
{
    CXCursor inner = cx_strip(b->u->cx, c);
    while (cond_expected(b, &inner)) {
        inner = cx_strip(b->u->cx, inner);
    }
    if (inner.kind == CXCursor_BinaryOperator) {
        return cond_binary(b, inner);
    }
    CXCursor operand;
    if (inner.kind == CXCursor_UnaryOperator &&
        ops_unary(b->u->cx, inner, &operand) == UNARY_OTHER) {
        CXCursor again = cx_strip(b->u->cx, operand), second;
        if (again.kind == CXCursor_UnaryOperator &&
            ops_unary(b->u->cx, again, &second) == UNARY_OTHER) {
            return bodies_condition(b, second); /* !!x */
        }
        return cond_negated(b, operand);
    }
    const char *value = describe(b->u, inner);
    if (strcmp(value, "expr") == 0 || strncmp(value, "const", 5) == 0) {
        return "expr";
    }
    return cond_wrap(b, cond_is_pointer(b, inner) ? "nonnull" : "nonzero", value, NULL);
}
