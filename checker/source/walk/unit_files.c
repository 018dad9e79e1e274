/* The files of a unit: whose they are, how they are called, and their lexed text. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "source/walk/unit.h"

static bool
unit_below(const char *path, const char *root)
{
    size_t n = root ? strlen(root) : 0;
    return n && strncmp(path, root, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static enum file_class
unit_classify(struct unit *u, const char *real)
{
    for (const char *const *root = u->paths->python_roots; root && *root; root++) {
        if (unit_below(real, *root)) {
            return FILE_PYTHON;
        }
    }
    if (unit_below(real, u->paths->project_root) && !strstr(real, "/site-packages/") &&
        !strstr(real, "/dist-packages/")) {
        return FILE_PROJECT;
    }
    if (unit_below(real, "/usr/include") || unit_below(real, "/usr/lib") ||
        unit_below(real, "/usr/local/include") || unit_below(real, u->paths->resource_dir)) {
        return FILE_SYSTEM;
    }
    return FILE_LIBRARY;
}

/* The path of a project file in the style of the unit's own: where `./src/a.c` was given, `src/b.c`
 * is `./src/b.c`, as it is when it is given too. Elsewhere relative to the working directory. */
static const char *
unit_path_like_main(struct unit *u, const char *real)
{
    char main_real[PATH_MAX];
    if (realpath(u->path, main_real)) {
        size_t n = strlen(main_real), m = strlen(u->path), same = 0, common = 0;
        while (same < n && same < m && main_real[n - same - 1] == u->path[m - same - 1]) {
            same++;
            common = u->path[m - same] == '/' ? same - 1 : common;
        }
        common = same == m && n > m && main_real[n - m - 1] == '/' ? m : common;
        size_t root = n - common;
        if (common && root && m > common && strncmp(real, main_real, root) == 0) {
            struct str path = {0};
            str_addf(&path, "%.*s%s", (int)(m - common), u->path, real + root);
            const char *kept = facts_intern(u->facts, path.s);
            str_free(&path);
            return kept;
        }
    }
    const char *cwd = u->paths->working_directory;
    return facts_intern(u->facts, unit_below(real, cwd) ? real + strlen(cwd) + 1 : real);
}

/* realpath(), asked once per worker: every unit meets the same headers. "" when there is none. */
static const char *
unit_real(struct unit *u, const char *name)
{
    void **cell = map_slot(u->paths->real, intern(u->paths->strings, name));
    if (!*cell) {
        char real[PATH_MAX];
        *cell = (void *)(size_t)intern(u->paths->strings, realpath(name, real) ? real : "");
    }
    return *cell;
}

struct unit_file *
unit_file(struct unit *u, CXFile handle)
{
    for (size_t i = u->files.n; i > 0; i--) {
        if (u->files.at[i - 1]->handle == handle) {
            return u->files.at[i - 1];
        }
    }
    struct unit_file *file = arena_alloc(&u->arena, sizeof(*file));
    file->handle = handle;
    vec_push(&u->files, file);
    if (!handle) {
        file->path = "";
        file->whose = FILE_SYSTEM;
        return file;
    }
    const char *name = cx_text(u->cx, u->strings, u->cx->getFileName(handle));
    file->path = name;
    file->unseen = str_ends(name, "/" UNIT_STAND_INS);
    if (handle == u->main_file || u->cx->File_isEqual(handle, u->main_file)) {
        file->path = u->path;
        file->whose = FILE_MAIN;
        file->lexed = u->main_lexed;
        return file;
    }
    const char *real = unit_real(u, name);
    if (!*real) {
        file->whose = FILE_LIBRARY;
        return file;
    }
    file->whose = unit_classify(u, real);
    if (file->whose == FILE_PROJECT) {
        file->path = unit_path_like_main(u, real);
    }
    return file;
}

struct lexed *
unit_lexed(struct unit *u, struct unit_file *file)
{
    if (!file->lexed && file->whose == FILE_PROJECT && !file->lexed_failed) {
        struct lexed *lexed = arena_alloc(&u->arena, sizeof(*lexed));
        if (lexer_read(lexed, file->path, u->macros)) {
            file->lexed = lexed;
        }
        else {
            lexed_free(lexed);
            file->lexed_failed = true;
        }
    }
    return file->lexed;
}
