/* Includes: which of the project's headers a unit reaches, and what stands before Python.h. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "source/plan/includes_paths.h"

enum { MAX_HEADERS = 2000 };

struct plan_header {
    const char *real;
    struct lexed lexed;
    bool ok;
    bool asked, brings_python; /* does it include Python.h, itself or through its own headers? */
};

static bool
includes_below(const char *path, const char *root)
{
    size_t n = strlen(root);
    return strncmp(path, root, n) == 0 && path[n] == '/';
}

static bool
includes_is_project(const struct plan *plan, const struct plan_unit *unit, const char *real)
{
    for (size_t i = 0; i < plan->python_roots.n; i++) {
        if (includes_below(real, plan->python_roots.at[i])) {
            return false;
        }
    }
    return includes_below(real, unit->root) && !strstr(real, "/site-packages/");
}

static struct plan_header *
includes_header(struct plan *plan, const char *real)
{
    struct plan_header *header = map_get(&plan->header_files, real);
    if (!header) {
        header = arena_alloc(&plan->arena, sizeof(*header));
        header->real = real;
        header->ok = lexer_read(&header->lexed, real, &plan->macros);
        map_set(&plan->header_files, real, header);
    }
    return header;
}

struct includes_walk {
    struct plan *plan;
    struct plan_unit *unit;
    bool found_python;
};

static bool
includes_neutral(const char *directive)
{
    if (str_starts(directive, "if") || str_starts(directive, "el") ||
        str_starts(directive, "endif")) {
        return false;
    }
    return strstr(directive, "PY_SSIZE_T_CLEAN") || strstr(directive, "_GNU_SOURCE") ||
           str_starts(directive, "pragma") || str_starts(directive, "error") ||
           str_starts(directive, "warning") || str_starts(directive, "line");
}

/* Is directive number i half of the file's own include guard? */
static bool
includes_is_guard(const struct lexed *lexed, size_t i)
{
    if (lexed->directives.n < 2 || !str_starts(lexed->directives.at[0], "ifndef")) {
        return false;
    }
    const char *name = lexed->directives.at[0] + 6;
    name += strspn(name, " \t");
    const char *define = lexed->directives.at[1];
    bool guard = str_starts(define, "define") && strstr(define, name);
    bool last = i + 1 == lexed->directives.n && str_starts(lexed->directives.at[i], "endif");
    return guard && (i < 2 || last);
}

/* Does a library's header include Python.h, as those of binding libraries do? Its own includes are
 * looked for beside it and up to two folders up (`<cppy/ptr.h>` from cppy/cppy.h). */
static bool
includes_brings_python(struct plan *plan, const char *real, int depth)
{
    struct plan_header *header = includes_header(plan, real);
    if (header->asked || !header->ok || depth > 4) {
        return header->brings_python;
    }
    header->asked = true;
    header->brings_python = header->lexed.includes_python;
    const char *dir = includes_dirname(plan, real);
    const char *up = includes_dirname(plan, dir);
    const char *const dirs[] = {dir, up, includes_dirname(plan, up)};
    for (size_t i = 0; i < header->lexed.includes.n && !header->brings_python; i++) {
        for (size_t k = 0; k < 3 && !header->brings_python; k++) {
            char path[PATH_MAX];
            const char *next = includes_join(plan, dirs[k], header->lexed.includes.at[i].name);
            header->brings_python =
                realpath(next, path) &&
                includes_brings_python(plan, intern(&plan->strings, path), depth + 1);
        }
    }
    return header->brings_python;
}

static void includes_walk_file(struct includes_walk *walk, const struct lexed *lexed,
                               const char *dir, bool is_main, int depth);

/* Into a precompiled header for C go the C library's headers and Python's own: nothing that a
 * #define of the unit could change. C++ groups have equal definitions, so any header may. */
static bool
includes_may_precompile(const struct includes_walk *walk, const struct include_site *site,
                        bool found)
{
    static const char *const names[] = {
        "assert.h",    "ctype.h",        "errno.h",     "fenv.h",    "float.h",  "inttypes.h",
        "limits.h",    "locale.h",       "math.h",      "setjmp.h",  "signal.h", "stdarg.h",
        "stdbool.h",   "stddef.h",       "stdint.h",    "stdio.h",   "stdlib.h", "string.h",
        "time.h",      "wchar.h",        "wctype.h",    "dirent.h",  "dlfcn.h",  "fcntl.h",
        "grp.h",       "netdb.h",        "poll.h",      "pthread.h", "pwd.h",    "sched.h",
        "strings.h",   "syslog.h",       "termios.h",   "unistd.h",  "utime.h",  "mntent.h",
        "stdatomic.h", "structmember.h", "semaphore.h", "spawn.h",   "utmp.h",   "utmpx.h",
        "ifaddrs.h"};
    if (!str_ends(site->name, ".h")) {
        /* The standard library of C++, and nothing of the unit's own that looks like it. */
        return walk->unit->is_cxx && site->angled && !found && !strpbrk(site->name, "./");
    }
    if (walk->unit->is_cxx) {
        return true;
    }
    if (str_starts(site->name, "sys/") || str_starts(site->name, "netinet/") ||
        str_starts(site->name, "arpa/") || str_starts(site->name, "net/") ||
        str_starts(site->name, "linux/") || str_starts(site->name, "pycore_") ||
        str_starts(site->name, "cpython/")) {
        return true;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(site->name, names[i]) == 0) {
            return !found; /* not one of the same name in a folder of the unit's own */
        }
    }
    return false;
}

