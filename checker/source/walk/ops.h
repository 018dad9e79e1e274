/* Operators from structure. LLVM 14's C API does not say which operator a node is; loads are
 * wrapped in an unexposed node, so an operand that is not wrapped is stored to or has its address
 * taken. Against LLVM 19's own answer the method made no mistake on CPython's Modules. */
#ifndef EXTCHECK_SOURCE_OPS_H
#define EXTCHECK_SOURCE_OPS_H

#include "source/cx.h"

enum unary_op { UNARY_ADDRESS, UNARY_DEREFERENCE, UNARY_STEP, UNARY_OTHER };
enum binary_op { BINARY_ASSIGN, BINARY_OTHER };

/* STEP is ++ or --. */
enum unary_op ops_unary(const struct cx *cx, CXCursor c, CXCursor *operand);
enum binary_op ops_binary(const struct cx *cx, CXCursor c, CXCursor *left, CXCursor *right);
/* Is the cursor an lvalue that is not read here? */
bool ops_is_unread_lvalue(const struct cx *cx, CXCursor c);

#endif
