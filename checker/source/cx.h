/* libclang, opened late. Every difference between its versions is settled in cx.c.
 *
 * The table holds one pointer per libclang function in use, named without its "clang_" prefix:
 * `cx->getCursorSpelling(c)`. Headers of any version from 14 on can be compiled against and any
 * library from 14 on can be opened (probed on 14 and 19).
 *
 * Ownership: cx_open() fills the caller's table; strings from cx_text() go into the caller's
 * interner. Threads: read-only after cx_open(). Errors: cx_open() returns false with a message. */
#ifndef EXTCHECK_SOURCE_CX_H
#define EXTCHECK_SOURCE_CX_H

#include <clang-c/Index.h>
#include <stdbool.h>

#include "base/map.h"
#include "base/str.h"

/* The formatter would nest these rows. */
/* clang-format off */
#define CX_FUNCTIONS(X)                                                                            \
    X(getClangVersion) X(createIndex) X(disposeIndex) X(parseTranslationUnit2)                     \
    X(disposeTranslationUnit) X(saveTranslationUnit) X(getTranslationUnitCursor)                   \
    X(getNumDiagnostics) X(getDiagnostic) X(disposeDiagnostic) X(getDiagnosticSeverity)            \
    X(getDiagnosticSpelling) X(getDiagnosticLocation) X(getFileLocation) X(getExpansionLocation)   \
    X(getFile) X(getFileName) X(File_isEqual) X(visitChildren) X(getCursorSpelling)                \
    X(getCursorDisplayName) X(getCursorReferenced) X(getCursorDefinition) X(getCursorLocation)     \
    X(getCursorExtent) X(getRangeStart) X(getRangeEnd) X(getCursorType) X(getCursorUSR)            \
    X(getCursorSemanticParent) X(getCursorLexicalParent) X(getCursorLinkage)                       \
    X(getCursorVisibility) X(getCursorTLSKind) X(isCursorDefinition) X(isInvalid) X(isExpression)  \
    X(Cursor_getStorageClass) X(Cursor_hasVarDeclGlobalStorage) X(Cursor_getVarDeclInitializer)    \
    X(Cursor_getNumArguments) X(Cursor_getArgument) X(Cursor_isNull) X(Cursor_Evaluate)            \
    X(Cursor_isFunctionInlined) X(Cursor_isAnonymous)                                              \
    X(EvalResult_getKind) X(EvalResult_getAsLongLong) X(EvalResult_getAsStr)                       \
    X(EvalResult_isUnsignedInt) X(EvalResult_dispose) X(getCanonicalType) X(getPointeeType)        \
    X(getArrayElementType) X(getResultType) X(getTypeDeclaration) X(getTypeSpelling)               \
    X(getTypedefName) X(isConstQualifiedType) X(isVolatileQualifiedType) X(Type_visitFields)       \
    X(Type_getSizeOf) X(getNumArgTypes) X(getArgType) X(getInclusions) X(getCString)               \
    X(disposeString) X(getEnumConstantDeclValue) X(Location_isInSystemHeader)                      \
    X(equalCursors) X(getCursorKindSpelling) X(getTypedefDeclUnderlyingType)                       \
    X(Type_getNamedType) X(getSpecializedCursorTemplate) X(CXXMethod_isConst)                      \
    X(CXXMethod_isStatic) X(CXXMethod_isPureVirtual) X(Type_getValueType)                          \
    X(Type_getTemplateArgumentAsType) X(isFunctionTypeVariadic)
/* clang-format on */

/* Children of the expressions and statements of one function: libclang takes longer to find them
 * than to parse them, and a walk asks several times. */
struct cx_memo {
    struct cx_memo_cell *cells;
    size_t n, cap;
    unsigned generation; /* cells of an older one are free */
    struct arena arena;
};

struct cx {
    void *handle;
    struct cx_memo *memo; /* NULL: nothing is remembered */
#define CX_POINTER(name) __typeof__(clang_##name) *name;
    CX_FUNCTIONS(CX_POINTER)
#undef CX_POINTER
};

/* Opens the library at path, or searches when path is NULL. On failure *message says what to
 * install. *found receives the path of the library. */
bool cx_open(struct cx *cx, const char *path, struct str *found, struct str *message);

/* The flags that make clang's own headers (stddef.h, limits.h) findable: "-resource-dir DIR", or
 * gcc's include folder. Returns false with the missing package named. */
bool cx_builtin_headers(const struct cx *cx, const char *library, struct str *flag,
                        struct str *directory, struct str *message);

/* Interns a CXString and disposes of it. */
const char *cx_text(const struct cx *cx, struct interner *strings, CXString s);
/* Appends a CXString and disposes of it. */
void cx_add(const struct cx *cx, struct str *out, CXString s);

/* Byte offset of a cursor's start or end, and its file, after macro expansion: a node that comes
 * out of a macro stands where the macro was written. "Is from main file" must not be used: its
 * answer for such nodes is about the header that holds the macro. */
unsigned cx_offset(const struct cx *cx, CXCursor c, CXFile *file);
/* Does the range start in the expansion of a macro? */
bool cx_in_macro(CXSourceRange range);
unsigned cx_end_offset(const struct cx *cx, CXCursor c);

/* The children of a cursor, in order, at most max; returns how many there are. */
enum { CX_MAX_CHILDREN = 4096 };
struct cx_children {
    CXCursor *at;
    unsigned n;
    CXCursor few[8];
    unsigned cap;
    bool borrowed; /* of the memo */
};
void cx_children(const struct cx *cx, CXCursor c, struct cx_children *out);
void cx_children_free(struct cx_children *children);
/* Forgets what is remembered. */
void cx_memo_reset(struct cx_memo *memo);
void cx_memo_free(struct cx_memo *memo);

/* Without parentheses, casts and the nodes libclang has no kind for but which have one child. */
CXCursor cx_strip(const struct cx *cx, CXCursor c);

#endif
