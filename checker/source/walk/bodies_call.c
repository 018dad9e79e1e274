/* Calls of a function body: who is called, through what, and with which arguments. */
#include <stdio.h>
#include <string.h>

#include "source/walk/bodies_expr.h"
#include "source/walk/ops.h"

static const char *const origin_names[] = {[FILE_MAIN] = "local",
                                           [FILE_PROJECT] = "project",
                                           [FILE_LIBRARY] = "library",
                                           [FILE_PYTHON] = "python",
                                           [FILE_SYSTEM] = "system"};

struct call_target {
    CXCursor cursor;
    struct decl *decl; /* NULL: indirect */
    const char *name;
    CXType pointer; /* type of what is called through, when indirect */
    bool is_method, is_const_method, is_operator;
};

/* The template whose body is that of an instance; in a class that is an instance itself, the one
 * that the class's template has. */
static CXCursor
bodies_generic(const struct body_walk *b, CXCursor function)
{
    for (;;) {
        CXCursor generic = b->u->cx->getSpecializedCursorTemplate(function);
        if (b->u->cx->Cursor_isNull(generic) || b->u->cx->equalCursors(generic, function)) {
            return function;
        }
        function = generic;
    }
}

static struct call_target
bodies_target(struct body_walk *b, CXCursor c)
{
    struct call_target target = {.name = NULL};
    target.cursor = b->u->cx->getCursorReferenced(c);
    if (!b->u->cx->Cursor_isNull(target.cursor) && !b->u->cx->isInvalid(target.cursor.kind)) {
        if (b->u->is_cxx) {
            target.cursor = bodies_generic(b, target.cursor);
        }
        struct decl *d = unit_decl(b->u, target.cursor);
        if (d->sort == DECL_FUNCTION) {
            target.decl = d;
            target.name = d->name;
        }
    }
    target.is_method = target.decl && target.cursor.kind == CXCursor_CXXMethod;
    target.is_const_method = target.is_method && b->u->cx->CXXMethod_isConst(target.cursor) != 0;
    target.is_operator = str_starts(target.name, "operator");
    return target;
}

/* Functions without a definition of their own: pure virtual ones, and constructors, destructors and
 * assignments that nobody wrote (they stand at their class's own place). */
static bool
bodies_is_implicit(struct body_walk *b, const struct call_target *target)
{
    if (target->is_method && b->u->cx->CXXMethod_isPureVirtual(target->cursor)) {
        return true; /* derived classes define it */
    }
    bool assignment = target->is_method && str_same(target->name, "operator=");
    if (target->cursor.kind != CXCursor_Constructor && target->cursor.kind != CXCursor_Destructor &&
        !assignment) {
        return false;
    }
    CXFile file = NULL, other = NULL;
    CXCursor class = b->u->cx->getCursorSemanticParent(target->cursor);
    unsigned at = 0, class_at = 0;
    b->u->cx->getExpansionLocation(b->u->cx->getCursorLocation(target->cursor), &file, NULL, NULL,
                                   &at);
    b->u->cx->getExpansionLocation(b->u->cx->getCursorLocation(class), &other, NULL, NULL,
                                   &class_at);
    return at == class_at && file == other;
}

/* Is parameter `index` of the callee a pointer or reference to const? */
static bool
bodies_const_param(struct body_walk *b, const struct call_target *target, unsigned index)
{
    CXType function = target->decl ? b->u->cx->getCursorType(target->cursor)
                                   : b->u->cx->getCanonicalType(target->pointer);
    if (!target->decl && function.kind == CXType_Pointer) {
        function = b->u->cx->getCanonicalType(b->u->cx->getPointeeType(function));
    }
    int n = b->u->cx->getNumArgTypes(function);
    if (n < 0 || index >= (unsigned)n) {
        return false;
    }
    CXType param = b->u->cx->getCanonicalType(b->u->cx->getArgType(function, index));
    if (param.kind != CXType_Pointer && param.kind != CXType_LValueReference) {
        return false;
    }
    return b->u->cx->isConstQualifiedType(b->u->cx->getPointeeType(param)) != 0;
}

static void
bodies_argument(struct body_walk *b, CXCursor arg, const struct call_target *target, int index)
{
    const struct cx *cx = b->u->cx;
    char number[16];
    snprintf(number, sizeof(number), ":%d", index);
    struct usage usage = {
        .how = "read",
        .result = "argument",
        .context = unit_join(b->u, "arg:", target->name ? target->name : "(indirect)", number)};
    bool is_const = bodies_const_param(b, target, (unsigned)index);
    const char *atomic = target->name ? bodies_atomic_how(target->name) : NULL;
    CXCursor inner = cx_strip(cx, arg);
    CXCursor operand;
    bool address =
        inner.kind == CXCursor_UnaryOperator && ops_unary(cx, inner, &operand) == UNARY_ADDRESS;
    if (atomic && index == 0 && address) {
        usage.how = atomic;
        bodies_lvalue(b, operand, &usage);
        return;
    }
    if (is_const && address) {
        usage.how = "const-arg";
    }
    else if (ops_is_unread_lvalue(cx, arg)) {
        usage.how = is_const ? "read" : "addr"; /* C++: bound to a reference */
    }
    if (is_const) {
        usage.op = "const"; /* an array that decays here is only read */
    }
    bodies_expression(b, arg, &usage);
}

