/* Statements of a function body, in the order they run. */
#include "source/walk/bodies.h"

#include <string.h>

#include "source/walk/twin.h"

static const struct usage usage_discarded = {.how = "read", .result = "discarded"};
static const struct usage usage_read = {.how = "read", .result = "used"};
static const struct usage usage_tested = {.how = "read", .result = "tested", .context = "tested"};

enum { MAX_DEPTH = 3000 };

struct fact_block *
bodies_open(struct body_walk *b, const struct unit_place *place, const char *kind, long *outer)
{
    unit_set_file(b->u, place);
    struct fact_block *block =
        facts_new_block(b->u->facts, place->line, place->column, place->end_column);
    *outer = b->block;
    block->func = b->func;
    block->kind = kind;
    block->id = ++b->nblocks;
    block->parent = b->block;
    block->first = b->seq + 1;
    block->cond = NULL;
    b->block = block->id;
    return block;
}

void
bodies_close(struct body_walk *b, struct fact_block *block, long outer)
{
    block->last = b->seq;
    b->block = outer;
}

static void
bodies_in_block(struct body_walk *b, CXCursor c, const char *kind, const char *cond)
{
    struct unit_place place = unit_place(b->u, c);
    long outer;
    struct fact_block *block = bodies_open(b, &place, kind, &outer);
    block->cond = cond;
    bodies_statement(b, c);
    bodies_close(b, block, outer);
}

void
bodies_jump(struct body_walk *b, const struct unit_place *place, const char *kind,
            const char *value)
{
    unit_set_file(b->u, place);
    struct fact_jump *jump =
        facts_new_jump(b->u->facts, place->line, place->column, place->end_column);
    jump->func = b->func;
    jump->kind = kind;
    jump->value = value;
    jump->seq = ++b->seq;
    jump->block = b->block;
}

static void
bodies_if(struct body_walk *b, const struct cx_children *parts)
{
    unsigned i = 0;
    /* C++: an init statement or a declared condition comes first. */
    while (i + 2 < parts->n && !b->u->cx->isExpression(parts->at[i].kind)) {
        bodies_statement(b, parts->at[i++]);
    }
    if (i >= parts->n) {
        return;
    }
    const char *cond = bodies_condition(b, parts->at[i]);
    long constant = -1;
    bool known = (strstr(cond, "expr") || strstr(cond, "const:")) &&
                 describe_integer(b->u, parts->at[i], &constant);
    bodies_expression(b, parts->at[i], &usage_tested);
    /* A branch that the configuration switches off is no code. */
    if (i + 1 < parts->n && !(known && constant == 0)) {
        bodies_in_block(b, parts->at[i + 1], "then", known ? "const:1" : cond);
    }
    if (i + 2 < parts->n && !(known && constant != 0)) {
        bodies_in_block(b, parts->at[i + 2], "else", known ? "const:1" : cond);
    }
}

/* The body comes last, in a `do` first; conditions are evaluated inside the loop. */
static void
bodies_loop(struct body_walk *b, CXCursor c, const struct cx_children *parts)
{
    struct unit_place place = unit_place(b->u, c);
    long outer;
    unsigned i = 0;
    if (c.kind == CXCursor_ForStmt && parts->n > 1 && parts->at[0].kind == CXCursor_DeclStmt) {
        bodies_statement(b, parts->at[i++]);
    }
    struct fact_block *block = bodies_open(b, &place, "loop", &outer);
    if (c.kind == CXCursor_WhileStmt && parts->n) {
        block->cond = bodies_condition(b, parts->at[0]);
    }
    else if (c.kind == CXCursor_DoStmt) {
        block->cond = "do";
    }
    for (; i < parts->n; i++) {
        bodies_statement(b, parts->at[i]);
    }
    bodies_close(b, block, outer);
}

static void
bodies_return(struct body_walk *b, const struct unit_place *place, const struct cx_children *parts)
{
    const char *value = NULL;
    if (parts->n) {
        struct usage usage = {.how = "read", .result = "returned", .context = "returned"};
        CXCursor inner = cx_strip(b->u->cx, parts->at[0]);
        value = inner.kind == CXCursor_ConditionalOperator ? "expr" : describe(b->u, parts->at[0]);
        bodies_expression(b, parts->at[0], &usage);
    }
    bodies_jump(b, place, "return", value);
}

