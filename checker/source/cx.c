#include "source/cx.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"

enum { NEWEST_LLVM = 30, OLDEST_LLVM = 14 };

static const char *
cx_resolve(struct cx *cx)
{
#define CX_RESOLVE(name)                                                                           \
    {                                                                                              \
        void *symbol = dlsym(cx->handle, "clang_" #name);                                          \
        if (!symbol) {                                                                             \
            return "clang_" #name;                                                                 \
        }                                                                                          \
        memcpy(&cx->name, &symbol, sizeof(symbol));                                                \
    }
    CX_FUNCTIONS(CX_RESOLVE)
#undef CX_RESOLVE
    return NULL;
}

static bool
cx_try(struct cx *cx, const char *path, struct str *found, struct str *message)
{
    cx->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!cx->handle) {
        str_clear(message);
        str_add(message, dlerror());
        return false;
    }
    const char *missing = cx_resolve(cx);
    if (missing) {
        str_clear(message);
        str_addf(message, "%s is too old: it has no %s (libclang 14 or newer is needed)", path,
                 missing);
        dlclose(cx->handle);
        return false;
    }
    Dl_info info;
    void *symbol = dlsym(cx->handle, "clang_createIndex");
    str_add(found, dladdr(symbol, &info) && info.dli_fname ? info.dli_fname : path);
    return true;
}

bool
cx_open(struct cx *cx, const char *path, struct str *found, struct str *message)
{
    if (path) {
        return cx_try(cx, path, found, message);
    }
    for (int version = NEWEST_LLVM; version >= OLDEST_LLVM; version--) {
        static const char *const patterns[] = {"/usr/lib/llvm-%d/lib/libclang-%d.so.1",
                                               "/usr/lib/llvm-%d/lib/libclang.so.%d",
                                               "/usr/local/lib/llvm-%d/lib/libclang.so.%d"};
        for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
            struct str candidate = {0};
            const char *at = patterns[i];
            for (const char *mark; (mark = strstr(at, "%d")); at = mark + 2) {
                str_addn(&candidate, at, (size_t)(mark - at));
                str_addf(&candidate, "%d", version);
            }
            str_add(&candidate, at);
            bool ok = access(candidate.s, R_OK) == 0 && cx_try(cx, candidate.s, found, message);
            str_free(&candidate);
            if (ok) {
                return true;
            }
        }
    }
    if (cx_try(cx, "libclang.so", found, message) || cx_try(cx, "libclang.so.1", found, message)) {
        return true;
    }
    str_clear(message);
    str_add(message, "libclang was not found (14 or newer): install it, for example "
                     "`apt install libclang-14-dev`, or set EXTCHECK_LIBCLANG to the library");
    return false;
}

/* Does DIR/include hold clang's own stddef.h? */
static bool
cx_is_resource_dir(const char *dir)
{
    struct str header = {0};
    str_addf(&header, "%s/include/stddef.h", dir);
    bool yes = access(header.s, R_OK) == 0;
    str_free(&header);
    return yes;
}

/* The first match of a shell pattern that is a resource directory. */
static bool
cx_glob_resource_dir(const char *pattern, struct str *directory)
{
    glob_t matches;
    bool found = false;
    if (glob(pattern, 0, NULL, &matches) == 0) {
        for (size_t i = 0; i < matches.gl_pathc && !found; i++) {
            found = cx_is_resource_dir(matches.gl_pathv[i]);
            if (found) {
                str_add(directory, matches.gl_pathv[i]);
            }
        }
    }
    globfree(&matches);
    return found;
}

static int
cx_major(const struct cx *cx)
{
    struct str version = {0};
    cx_add(cx, &version, cx->getClangVersion());
    const char *at = version.s ? strstr(version.s, "version ") : NULL;
    int major = at ? (int)strtol(at + 8, NULL, 10) : 0;
    str_free(&version);
    return major;
}

