/* Headers that were looked for and not found: a cached unit is stale once one of them is there. */
#include "source/plan/absent.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

struct absent {
    const struct plan_unit *unit;
    VEC(const char *) dirs; /* of the search path, as far as a new header may appear there */
    struct arena arena;
    struct str *out;
};

/* `-Idir`, `-I dir`, `-isystem dir` ... */
static const char *
absent_flag_dir(const struct plan_args *args, size_t i)
{
    static const char *const names[] = {"-isystem", "-iquote", "-idirafter", "-I"};
    for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++) {
        if (str_starts(args->at.at[i], names[k])) {
            const char *behind = args->at.at[i] + strlen(names[k]);
            return *behind ? behind : i + 1 < args->at.n ? args->at.at[i + 1] : NULL;
        }
    }
    return NULL;
}

static void
absent_add_list(struct absent *a, const char *list)
{
    while (list && *list) {
        size_t n = strcspn(list, ":");
        if (n) {
            vec_push(&a->dirs, arena_copy(&a->arena, list, n));
        }
        list += n + (list[n] == ':');
    }
}

static void
absent_add_matches(struct absent *a, const char *pattern)
{
    glob_t found;
    if (glob(pattern, GLOB_ONLYDIR, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            vec_push(&a->dirs, arena_string(&a->arena, found.gl_pathv[i]));
        }
        globfree(&found);
    }
}

static void
absent_find_dirs(struct absent *a, const struct source_headers *headers)
{
    static const char *const variables[] = {"CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH"};
    const char *slash = strrchr(a->unit->path, '/');
    vec_push(&a->dirs,
             slash ? arena_copy(&a->arena, a->unit->path, (size_t)(slash - a->unit->path)) : ".");
    for (size_t i = 0; i < a->unit->args.at.n; i++) {
        const char *dir = absent_flag_dir(&a->unit->args, i);
        if (dir) {
            vec_push(&a->dirs, dir);
        }
    }
    for (const char *const *flag = headers->flags; flag && *flag; flag++) {
        if (str_starts(*flag, "-I")) {
            vec_push(&a->dirs, *flag + 2);
        }
    }
    for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
        absent_add_list(a, getenv(variables[i]));
    }
    vec_push(&a->dirs, "/usr/local/include");
    vec_push(&a->dirs, "/usr/include");
    absent_add_matches(a, "/usr/include/*-linux-*");
    absent_add_matches(a, "/usr/include/c++/*");
}

static void
absent_add_name(struct absent *a, const char *name, size_t n)
{
    if (!n || n > 400 || memchr(name, '\n', n)) {
        return;
    }
    if (*name == '/') {
        str_addf(a->out, "D %.*s\n", (int)n, name);
        return;
    }
    for (size_t i = 0; i < a->dirs.n; i++) {
        str_addf(a->out, "D %s/%.*s\n", a->dirs.at[i], (int)n, name);
    }
}

/* The names that the parser missed, and those that the text only asks about. */
static void
absent_add_names(struct absent *a, const char *result, const char *text)
{
    for (const char *line = result; line && *line && *line != 'F';) {
        size_t n = strcspn(line, "\n");
        if (str_starts(line, "N ")) {
            absent_add_name(a, line + 2, n - 2);
        }
        line += n + (line[n] == '\n');
    }
    static const char question[] = "__has_include";
    for (const char *at = text; at && (at = strstr(at, question)) != NULL;) {
        at += sizeof(question) - 1;
        at += strspn(at, " \t(");
        if (*at == '<' || *at == '"') {
            absent_add_name(a, at + 1, strcspn(at + 1, ">\"\n"));
        }
    }
}

void
absent_add(const struct plan_unit *unit, const struct source_headers *headers, const char *result,
           struct str *out)
{
    struct absent a = {.unit = unit, .out = out};
    absent_find_dirs(&a, headers);
    absent_add_names(&a, result, unit->lexed.text.s);
    vec_free(&a.dirs);
    arena_free(&a.arena);
}
