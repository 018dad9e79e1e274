/* Expressions of a function body: one node after the other, stores and operators. */
#include <string.h>

#include "source/walk/bodies_expr.h"
#include "source/walk/ops.h"

/* Of a pointer nothing is used but whether it is null or equal to another one. */
static const struct usage usage_compared = {.how = "read", .result = "tested"};

/* Operator text between two operands, for compound assignments. */
static const char *
bodies_operator(struct body_walk *b, CXCursor c, CXCursor left, CXCursor right)
{
    struct unit_place whole = unit_place(b->u, c);
    unsigned from = cx_end_offset(b->u->cx, left), to = cx_offset(b->u->cx, right, NULL);
    if (!whole.lexed || from >= to || to - from > 12 || to > whole.lexed->text.n) {
        return NULL;
    }
    char op[13];
    unsigned n = 0;
    for (unsigned i = from; i < to; i++) {
        char ch = whole.lexed->text.s[i];
        if (strchr("+-*/%&|^<>=!", ch) && ch) {
            op[n++] = ch;
        }
    }
    return intern_n(b->u->strings, op, n);
}

/* The operators of nested binary expressions that have the variable itself as an operand. */
static void
bodies_operators(struct body_walk *b, CXCursor c, const char *ref, struct str *out, int depth)
{
    CXCursor inner = cx_strip(b->u->cx, c);
    struct cx_children parts = {.n = 0};
    if (inner.kind == CXCursor_BinaryOperator && depth < 4) {
        cx_children(b->u->cx, inner, &parts);
    }
    if (parts.n == 2) {
        bool own = str_same(describe(b->u, parts.at[0]), ref) ||
                   str_same(describe(b->u, parts.at[1]), ref);
        const char *op = own ? bodies_operator(b, inner, parts.at[0], parts.at[1]) : NULL;
        str_addf(out, "%s", op ? op : "");
        bodies_operators(b, parts.at[0], ref, out, depth + 1);
        bodies_operators(b, parts.at[1], ref, out, depth + 1);
    }
    cx_children_free(&parts);
}

/* "=*" of `x = x * k + c`: what a static number becomes of itself. */
static const char *
bodies_becomes(struct body_walk *b, const struct decl *root, CXCursor right, const char *value)
{
    struct str op = {0};
    if (root && root->sort == DECL_STATIC && str_same(value, "expr")) {
        bodies_operators(b, right, root->ref, &op, 0);
    }
    const char *kept = op.n ? unit_join(b->u, "=", op.s, "") : NULL;
    str_free(&op);
    return kept;
}

static void
bodies_store(struct body_walk *b, CXCursor left, CXCursor right, const struct usage *outer)
{
    const char *path = NULL, *record = NULL;
    struct decl *root;
    const char *ref = describe_lvalue(b->u, left, &path, &record, &root);
    struct str into = {0};
    str_addf(&into, "%s%s%s", path ? "field:" : "", ref, path ? path : "");
    struct usage usage = {.how = "read",
                          .result = "stored",
                          .context = "stored",
                          .into = intern(b->u->strings, into.s)};
    str_free(&into);
    const char *value = describe(b->u, right);
    bodies_expression(b, right, &usage);
    struct usage write = {
        .how = "write", .value = value, .op = bodies_becomes(b, root, right, value)};
    bodies_lvalue(b, left, &write);
    if (outer->context && strcmp(outer->context, "returned") == 0) {
        bodies_lvalue_fact(b, left, outer);
    }
}

static bool
bodies_is_pointer(struct body_walk *b, CXCursor c)
{
    /* C++ makes a bool of it first. */
    CXType type = b->u->cx->getCursorType(cx_strip(b->u->cx, c));
    return b->u->cx->getCanonicalType(type).kind == CXType_Pointer;
}

/* The operand of an operator that is neither an assignment nor a dereference: pointers with a truth
 * value for a result are compared. */
static const struct usage *
bodies_operand(struct body_walk *b, CXCursor whole, CXCursor operand)
{
    CXType type = b->u->cx->getCanonicalType(b->u->cx->getCursorType(whole));
    bool truth = type.kind == CXType_Int || type.kind == CXType_Bool;
    return truth && bodies_is_pointer(b, operand) ? &usage_compared : &usage_read;
}

static void
bodies_unary(struct body_walk *b, CXCursor c, const struct usage *usage)
{
    CXCursor operand;
    switch (ops_unary(b->u->cx, c, &operand)) {
    case UNARY_ADDRESS: {
        struct usage addr = *usage;
        addr.how = strcmp(usage->how, "const-arg") == 0 ? "read" : "addr";
        addr.value = NULL;
        bodies_expression(b, operand, &addr);
        break;
    }
    case UNARY_DEREFERENCE:
        bodies_lvalue(b, c, usage);
        break;
    case UNARY_STEP: {
        struct usage step = {.how = "rmw", .op = "++"};
        bodies_lvalue(b, operand, &step);
        break;
    }
    case UNARY_OTHER:
        bodies_expression(b, operand, bodies_operand(b, c, operand));
        break;
    }
}