bool
cx_builtin_headers(const struct cx *cx, const char *library, struct str *flag,
                   struct str *directory, struct str *message)
{
    int major = cx_major(cx);
    struct str beside = {0};
    const char *slash = strrchr(library, '/');
    str_addn(&beside, library, slash ? (size_t)(slash - library) : 0);
    struct str pattern = {0};
    const char *const roots[] = {"", "/usr/lib/llvm-", "/usr/lib/clang/", "/usr/lib64/clang/"};
    bool found = false;
    for (int i = 0; i < 4 && !found; i++) {
        str_clear(&pattern);
        if (i == 0) {
            str_addf(&pattern, "%s/clang/%d*", beside.n ? beside.s : ".", major);
        }
        else if (i == 1) {
            str_addf(&pattern, "%s%d/lib/clang/%d*", roots[i], major, major);
        }
        else {
            str_addf(&pattern, "%s%d*", roots[i], major);
        }
        found = cx_glob_resource_dir(pattern.s, directory);
    }
    if (found) {
        str_add(flag, "-resource-dir");
    }
    else if (cx_glob_resource_dir("/usr/lib/gcc/*/*", directory)) {
        /* gcc's own headers serve as well; clang's intrinsics are not needed. */
        str_add(flag, "-nobuiltininc");
        str_add(directory, "/include");
        found = true;
    }
    else {
        str_addf(message,
                 "clang's own headers (stddef.h, limits.h) were not found: install "
                 "libclang-common-%d-dev",
                 major);
    }
    str_free(&pattern);
    str_free(&beside);
    return found;
}

const char *
cx_text(const struct cx *cx, struct interner *strings, CXString s)
{
    const char *text = cx->getCString(s);
    const char *kept = intern(strings, text ? text : "");
    cx->disposeString(s);
    return kept;
}

void
cx_add(const struct cx *cx, struct str *out, CXString s)
{
    const char *text = cx->getCString(s);
    str_add(out, text ? text : "");
    cx->disposeString(s);
}

unsigned
cx_offset(const struct cx *cx, CXCursor c, CXFile *file)
{
    unsigned offset = 0;
    CXSourceLocation start = cx->getRangeStart(cx->getCursorExtent(c));
    cx->getExpansionLocation(start, file, NULL, NULL, &offset);
    return offset;
}

bool
cx_in_macro(CXSourceRange range)
{
    /* The API has no question for this that libclang 14 and 19 answer alike; the top bit of a raw
     * location has meant "in a macro" in every version (tests/source checks it). */
    return range.begin_int_data >> 31 != 0;
}

unsigned
cx_end_offset(const struct cx *cx, CXCursor c)
{
    unsigned offset = 0;
    cx->getExpansionLocation(cx->getRangeEnd(cx->getCursorExtent(c)), NULL, NULL, NULL, &offset);
    return offset;
}

static enum CXChildVisitResult
cx_collect(CXCursor c, CXCursor parent, CXClientData data)
{
    (void)parent;
    struct cx_children *out = data;
    if (out->n == out->cap) {
        unsigned cap = out->cap * 2;
        CXCursor *bigger = xmalloc(cap * sizeof(*bigger));
        memcpy(bigger, out->at, out->n * sizeof(*bigger));
        if (out->at != out->few) {
            free(out->at);
        }
        out->at = bigger;
        out->cap = cap;
    }
    out->at[out->n++] = c;
    return CXChildVisit_Continue;
}

/* ---- what is remembered ---- */

struct cx_memo_cell {
    const void *declaration, *node;
    CXCursor *at;
    unsigned kind, n, generation;
};

enum { MEMO_CELLS = 1024, MEMO_MOST = 1 << 18 };

void
cx_memo_reset(struct cx_memo *memo)
{
    arena_free(&memo->arena);
    memo->n = 0;
    memo->generation++;
}

void
cx_memo_free(struct cx_memo *memo)
{
    arena_free(&memo->arena);
    free(memo->cells);
    *memo = (struct cx_memo){0};
}