static void
bodies_argument_fact(struct body_walk *b, CXCursor arg, int index, long seq)
{
    CXCursor inner = cx_strip(b->u->cx, arg);
    const char *value = inner.kind == CXCursor_LambdaExpr ? "expr" : describe(b->u, arg);
    if (strcmp(value, "expr") == 0 || strcmp(value, "const") == 0) {
        return;
    }
    struct fact_arg *fact = facts_new_arg(b->u->facts, 0, 0, 0);
    fact->func = b->func;
    fact->value = value;
    fact->seq = seq;
    fact->index = index;
    if (inner.kind == CXCursor_DeclRefExpr) {
        CXCursor decl = b->u->cx->getCursorReferenced(inner);
        bool known = !b->u->cx->Cursor_isNull(decl) && !b->u->cx->isInvalid(decl.kind);
        fact->class = known && unit_decl(b->u, decl)->is_object ? "object-pointer" : NULL;
    }
}

/* What a method does to its object. std::atomic's say so by their names. */
static const char *
bodies_method_how(struct body_walk *b, const struct call_target *target)
{
    CXCursor class = b->u->cx->getCursorSemanticParent(target->cursor);
    const char *name = cx_text(b->u->cx, b->u->strings, b->u->cx->getCursorSpelling(class));
    const char *atomic = bodies_atomic_method(name, target->name);
    const char *how = atomic ? atomic : "rmw";
    return !target->is_const_method ? how : atomic ? "atomic-load" : "read";
}

/* The object of a method, below the casts to its base classes. */
static void
bodies_object(struct body_walk *b, CXCursor object, const struct usage *usage)
{
    CXCursor inner = cx_strip(b->u->cx, object);
    if (ops_is_unread_lvalue(b->u->cx, inner)) {
        bodies_lvalue(b, inner, usage);
    }
    else {
        bodies_expression(b, object, usage);
    }
}

/* The expression that is called: a method's object, or a function pointer. */
static void
bodies_callee(struct body_walk *b, CXCursor callee, const struct call_target *target)
{
    CXCursor inner = cx_strip(b->u->cx, callee);
    if (target->decl && inner.kind == CXCursor_DeclRefExpr) {
        return;
    }
    struct usage usage = {.how = "read", .context = "called"};
    if (target->decl && inner.kind == CXCursor_MemberRefExpr) {
        struct cx_children parts;
        cx_children(b->u->cx, inner, &parts);
        usage.how = bodies_method_how(b, target);
        usage.op = target->name;
        if (parts.n && b->u->cx->isExpression(parts.at[0].kind)) {
            bodies_object(b, parts.at[0], &usage);
        }
        cx_children_free(&parts);
        return;
    }
    bodies_expression(b, callee, &usage);
}

/* What is evaluated before the call: what is called through, then the arguments. */
static void
bodies_call_operands(struct body_walk *b, CXCursor c, const struct cx_children *parts, int n,
                     struct call_target *target)
{
    const struct cx *cx = b->u->cx;
    if (parts->n > 0 && (int)parts->n > n) {
        target->pointer = cx->getCursorType(parts->at[0]);
        bodies_callee(b, parts->at[0], target);
    }
    for (int i = 0; i < n; i++) {
        CXCursor arg = cx->Cursor_getArgument(c, (unsigned)i);
        if (target->is_operator && target->is_method && i == 0) {
            struct usage object = {.how = bodies_method_how(b, target), .op = target->name};
            bodies_object(b, arg, &object);
            continue;
        }
        bodies_argument(b, arg, target, i);
    }
}

void
bodies_call(struct body_walk *b, CXCursor c, const struct usage *usage)
{
    const struct cx *cx = b->u->cx;
    struct call_target target = bodies_target(b, c);
    int n = cx->Cursor_getNumArguments(c);
    struct cx_children parts;
    cx_children(cx, c, &parts);
    bodies_call_operands(b, c, &parts, n, &target);
    const char *through = !target.decl && parts.n > 0 ? describe(b->u, parts.at[0]) : NULL;
    const char *on = target.is_method && parts.n > 0 && !bodies_ours(target.decl)
                         ? bodies_lock_object(b, parts.at[0], target.name)
                         : NULL;
    cx_children_free(&parts);
    struct unit_place whole = unit_place(b->u, c), *place = &whole;
    unit_set_file(b->u, place);
    struct fact_call *call =
        facts_new_call(b->u->facts, place->line, place->column, place->end_column);
    call->func = b->func;
    call->seq = ++b->seq;
    call->block = b->block;
    call->nargs = n > 0 ? n : 0;
    call->callee = target.name ? target.name : "(indirect)";
    call->origin = target.decl ? origin_names[target.decl->whose] : "indirect";
    call->id = target.decl && bodies_ours(target.decl) && !bodies_is_implicit(b, &target)
                   ? target.decl->id
                   : through;
    call->result = usage->result ? usage->result : "used";
    call->into = usage->into;
    call->on = on;
    if (place->in_macro) {
        call->macro = unit_word_at(b->u, place);
    }
    call->guard = place->lexed ? lexed_guard(place->lexed, (unsigned)place->line) : NULL;
    for (int i = 0; i < n; i++) {
        bodies_argument_fact(b, cx->Cursor_getArgument(c, (unsigned)i), i, call->seq);
    }
}