static void
bodies_local(struct body_walk *b, CXCursor c)
{
    const struct cx *cx = b->u->cx;
    struct decl *d = unit_decl(b->u, c);
    struct body_name name = {.name = d->name, .ref = d->ref};
    vec_push(&b->names, name);
    CXCursor init = cx->Cursor_getVarDeclInitializer(c);
    if (d->sort == DECL_STATIC) {
        decls_variable(b->u, c, b->func);
        if (!cx->Cursor_isNull(init) && b->u->is_cxx) {
            /* A dynamic initialiser of a local static runs here, once. */
            struct usage usage = {
                .how = "read", .result = "stored", .into = d->ref, .context = "static-init"};
            bodies_expression(b, init, &usage);
        }
        return;
    }
    if (cx->Cursor_isNull(init)) {
        return;
    }
    struct usage usage = {.how = "read", .result = "stored", .into = d->ref, .context = "stored"};
    const char *value = describe(b->u, init);
    bodies_expression(b, init, &usage);
    if (strcmp(value, "expr") != 0 && strncmp(value, "const", 5) != 0) {
        struct unit_place place = unit_place(b->u, c);
        struct fact_access *a = bodies_access(b, &place, "write", d->ref);
        a->value = value;
        a->class = d->is_object ? "object-pointer" : NULL;
    }
}

static void
bodies_declaration(struct body_walk *b, const struct cx_children *parts)
{
    for (unsigned i = 0; i < parts->n; i++) {
        if (parts->at[i].kind == CXCursor_VarDecl) {
            bodies_local(b, parts->at[i]);
        }
    }
}

static void
bodies_compound(struct body_walk *b, CXCursor c, const struct unit_place *place,
                const struct cx_children *parts)
{
    const struct macro_site *use = b->use;
    bool region = use && use->offset == place->offset &&
                  (strstr(use->name, "_BEGIN_") || str_starts(use->name, "Py_BEGIN_"));
    long outer = 0;
    struct fact_block *block = NULL;
    if (region) {
        struct unit_place whole = unit_place(b->u, c);
        block = bodies_open(b, &whole, "region", &outer);
        block->macro = use->name;
        block->cond = use->args;
    }
    for (unsigned i = 0; i < parts->n; i++) {
        bodies_statement(b, parts->at[i]);
    }
    if (b->u->is_cxx && b->depth > 1) {
        bodies_scope_ends(b, parts);
    }
    if (block) {
        bodies_close(b, block, outer);
    }
}

static void
bodies_children(struct body_walk *b, const struct cx_children *parts)
{
    for (unsigned i = 0; i < parts->n; i++) {
        bodies_statement(b, parts->at[i]);
    }
}

static void
bodies_control(struct body_walk *b, CXCursor c, const struct unit_place *place,
               const struct cx_children *parts)
{
    switch ((int)c.kind) {
    case CXCursor_ReturnStmt:
        bodies_return(b, place, parts);
        break;
    case CXCursor_BreakStmt:
        bodies_jump(b, place, "break", NULL);
        break;
    case CXCursor_ContinueStmt:
        bodies_jump(b, place, "continue", NULL);
        break;
    case CXCursor_GotoStmt:
        bodies_jump(
            b, place, "goto",
            parts->n ? cx_text(b->u->cx, b->u->strings, b->u->cx->getCursorSpelling(parts->at[0]))
                     : NULL);
        break;
    case CXCursor_LabelStmt:
        bodies_jump(b, place, "label",
                    cx_text(b->u->cx, b->u->strings, b->u->cx->getCursorSpelling(c)));
        bodies_children(b, parts);
        break;
    default:
        break;
    }
}

static void
bodies_one(struct body_walk *b, CXCursor c, const struct unit_place *place,
           const struct cx_children *parts)
{
    switch ((int)c.kind) {
    case CXCursor_CompoundStmt:
        bodies_compound(b, c, place, parts);
        break;
    case CXCursor_IfStmt:
        bodies_if(b, parts);
        break;
    case CXCursor_ForStmt:
    case CXCursor_WhileStmt:
    case CXCursor_DoStmt:
    case CXCursor_CXXForRangeStmt:
        bodies_loop(b, c, parts);
        break;
    case CXCursor_SwitchStmt:
        if (parts->n) {
            bodies_expression(b, parts->at[0], &usage_tested);
            bodies_in_block(b, parts->at[parts->n - 1], "switch", "expr");
        }
        break;
    case CXCursor_CaseStmt:
    case CXCursor_DefaultStmt:
        if (parts->n) {
            bodies_statement(b, parts->at[parts->n - 1]);
        }
        break;
    case CXCursor_CXXTryStmt:
        bodies_children(b, parts);
        break;
    case CXCursor_CXXCatchStmt:
        if (parts->n) {
            bodies_in_block(b, parts->at[parts->n - 1], "catch", "expr");
        }
        break;
    case CXCursor_DeclStmt:
        bodies_declaration(b, parts);
        break;
    case CXCursor_ReturnStmt:
    case CXCursor_BreakStmt:
    case CXCursor_ContinueStmt:
    case CXCursor_GotoStmt:
    case CXCursor_LabelStmt:
        bodies_control(b, c, place, parts);
        break;
    case CXCursor_VarDecl:
        bodies_local(b, c);
        break;
    default:
        bodies_children(b, parts); /* attributed statements and the like */
        break;
    }
}

