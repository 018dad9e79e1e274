#include "source/plan/includes_paths.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_INDEXED = 20000, MAX_INDEX_DEPTH = 8 };

/* Headers below the project's root, by file name. */
struct project_index {
    struct map by_name; /* name -> struct index_entry list */
    size_t n;
};
struct index_entry {
    const char *path;
    struct index_entry *next;
};

static bool
includes_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

const char *
includes_dirname(struct plan *plan, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? intern_n(&plan->strings, path, (size_t)(slash - path)) : ".";
}

const char *
includes_join(struct plan *plan, const char *dir, const char *name)
{
    struct str s = {0};
    str_addf(&s, "%s/%s", dir, name);
    const char *kept = intern(&plan->strings, s.s);
    str_free(&s);
    return kept;
}

enum root_mark { MARK_NONE, MARK_BUILD, MARK_TOP };

/* Some build files stand in every folder of a project, others only at its top. */
static enum root_mark
includes_root_mark(struct plan *plan, const char *dir)
{
    static const char *const tops[] = {"pyproject.toml", ".git", "PKG-INFO", "configure"};
    static const char *const builds[] = {"meson.build", "setup.py", "setup.cfg"};
    for (size_t i = 0; i < sizeof(tops) / sizeof(*tops); i++) {
        if (access(includes_join(plan, dir, tops[i]), F_OK) == 0) {
            return MARK_TOP;
        }
    }
    for (size_t i = 0; i < sizeof(builds) / sizeof(*builds); i++) {
        if (access(includes_join(plan, dir, builds[i]), F_OK) == 0) {
            return MARK_BUILD;
        }
    }
    return MARK_NONE;
}

const char *
includes_project_root(struct plan *plan, const char *file)
{
    const char *first = includes_dirname(plan, file);
    void **known = map_slot(&plan->roots, first);
    if (*known) {
        return *known;
    }
    const char *dir = first, *root = first;
    bool marked = false;
    for (int up = 0; up < 8 && *dir && strcmp(dir, "/") != 0; up++) {
        enum root_mark mark = includes_root_mark(plan, dir);
        root = mark != MARK_NONE ? dir : root;
        if (mark == MARK_TOP || (mark == MARK_NONE && marked)) {
            break;
        }
        marked = marked || mark == MARK_BUILD;
        dir = includes_dirname(plan, dir);
    }
    *known = (void *)(size_t)root;
    return root;
}

static void
includes_index_dir(struct plan *plan, struct project_index *index, const char *dir, int depth)
{
    struct dirent **entries;
    int n = depth < MAX_INDEX_DEPTH ? scandir(dir, &entries, NULL, alphasort) : -1;
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        if (name[0] != '.' && strcmp(name, "node_modules") != 0 && index->n < MAX_INDEXED) {
            const char *path = includes_join(plan, dir, name);
            struct stat st;
            index->n++;
            if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
                includes_index_dir(plan, index, path, depth + 1);
            }
            else if (strstr(name, ".h") || strstr(name, ".inc") || strstr(name, ".ipp")) {
                struct index_entry *entry = arena_alloc(&plan->arena, sizeof(*entry));
                void **slot = map_slot(&index->by_name, intern(&plan->strings, name));
                entry->path = path;
                entry->next = *slot;
                *slot = entry;
            }
        }
        free(entries[i]);
    }
    if (n >= 0) {
        free(entries);
    }
}

static size_t
includes_common(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] && a[n] == b[n]) {
        n++;
    }
    return n;
}

/* A folder of the project below which `name` exists; the one nearest to the unit. */
static const char *
includes_search_project(struct plan *plan, const struct plan_unit *unit, const char *name)
{
    struct project_index *index = map_get(&plan->indexes, unit->root);
    if (!index) {
        index = arena_alloc(&plan->arena, sizeof(*index));
        map_set(&plan->indexes, unit->root, index);
        includes_index_dir(plan, index, unit->root, 0);
    }
    const char *slash = strrchr(name, '/');
    const char *base = intern(&plan->strings, slash ? slash + 1 : name);
    const char *best = NULL;
    size_t best_common = 0, n = strlen(name);
    for (struct index_entry *e = map_get(&index->by_name, base); e; e = e->next) {
        size_t length = strlen(e->path);
        bool fits = length > n + 1 && strcmp(e->path + length - n, name) == 0 &&
                    e->path[length - n - 1] == '/';
        size_t common = fits ? includes_common(e->path, unit->real) : 0;
        if (fits && (!best || common > best_common)) {
            best = intern_n(&plan->strings, e->path, length - n - 1);
            best_common = common;
        }
    }
    return best;
}

static const char *
includes_dir_arg(const struct plan_unit *unit, size_t i)
{
    const char *arg = unit->args.at.at[i];
    bool separate =
        strcmp(arg, "-I") == 0 || strcmp(arg, "-isystem") == 0 || strcmp(arg, "-iquote") == 0;
    if (separate) {
        return i + 1 < unit->args.at.n ? unit->args.at.at[i + 1] : NULL;
    }
    return str_starts(arg, "-I") ? arg + 2 : NULL;
}

static bool
includes_is_system(struct plan *plan, const char *name)
{
    return includes_exists(includes_join(plan, "/usr/include", name)) ||
           includes_exists(includes_join(plan, "/usr/include/x86_64-linux-gnu", name));
}

/* What was installed by hand, such as the shim: the compiler finds it without an -I, but its macros
 * are as much the code's own as with one. */
static const char *
includes_installed(struct plan *plan, const char *name)
{
    const char *path = includes_join(plan, "/usr/local/include", name);
    return includes_exists(path) ? path : NULL;
}

const char *
includes_find(struct plan *plan, struct plan_unit *unit, const struct include_site *site,
              const char *includer_dir)
{
    if (!site->angled) {
        const char *beside = includes_join(plan, includer_dir, site->name);
        if (includes_exists(beside)) {
            return beside;
        }
    }
    for (size_t i = 0; i < unit->args.at.n; i++) {
        const char *dir = includes_dir_arg(unit, i);
        const char *path = dir ? includes_join(plan, dir, site->name) : NULL;
        if (path && includes_exists(path)) {
            return path;
        }
    }
    for (const char *const *flag = plan->options->headers.flags; flag && *flag; flag++) {
        if (str_starts(*flag, "-I") &&
            includes_exists(includes_join(plan, *flag + 2, site->name))) {
            return NULL;
        }
    }
    bool has_suffix = strchr(site->name, '.') != NULL;
    if (!has_suffix || strcmp(site->name, "Python.h") == 0 ||
        includes_is_system(plan, site->name)) {
        return NULL;
    }
    const char *installed = includes_installed(plan, site->name);
    if (installed) {
        return installed;
    }
    const char *dir = includes_search_project(plan, unit, site->name);
    if (!dir) {
        return NULL;
    }
    struct str flag = {0};
    str_addf(&flag, "-I%s", dir);
    vec_push(&unit->args.at, intern(&plan->strings, flag.s));
    str_free(&flag);
    return includes_join(plan, dir, site->name);
}

void
includes_free_paths(struct plan *plan)
{
    for (size_t i = 0; i < plan->indexes.cap; i++) {
        struct project_index *index = plan->indexes.cells[i].value;
        if (index) {
            map_free(&index->by_name);
        }
    }
    map_free(&plan->indexes);
    map_free(&plan->roots);
}