static void
includes_follow(struct includes_walk *walk, const struct include_site *site, const char *dir,
                bool is_main, int depth)
{
    struct plan *plan = walk->plan;
    const char *path = includes_find(plan, walk->unit, site, dir);
    char real_buffer[PATH_MAX];
    const char *real =
        path && realpath(path, real_buffer) ? intern(&plan->strings, real_buffer) : NULL;
    bool project = real && includes_is_project(plan, walk->unit, real);
    if (!project) {
        bool listed = site->conditional || (is_main && site->after_define) ||
                      (!is_main && !site->angled) || str_ends(site->name, "Python.h") ||
                      strstr(site->name, "clinic");
        bool beside = !site->angled && path && str_same(path, includes_join(plan, dir, site->name));
        if (!listed && !beside && includes_may_precompile(walk, site, path != NULL)) {
            struct str quoted = {0};
            str_addf(&quoted, site->angled ? "<%s>" : "\"%s\"", site->name);
            vec_push(&walk->unit->candidates, intern(&plan->strings, quoted.s));
            str_free(&quoted);
        }
        bool brings = real && !walk->found_python && includes_brings_python(plan, real, 0);
        walk->found_python |= brings;
        walk->unit->binds |= brings;
        return;
    }
    for (size_t i = 0; i < walk->unit->headers.n; i++) {
        if (walk->unit->headers.at[i] == real) {
            return;
        }
    }
    if (walk->unit->headers.n >= MAX_HEADERS) {
        return;
    }
    vec_push(&walk->unit->headers, real);
    struct plan_header *header = includes_header(plan, real);
    if (header->ok && !str_ends(site->name, ".c")) {
        walk->unit->mentions_gil |= header->lexed.mentions_gil;
        includes_walk_file(walk, &header->lexed, includes_dirname(plan, real), false, depth + 1);
    }
}

static const struct include_site *
includes_site_named(const struct lexed *lexed, const char *directive, size_t *next)
{
    for (size_t i = *next; i < lexed->includes.n; i++) {
        if (strstr(directive, lexed->includes.at[i].name)) {
            *next = i + 1;
            return &lexed->includes.at[i];
        }
    }
    return NULL;
}

/* Directives in order up to Python.h; then the other includes for their headers. */
static void
includes_walk_file(struct includes_walk *walk, const struct lexed *lexed, const char *dir,
                   bool is_main, int depth)
{
    if (depth > 40) {
        return;
    }
    size_t next = 0;
    for (size_t i = 0; i < lexed->directives.n && !walk->found_python; i++) {
        const char *directive = lexed->directives.at[i];
        if (str_starts(directive, "include")) {
            const struct include_site *site = includes_site_named(lexed, directive, &next);
            if (site && strcmp(site->name, "pyconfig.h") == 0) {
                str_addf(&walk->unit->prefix, "#%s\n", directive);
            }
            else if (site) {
                includes_follow(walk, site, dir, is_main, depth);
            }
        }
        else if (!includes_neutral(directive) && (is_main || !includes_is_guard(lexed, i))) {
            str_addf(&walk->unit->prefix, "#%s\n", directive);
        }
    }
    walk->found_python |= lexed->includes_python;
    for (size_t i = next; i < lexed->includes.n; i++) {
        includes_follow(walk, &lexed->includes.at[i], dir, is_main, depth);
    }
}

void
includes_resolve(struct plan *plan, struct plan_unit *unit)
{
    struct includes_walk walk = {.plan = plan, .unit = unit};
    unit->mentions_gil = unit->lexed.mentions_gil;
    includes_walk_file(&walk, &unit->lexed, includes_dirname(plan, unit->real), true, 0);
    unit->has_prefix = walk.found_python;
}

const struct str *
includes_text(const struct plan *plan, const char *real)
{
    const struct plan_header *header = map_get(&plan->header_files, real);
    return header && header->ok ? &header->lexed.text : NULL;
}

void
includes_forget_texts(struct plan *plan)
{
    for (size_t i = 0; i < plan->header_files.cap; i++) {
        struct plan_header *header = plan->header_files.cells[i].value;
        if (header) {
            lexed_free(&header->lexed);
        }
    }
}

void
includes_free(struct plan *plan)
{
    map_free(&plan->header_files);
    includes_free_paths(plan);
}