/* Statements of which no fact names the end: those that jump have one. */
static bool
bodies_only_spot(CXCursor c)
{
    return c.kind >= CXCursor_FirstStmt && c.kind <= CXCursor_LastStmt &&
           c.kind != CXCursor_ReturnStmt && c.kind != CXCursor_BreakStmt &&
           c.kind != CXCursor_ContinueStmt && c.kind != CXCursor_GotoStmt &&
           c.kind != CXCursor_LabelStmt;
}

void
bodies_statement(struct body_walk *b, CXCursor c)
{
    const struct cx *cx = b->u->cx;
    if (b->depth > MAX_DEPTH) {
        return; /* a generated chain; the unit says so through its nesting */
    }
    if (cx->isExpression(c.kind)) {
        bodies_expression(b, c, c.kind == CXCursor_CallExpr ? &usage_discarded : &usage_read);
        return;
    }
    struct unit_place place = bodies_only_spot(c) ? unit_spot(b->u, c) : unit_place(b->u, c);
    const struct macro_site *outer_use = b->use;
    bodies_enter(b, c, &place);
    struct cx_children parts;
    cx_children(cx, c, &parts);
    b->depth++;
    bodies_one(b, c, &place, &parts);
    b->depth--;
    cx_children_free(&parts);
    b->use = outer_use;
}

static void
bodies_walk(struct unit *u, CXCursor c, const char *id, unsigned first_param)
{
    struct unit_place place = unit_place(u, c);
    struct body_walk b = {
        .u = u, .func = id, .lexed = place.lexed, .last_offset = place.offset, .end = place.end};
    if (b.lexed) {
        while (b.site < b.lexed->sites.n && b.lexed->sites.at[b.site].offset < place.offset) {
            b.site++;
        }
    }
    int n = u->cx->Cursor_getNumArguments(c);
    for (int i = (int)first_param; i < n; i++) {
        struct decl *d = unit_decl(u, u->cx->Cursor_getArgument(c, (unsigned)i));
        struct body_name name = {.name = d->name, .ref = d->ref};
        vec_push(&b.names, name);
    }
    struct cx_children parts;
    cx_children(u->cx, c, &parts);
    for (unsigned i = 0; i < parts.n; i++) {
        if (parts.at[i].kind == CXCursor_CompoundStmt || parts.at[i].kind == CXCursor_CXXTryStmt) {
            long outer;
            struct fact_block *body = bodies_open(&b, &place, "body", &outer);
            bodies_statement(&b, parts.at[i]);
            bodies_finish_macros(&b, place.end);
            bodies_close(&b, body, outer);
        }
        else if (u->cx->isExpression(parts.at[i].kind)) {
            bodies_expression(&b, parts.at[i], &usage_read); /* member initialisers */
        }
    }
    cx_children_free(&parts);
    vec_free(&b.names);
}

void
bodies_function(struct unit *u, CXCursor c, const char *id)
{
    if (u->twin && twin_copy(u->twin, u, c)) {
        return;
    }
    size_t first = u->facts->all.n;
    bodies_walk(u, c, id, 0);
    if (u->twin) {
        twin_note(u->twin, u, c, first);
    }
}

const char *
bodies_lambda(struct body_walk *b, CXCursor c)
{
    struct unit_place place = unit_place(b->u, c);
    struct str id = {0};
    str_addf(&id, "%s#lambda@%d:%d", place.file->path, place.line, place.column);
    const char *kept = facts_intern(b->u->facts, id.s);
    str_free(&id);
    unit_set_file(b->u, &place);
    struct fact_function *f =
        facts_new_function(b->u->facts, place.line, place.column, place.end_column);
    f->id = kept;
    f->name = "(lambda)";
    f->linkage = "internal";
    unsigned end_line = 0;
    b->u->cx->getExpansionLocation(b->u->cx->getRangeEnd(b->u->cx->getCursorExtent(c)), NULL,
                                   &end_line, NULL, NULL);
    f->end_line = end_line;
    bodies_walk(b->u, c, kept, 0);
    return kept;
}
