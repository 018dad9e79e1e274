#include "headers/header_search.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

/* The number behind `#define name`, -1 when it is not there. */
static long
header_number(const char *text, const char *name)
{
    for (const char *at = strstr(text, "#define "); at; at = strstr(at + 1, "#define ")) {
        const char *word = at + 8 + strspn(at + 8, " \t");
        size_t n = strlen(name);
        if (strncmp(word, name, n) == 0 && strchr(" \t", word[n])) {
            return strtol(word + n, NULL, 10);
        }
    }
    return -1;
}

static bool
header_read(struct str *text, const char *folder, const char *name)
{
    struct str path = {0};
    str_addf(&path, "%s/%s", folder, name);
    str_clear(text);
    bool good = str_read_file(text, path.s) && text->n;
    str_free(&path);
    return good;
}

bool
header_dir_read(struct arena *arena, const char *path, struct header_dir *out)
{
    struct str text = {0};
    long major = -1, minor = -1;
    if (header_read(&text, path, "Python.h") && header_read(&text, path, "patchlevel.h")) {
        major = header_number(text.s, "PY_MAJOR_VERSION");
        minor = header_number(text.s, "PY_MINOR_VERSION");
    }
    bool good = major == 3 && minor >= 0 && minor < 100;
    if (good) {
        out->path = arena_string(arena, path);
        out->version = arena_printf(arena, "3.%ld", minor);
        out->hex = 0x0300 | (int)minor;
        /* Debian's pyconfig.h only includes the one of the architecture; the name tells as well. */
        out->gil_disabled = str_ends(path, "t") || (header_read(&text, path, "pyconfig.h") &&
                                                    header_number(text.s, "Py_GIL_DISABLED") == 1);
    }
    str_free(&text);
    return good;
}

static bool
header_is_known(const struct header_dirs *found, const char *path)
{
    for (size_t i = 0; i < found->all.n; i++) {
        if (strcmp(found->all.at[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

/* Every PREFIX/include/python3.*; prefix may hold wild cards. */
static void
header_search_prefix(struct arena *arena, struct header_dirs *out, const char *prefix)
{
    glob_t hits = {0};
    const char *pattern = arena_printf(arena, "%s/include/python3.*", prefix);
    if (glob(pattern, 0, NULL, &hits) == 0) {
        /* Newest names last in the sorted order: they are read all, the choice comes later. */
        for (size_t i = 0; i < hits.gl_pathc; i++) {
            struct header_dir dir;
            char *real = realpath(hits.gl_pathv[i], NULL);
            if (real && !header_is_known(out, real) && header_dir_read(arena, real, &dir) &&
                dir.hex >= HEADERS_OLDEST && dir.hex <= HEADERS_NEWEST) {
                vec_push(&out->all, dir);
            }
            free(real);
        }
    }
    globfree(&hits);
}

/* PREFIX/bin/python3.14 on PATH, links followed: PREFIX. */
static void
header_search_program(struct arena *arena, struct header_dirs *out, const char *path)
{
    char *real = realpath(path, NULL);
    for (int up = 0; real && up < 2; up++) {
        char *slash = strrchr(real, '/');
        if (slash) {
            *slash = '\0';
        }
    }
    if (real) {
        header_search_prefix(arena, out, real);
    }
    free(real);
}

static void
header_search_path(struct arena *arena, struct header_dirs *out)
{
    const char *path = getenv("PATH");
    for (const char *at = path && *path ? path : NULL; at;) {
        size_t n = strcspn(at, ":");
        /* Relative folders would make the result depend on where the program is started; shims
         * are scripts of version managers, whose folders are looked at by themselves. */
        if (n && at[0] == '/' && !(n >= 6 && strncmp(at + n - 6, "/shims", 6) == 0)) {
            const char *folder = arena_copy(arena, at, n);
            header_search_prefix(arena, out, arena_printf(arena, "%s/..", folder));
            glob_t hits = {0};
            if (glob(arena_printf(arena, "%s/python3.*", folder), 0, NULL, &hits) == 0) {
                for (size_t i = 0; i < hits.gl_pathc; i++) {
                    header_search_program(arena, out, hits.gl_pathv[i]);
                }
            }
            globfree(&hits);
        }
        at = at[n] ? at + n + 1 : NULL;
    }
}

static const char *
header_variable(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] == '/' ? value : NULL;
}

static void
header_search_managers(struct arena *arena, struct header_dirs *out)
{
    const char *home = header_variable("HOME");
    const char *data = header_variable("XDG_DATA_HOME");
    if (!data && home) {
        data = arena_printf(arena, "%s/.local/share", home);
    }
    const char *pyenv = header_variable("PYENV_ROOT");
    const char *uv = header_variable("UV_PYTHON_INSTALL_DIR");
    const char *folders[] = {
        pyenv  ? arena_printf(arena, "%s/versions", pyenv)
        : home ? arena_printf(arena, "%s/.pyenv/versions", home)
               : NULL,
        uv     ? uv
        : data ? arena_printf(arena, "%s/uv/python", data)
               : NULL,
        data ? arena_printf(arena, "%s/mise/installs/python", data) : NULL,
        home ? arena_printf(arena, "%s/.asdf/installs/python", home) : NULL,
        "/opt/python",
    };
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (folders[i]) {
            header_search_prefix(arena, out, arena_printf(arena, "%s/*", folders[i]));
        }
    }
    header_search_prefix(arena, out, "/usr/local");
    header_search_prefix(arena, out, "/usr");
}

/* tools/pythons marks what is whole with a file; the rest was interrupted. */
static void
header_search_cache(struct arena *arena, struct header_dirs *out)
{
    const char *home = header_variable("HOME");
    const char *cache = header_variable("XDG_CACHE_HOME");
    if (!cache && home) {
        cache = arena_printf(arena, "%s/.cache", home);
    }
    glob_t hits = {0};
    if (cache &&
        glob(arena_printf(arena, "%s/extcheck/pythons/*/.complete", cache), 0, NULL, &hits) == 0) {
        for (size_t i = 0; i < hits.gl_pathc; i++) {
            size_t n = strlen(hits.gl_pathv[i]) - strlen("/.complete");
            const char *folder = arena_copy(arena, hits.gl_pathv[i], n);
            header_search_prefix(arena, out, folder);
            header_search_prefix(arena, out, arena_printf(arena, "%s/usr", folder));
        }
    }
    globfree(&hits);
}

void
header_search(struct arena *arena, struct header_dirs *out)
{
    header_search_path(arena, out);
    header_search_managers(arena, out);
    header_search_cache(arena, out);
}

const struct header_dir *
header_newest(const struct header_dirs *found, int hex)
{
    const struct header_dir *best = NULL;
    for (size_t i = 0; i < found->all.n; i++) {
        const struct header_dir *dir = &found->all.at[i];
        bool better = !best || (best->gil_disabled && !dir->gil_disabled) ||
                      (best->gil_disabled == dir->gil_disabled && dir->hex > best->hex);
        if (dir->hex >= hex && better) {
            best = dir;
        }
    }
    return best;
}

const struct header_dir *
header_exact(const struct header_dirs *found, int hex, bool gil_disabled)
{
    const struct header_dir *best = NULL;
    for (size_t i = 0; i < found->all.n; i++) {
        const struct header_dir *dir = &found->all.at[i];
        bool better =
            !best || (best->gil_disabled != gil_disabled && dir->gil_disabled == gil_disabled);
        if (dir->hex == hex && better) {
            best = dir;
        }
    }
    return best;
}
