/* Expressions of a function body: loads, stores, calls, atomics. */
#include <stdio.h>
#include <string.h>

#include "source/bodies.h"
#include "source/ops.h"

static const struct usage usage_read = {.how = "read", .result = "used"};
/* Of a pointer nothing is used but whether it is null or equal to another one. */
static const struct usage usage_compared = {.how = "read", .result = "tested"};

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

static bool
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
        return path && strcmp(how, "read") != 0;
    }
    switch (root->sort) {
    case DECL_STATIC:
        return bodies_ours(root) || strcmp(root->name, "environ") == 0 ||
               (root->whose == FILE_PYTHON && strcmp(how, "read") != 0);
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
                      str_starts(record, "_ts") || str_starts(record, "_frame"));
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

static void
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

static void
bodies_lvalue(struct body_walk *b, CXCursor c, const struct usage *usage)
{
    if (c.kind != CXCursor_DeclRefExpr) {
        bodies_lvalue_inside(b, c);
    }
    bodies_lvalue_fact(b, c, usage);
}

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

/* ---- atomics: nameless nodes whose name stands in the text ---- */

static const char *
bodies_atomic_how(const char *name)
{
    if (!name || (!strstr(name, "atomic") && !str_starts(name, "__sync_"))) {
        return NULL;
    }
    if (strstr(name, "compare_exchange") || strstr(name, "compare_and_swap")) {
        return "atomic-cas";
    }
    if (strstr(name, "load")) {
        return "atomic-load";
    }
    if (strstr(name, "store") || strstr(name, "_clear") || strstr(name, "release")) {
        return "atomic-store";
    }
    if (strstr(name, "exchange") || strstr(name, "fetch") || strstr(name, "test_and_set") ||
        strstr(name, "atomic_add") || strstr(name, "atomic_or") || strstr(name, "atomic_and")) {
        return "atomic-rmw";
    }
    return NULL;
}

/* The atomic operation an unexposed node stands for, or NULL. */
static const char *
bodies_atomic_at(struct body_walk *b, CXCursor c)
{
    /* Such macros come from anywhere; the word atomic stands here or in the macro's name. */
    if (b->lexed && !b->lexed->mentions_atomics && !b->u->macros->hide_atomics) {
        return NULL;
    }
    struct unit_place place = unit_spot(b->u, c);
    const char *word = unit_word_at(b->u, &place);
    const char *how = bodies_atomic_how(word);
    if (!how && word) {
        how = bodies_atomic_how(map_get(&b->u->macros->user, word));
    }
    return how;
}

static void
bodies_atomic(struct body_walk *b, const struct cx_children *parts, const char *how)
{
    for (unsigned i = 0; i < parts->n; i++) {
        CXCursor inner = cx_strip(b->u->cx, parts->at[i]);
        CXCursor operand = inner;
        bool address = inner.kind == CXCursor_UnaryOperator &&
                       ops_unary(b->u->cx, inner, &operand) == UNARY_ADDRESS;
        if (i == 0 && address) {
            struct usage usage = {
                .how = how, .value = parts->n > 1 ? describe(b->u, parts->at[parts->n - 1]) : NULL};
            bodies_lvalue(b, operand, &usage);
        }
        else if (!address || i > 0) {
            bodies_expression(b, parts->at[i], &usage_read);
        }
    }
}

/* ---- calls ---- */

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

static struct call_target
bodies_target(struct body_walk *b, CXCursor c)
{
    struct call_target target = {.name = NULL};
    target.cursor = b->u->cx->getCursorReferenced(c);
    if (!b->u->cx->Cursor_isNull(target.cursor) && !b->u->cx->isInvalid(target.cursor.kind)) {
        if (b->u->is_cxx) {
            /* The body of an instance is that of its template. */
            CXCursor generic = b->u->cx->getSpecializedCursorTemplate(target.cursor);
            target.cursor = b->u->cx->Cursor_isNull(generic) ? target.cursor : generic;
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
    if (strstr(name, "atomic")) {
        const char *how =
            bodies_atomic_how(intern_n(b->u->strings, target->name, strlen(target->name)));
        static const char *const words[][2] = {{"compare_exchange", "atomic-cas"},
                                               {"load", "atomic-load"},
                                               {"store", "atomic-store"},
                                               {"operator=", "atomic-store"},
                                               {"operator", "atomic-rmw"},
                                               {"exchange", "atomic-rmw"},
                                               {"fetch", "atomic-rmw"}};
        for (size_t i = 0; !how && i < sizeof(words) / sizeof(*words); i++) {
            bool whole = strcmp(words[i][0], "operator=") == 0;
            bool fits = whole ? strcmp(target->name, words[i][0]) == 0
                              : strstr(target->name, words[i][0]) != NULL;
            how = fits ? words[i][1] : NULL;
        }
        if (how) {
            return target->is_const_method ? "atomic-load" : how;
        }
    }
    return target->is_const_method ? "read" : "rmw";
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

static void
bodies_call(struct body_walk *b, CXCursor c, const struct usage *usage)
{
    const struct cx *cx = b->u->cx;
    struct call_target target = bodies_target(b, c);
    int n = cx->Cursor_getNumArguments(c);
    struct cx_children parts;
    cx_children(cx, c, &parts);
    if (parts.n > 0 && (int)parts.n > n) {
        target.pointer = cx->getCursorType(parts.at[0]);
        bodies_callee(b, parts.at[0], &target);
    }
    for (int i = 0; i < n; i++) {
        CXCursor arg = cx->Cursor_getArgument(c, (unsigned)i);
        if (target.is_operator && target.is_method && i == 0) {
            struct usage object = {.how = bodies_method_how(b, &target), .op = target.name};
            bodies_object(b, arg, &object);
            continue;
        }
        bodies_argument(b, arg, &target, i);
    }
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

/* ---- everything ---- */

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
        bodies_expression(b, parts->at[i], i == 0 ? &tested : usage);
    }
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