static void
bodies_wrapped(struct body_walk *b, CXCursor c, const struct cx_children *parts,
               const struct usage *usage)
{
    const char *atomic =
        parts->n >= 1 && c.kind == CXCursor_UnexposedExpr ? bodies_atomic_at(b, c) : NULL;
    CXCursor first = parts->n ? cx_strip(b->u->cx, parts->at[0]) : c;
    if (atomic && parts->n >= 1 && (parts->n > 1 || (first.kind == CXCursor_UnaryOperator))) {
        bodies_atomic(b, parts, atomic);
        return;
    }
    if (parts->n == 1 || c.kind != CXCursor_UnexposedExpr) {
        struct usage inner = *usage;
        CXCursor child = parts->n ? parts->at[parts->n - 1] : c;
        if (c.kind == CXCursor_UnexposedExpr && ops_is_unread_lvalue(b->u->cx, child)) {
            CXType type = b->u->cx->getCanonicalType(b->u->cx->getCursorType(child));
            bool array = type.kind == CXType_ConstantArray || type.kind == CXType_IncompleteArray;
            bool passed = usage->context && (str_starts(usage->context, "arg:") ||
                                             strcmp(usage->context, "stored") == 0 ||
                                             strcmp(usage->context, "returned") == 0);
            inner.how = array && passed && !str_same(usage->op, "const") ? "addr" : "read";
            inner.value = NULL;
        }
        if (parts->n && b->u->cx->isExpression(child.kind)) {
            bodies_expression(b, child, &inner);
        }
        return;
    }
    for (unsigned i = 0; i < parts->n; i++) {
        bodies_statement(b, parts->at[i]);
    }
}

static void
bodies_conditional(struct body_walk *b, const struct cx_children *parts, const struct usage *usage)
{
    struct usage tested = {.how = "read", .result = "tested", .context = "tested"};
    for (unsigned i = 0; i < parts->n; i++) {
        /* `found ? found : throw error`: the path goes on behind it. */
        CXCursor part = cx_strip(b->u->cx, parts->at[i]);
        if (part.kind != CXCursor_CXXThrowExpr) {
            bodies_expression(b, parts->at[i], i == 0 ? &tested : usage);
        }
    }
}

static void
bodies_throw(struct body_walk *b, CXCursor c, const struct cx_children *parts)
{
    for (unsigned i = 0; i < parts->n; i++) {
        bodies_statement(b, parts->at[i]);
    }
    struct unit_place place = unit_place(b->u, c);
    bodies_jump(b, &place, "throw", NULL);
}

static void
bodies_one_expression(struct body_walk *b, CXCursor c, const struct cx_children *parts,
                      const struct usage *usage)
{
    CXCursor left, right;
    switch ((int)c.kind) {
    case CXCursor_DeclRefExpr:
    case CXCursor_MemberRefExpr:
    case CXCursor_ArraySubscriptExpr:
        bodies_lvalue(b, c, usage);
        break;
    case CXCursor_CallExpr:
        bodies_call(b, c, usage);
        break;
    case CXCursor_UnaryOperator:
        bodies_unary(b, c, usage);
        break;
    case CXCursor_BinaryOperator:
        if (ops_binary(b->u->cx, c, &left, &right) == BINARY_ASSIGN) {
            bodies_store(b, left, right, usage);
            break;
        }
        for (unsigned i = 0; i < parts->n; i++) {
            bodies_expression(b, parts->at[i], bodies_operand(b, c, parts->at[i]));
        }
        break;
    case CXCursor_CompoundAssignOperator:
        if (parts->n == 2) {
            struct usage step = {.how = "rmw",
                                 .op = bodies_operator(b, c, parts->at[0], parts->at[1])};
            bodies_expression(b, parts->at[1], &usage_read);
            bodies_lvalue(b, parts->at[0], &step);
        }
        break;
    case CXCursor_ConditionalOperator:
        bodies_conditional(b, parts, usage);
        break;
    case CXCursor_UnexposedExpr:
    case CXCursor_ParenExpr:
    case CXCursor_CStyleCastExpr:
    case CXCursor_CXXStaticCastExpr:
    case CXCursor_CXXReinterpretCastExpr:
    case CXCursor_CXXConstCastExpr:
    case CXCursor_CXXDynamicCastExpr:
    case CXCursor_CXXFunctionalCastExpr:
        bodies_wrapped(b, c, parts, usage);
        break;
    case CXCursor_CXXThrowExpr:
        bodies_throw(b, c, parts);
        break;
    case CXCursor_UnaryExpr: /* sizeof and alignof evaluate nothing */
    case CXCursor_SizeOfPackExpr:
        break;
    case CXCursor_LambdaExpr: {
        const char *id = bodies_lambda(b, c);
        struct str ref = {0};
        str_addf(&ref, "func:%s", id);
        struct unit_place whole = unit_place(b->u, c);
        struct fact_access *a = bodies_access(b, &whole, "addr", intern(b->u->strings, ref.s));
        a->context = usage->context;
        str_free(&ref);
        break;
    }
    default:
        for (unsigned i = 0; i < parts->n; i++) {
            bodies_statement(b, parts->at[i]);
        }
        break;
    }
}

void
bodies_expression(struct body_walk *b, CXCursor c, const struct usage *usage)
{
    if (!b->u->cx->isExpression(c.kind)) {
        bodies_statement(b, c);
        return;
    }
    struct unit_place place = {0};
    const struct macro_site *outer_use = b->use;
    bool pending =
        b->lexed && b->site < b->lexed->sites.n && b->lexed->sites.at[b->site].offset < b->end;
    if (pending) {
        place = unit_spot(b->u, c);
        bodies_enter(b, c, &place);
    }
    struct cx_children parts = {.n = 0};
    bool leaf = c.kind == CXCursor_DeclRefExpr || c.kind == CXCursor_IntegerLiteral ||
                c.kind == CXCursor_StringLiteral || c.kind == CXCursor_CharacterLiteral;
    if (!leaf) {
        cx_children(b->u->cx, c, &parts);
    }
    b->depth++;
    bodies_one_expression(b, c, &parts, usage);
    b->depth--;
    if (!leaf) {
        cx_children_free(&parts);
    }
    b->use = outer_use;
}
