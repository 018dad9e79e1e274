/* The walk over one function body. bodies.c walks statements, bodies_expr.c expressions (see
 * bodies_expr.h), bodies_macro.c brings in the uses of macros that matter, bodies_cond.c describes
 * conditions.
 *
 * Events are numbered (seq) in the order they happen: arguments before their call, the right side
 * before the store. */
#ifndef EXTCHECK_SOURCE_BODIES_H
#define EXTCHECK_SOURCE_BODIES_H

#include "source/walk/unit.h"

struct body_name { /* a local variable, for macro arguments, which are text */
    const char *name, *ref;
};

struct body_walk {
    struct unit *u;
    const char *func;
    struct fact_function *fact;
    long seq;
    long block, nblocks;
    VEC(struct body_name) names;
    /* macro sites of the file the function stands in */
    struct lexed *lexed;
    size_t site;                  /* the next one */
    const struct macro_site *use; /* the one whose expansion is being walked, or NULL */
    unsigned last_offset, end;    /* offset of the node before; end of the function */
    int depth;
};

/* How the value of an expression is used. */
struct usage {
    const char *how;   /* of an lvalue: "read", "write", "rmw", "addr" */
    const char *value; /* descriptor of what is written */
    const char *op;
    const char *result;  /* discarded | returned | tested | stored | argument | used */
    const char *into;    /* where the result goes: "var:ID", "local:x", "field:..." */
    const char *context; /* "arg:CALLEE:INDEX", "stored", "returned" */
};

void bodies_expression(struct body_walk *b, CXCursor c, const struct usage *usage);
void bodies_statement(struct body_walk *b, CXCursor c);
/* States that the path ends or goes on elsewhere: "return", "goto", "throw". */
void bodies_jump(struct body_walk *b, const struct unit_place *place, const char *kind,
                 const char *value);
/* A lambda becomes a function of its own; returns its id. */
const char *bodies_lambda(struct body_walk *b, CXCursor c);
/* Call on entering any node: emits the macro uses that stand before or at it. */
void bodies_enter(struct body_walk *b, CXCursor c, const struct unit_place *place);
/* Emits what is left at the end of the function. */
void bodies_finish_macros(struct body_walk *b, unsigned end);
/* The descriptor of argument `index` of a macro use, from its text. */
const char *bodies_macro_value(struct body_walk *b, const struct macro_site *site, int index);
/* "null(var:x)" and the like; see kinds.def, block. */
const char *bodies_condition(struct body_walk *b, CXCursor c);

/* C++: the descriptor of the object that a method of a lock is called on; NULL for others. */
const char *bodies_lock_object(struct body_walk *b, CXCursor callee, const char *method);
/* C++: emits the end of lock guards that the statements of an inner scope declare. */
void bodies_scope_ends(struct body_walk *b, const struct cx_children *parts);

struct fact_access *bodies_access(struct body_walk *b, const struct unit_place *place,
                                  const char *how, const char *var);
struct fact_block *bodies_open(struct body_walk *b, const struct unit_place *place,
                               const char *kind, long *outer);
void bodies_close(struct body_walk *b, struct fact_block *block, long outer);

#endif