static struct cx_memo_cell *
cx_memo_probe(const struct cx_memo *memo, CXCursor c)
{
    size_t at = ((size_t)c.data[1] >> 3) * 2654435761u & (memo->cap - 1);
    for (;; at = (at + 1) & (memo->cap - 1)) {
        struct cx_memo_cell *cell = &memo->cells[at];
        bool here = cell->node == c.data[1] && cell->declaration == c.data[0] &&
                    cell->kind == (unsigned)c.kind;
        if (cell->generation != memo->generation || here) {
            return cell;
        }
    }
}

static void
cx_memo_grow(struct cx_memo *memo)
{
    struct cx_memo bigger = *memo;
    bigger.cap = memo->cap ? memo->cap * 2 : MEMO_CELLS;
    bigger.generation = memo->generation ? memo->generation : 1;
    bigger.cells = xcalloc(bigger.cap, sizeof(*bigger.cells));
    for (size_t i = 0; i < memo->cap; i++) {
        const struct cx_memo_cell *old = &memo->cells[i];
        if (old->generation == memo->generation) {
            CXCursor key = {.kind = (enum CXCursorKind)old->kind,
                            .data = {old->declaration, old->node, NULL}};
            *cx_memo_probe(&bigger, key) = *old;
        }
    }
    free(memo->cells);
    *memo = bigger;
}

/* The cell to read or fill; NULL when this node is not to be remembered. */
static struct cx_memo_cell *
cx_memo_cell(const struct cx *cx, CXCursor c)
{
    struct cx_memo *memo = cx->memo;
    bool node = c.kind >= CXCursor_FirstExpr && c.kind <= CXCursor_LastStmt && c.data[1];
    if (!memo || !node || memo->n >= MEMO_MOST) {
        return NULL;
    }
    if ((memo->n + 1) * 2 > memo->cap) {
        cx_memo_grow(memo);
    }
    return cx_memo_probe(memo, c);
}

static void
cx_memo_fill(struct cx_memo *memo, struct cx_memo_cell *cell, CXCursor c,
             const struct cx_children *found)
{
    CXCursor *at = found->n ? arena_alloc(&memo->arena, found->n * sizeof(*at)) : NULL;
    if (found->n) {
        memcpy(at, found->at, found->n * sizeof(*at));
    }
    *cell = (struct cx_memo_cell){c.data[0],        c.data[1], at,
                                  (unsigned)c.kind, found->n,  memo->generation};
    memo->n++;
}

void
cx_children(const struct cx *cx, CXCursor c, struct cx_children *out)
{
    struct cx_memo_cell *cell = cx_memo_cell(cx, c);
    if (cell && cell->generation == cx->memo->generation) {
        out->at = cell->at;
        out->n = cell->n;
        out->borrowed = true;
        return;
    }
    out->at = out->few;
    out->n = 0;
    out->cap = sizeof(out->few) / sizeof(*out->few);
    out->borrowed = false;
    cx->visitChildren(c, cx_collect, out);
    if (cell && out->n < MEMO_MOST / 64) {
        cx_memo_fill(cx->memo, cell, c, out);
    }
}

void
cx_children_free(struct cx_children *children)
{
    if (!children->borrowed && children->at != children->few) {
        free(children->at);
    }
}

CXCursor
cx_strip(const struct cx *cx, CXCursor c)
{
    for (;;) {
        bool wrapper = c.kind == CXCursor_UnexposedExpr || c.kind == CXCursor_ParenExpr;
        bool cast = c.kind == CXCursor_CStyleCastExpr || c.kind == CXCursor_CXXStaticCastExpr ||
                    c.kind == CXCursor_CXXReinterpretCastExpr ||
                    c.kind == CXCursor_CXXConstCastExpr || c.kind == CXCursor_CXXFunctionalCastExpr;
        if (!wrapper && !cast) {
            return c;
        }
        /* A cast's first children name its type; the operand comes last. */
        struct cx_children parts;
        cx_children(cx, c, &parts);
        CXCursor last = parts.n ? parts.at[parts.n - 1] : c;
        bool deeper = parts.n && !(wrapper && parts.n > 1) && cx->isExpression(last.kind);
        cx_children_free(&parts);
        if (!deeper) {
            return c;
        }
        c = last;
    }
}
