#include "options/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "headers/header_search.h"

const char *
settings_cache_dir(struct options *o)
{
    if (o->no_cache) {
        return NULL;
    }
    if (o->cache_dir) {
        return o->cache_dir;
    }
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && cache[0] == '/') {
        return arena_printf(&o->arena, "%s/extcheck", cache);
    }
    return home && home[0] == '/' ? arena_printf(&o->arena, "%s/.cache/extcheck", home) : NULL;
}

/* ---- which files ----------------------------------------------------------------------------- */

/* The absolute folder that the first file stands in, else the current one. */
static char *
settings_start(const struct options *o)
{
    const char *first = o->files.list.n ? o->files.list.at[0] : NULL;
    if (o->facts && strcmp(o->facts, "-") != 0) {
        first = o->facts;
    }
    if (o->command == COMMAND_EXPLAIN || !first) {
        first = ".";
    }
    struct stat state;
    bool folder = stat(first, &state) == 0 && S_ISDIR(state.st_mode);
    const char *slash = strrchr(first, '/');
    struct str path = {0};
    if (folder) {
        str_add(&path, first);
    }
    else if (slash) {
        str_addn(&path, first, slash == first ? 1 : (size_t)(slash - first));
    }
    else {
        str_add(&path, ".");
    }
    char *real = realpath(path.s, NULL);
    str_free(&path);
    return real;
}

/* A pyproject.toml that never says "extcheck" has no table for us: most runs end here, without
 * asking any Python. */
static bool
settings_may_hold(const char *path, bool ours)
{
    struct str text = {0};
    bool read = str_read_file(&text, path);
    bool may = read && (ours || (text.n && strstr(text.s, "extcheck")));
    if (!read && ours) {
        struct stat st;
        bool regular = stat(path, &st) == 0 && S_ISREG(st.st_mode);
        diag_warning("%s is not read: %s; --isolated reads no settings", path,
                     regular ? strerror(errno) : "it is no regular file");
    }
    str_free(&text);
    return may;
}

static void
settings_look_in(struct options *o, const char *folder, struct words *out)
{
    static const char *const names[] = {"extcheck.toml", "pyproject.toml"};
    for (int i = 0; i < 2; i++) {
        const char *path =
            arena_printf(&o->arena, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, names[i]);
        if (access(path, F_OK) == 0 && settings_may_hold(path, i == 0)) {
            vec_push(&out->list, path);
        }
    }
}

/* Nearest first. The search ends at the root of the repository: what lies above it belongs to
 * something else. */
static void
settings_find(struct options *o, struct words *out)
{
    char *folder = settings_start(o);
    while (folder && *folder) {
        settings_look_in(o, folder, out);
        const char *mark = arena_printf(&o->arena, "%s/.git", folder);
        char *slash = strrchr(folder, '/');
        if (access(mark, F_OK) == 0 || !slash || strcmp(folder, "/") == 0) {
            break;
        }
        slash[slash == folder ? 1 : 0] = '\0';
    }
    free(folder);
}

/* ---- applying them --------------------------------------------------------------------------- */

static bool
settings_apply(struct options *o, const struct interpreter *from)
{
    const char *slash = strrchr(from->settings_file, '/');
    const char *folder =
        arena_copy(&o->arena, from->settings_file, (size_t)(slash - from->settings_file));
    for (size_t i = 0; i < from->settings.n; i++) {
        const struct setting *s = &from->settings.at[i];
        const char *error = options_set(o, s->key, s->value, folder);
        if (error) {
            diag_error("%s: %s", from->settings_file, error);
            return false;
        }
    }
    return true;
}

static bool
settings_take(struct options *o, const struct interpreter *from, const struct words *tomls)
{
    if (from->settings_error) {
        diag_error("%s", from->settings_error);
        return false;
    }
    if (from->no_toml_reader) {
        diag_error("%s cannot be read: %s is Python %s and has no TOML reader; use Python 3.11 or "
                   "newer, install tomli for it, or pass --isolated",
                   tomls->list.at[0], from->path, from->version);
        return false;
    }
    return !from->settings_file || settings_apply(o, from);
}

/* ---- interpreters ---------------------------------------------------------------------------- */

/* PREFIX/bin/python3.14 of headers in PREFIX/include/python3.14. */
static const char *
settings_beside_headers(struct options *o, const char *command)
{
    struct header_dirs found = {0};
    header_search(&o->arena, &found);
    const char *path = NULL;
    for (size_t i = 0; !path && i < found.all.n; i++) {
        const char *dir = found.all.at[i].path;
        size_t prefix = strlen(dir) - strlen("/include/") - strlen(command);
        if (str_ends(dir, arena_printf(&o->arena, "/include/%s", command))) {
            const char *bin = arena_printf(&o->arena, "%.*s/bin", (int)prefix, dir);
            path =
                interpreter_find(&o->arena, arena_printf(&o->arena, "%s/%s", bin, command), true);
            path = path ? path
                        : interpreter_find(&o->arena, arena_printf(&o->arena, "%s/python3", bin),
                                           true);
        }
    }
    vec_free(&found.all);
    return path;
}

/* "3.14t" of "3.14t", "python3.14t" and "3.14.2t"; NULL when the name is no version. */
static const char *
settings_version(struct options *o, const char *name)
{
    const char *version = str_starts(name, "python") ? name + 6 : name;
    size_t minor = str_starts(version, "3.") ? 2 + strspn(version + 2, "0123456789") : 0;
    if (minor && version[minor] == '.') {
        size_t micro = strspn(version + minor + 1, "0123456789");
        const char *rest = version + minor + 1 + micro;
        version = micro ? arena_printf(&o->arena, "%.*s%s", (int)minor, version, rest) : version;
    }
    return options_version_hex(version) ? version : NULL;
}

/* A version stands for a command on PATH, then for headers that a version manager keeps. */
static const char *
settings_find_python(struct options *o, const char *name)
{
    const char *version = settings_version(o, name);
    if (!version) {
        return interpreter_find(&o->arena, name, true);
    }
    const char *command = arena_printf(&o->arena, "python%s", version);
    const char *path = interpreter_find(&o->arena, command, false);
    path = path ? path : settings_beside_headers(o, command);
    return path ? path : interpreter_find(&o->arena, command, true);
}

/* NULL, or why it cannot be asked. */
static const char *
settings_try(struct options *o, const char *path, const struct words *tomls,
             struct environment *out)
{
    struct interpreter answer;
    const char *error = NULL;
    if (!interpreter_ask(&o->arena, path, tomls ? tomls->list.at : NULL, tomls ? tomls->list.n : 0,
                         settings_cache_dir(o), &answer, &error)) {
        interpreter_free(&answer);
        return error;
    }
    vec_push(&out->interpreters, answer);
    return NULL;
}

/* python3 on PATH. The script of a version manager that has no version selected fails: then the
 * next one. None at all is no error here, headers may be found without. */
static bool
settings_ask_default(struct options *o, const struct words *tomls, struct environment *out)
{
    const char *python3 = interpreter_find(&o->arena, "python3", true);
    const char *error = python3 ? settings_try(o, python3, tomls, out) : NULL;
    const char *other = error ? interpreter_find(&o->arena, "python3", false) : NULL;
    if (other && strcmp(other, python3) != 0 && !settings_try(o, other, tomls, out)) {
        return true;
    }
    if (error) {
        diag_error("%s", error);
    }
    return !error;
}

static int
settings_compare_dirs(const void *a, const void *b)
{
    const struct header_dir *left = a, *right = b;
    int order = left->hex - right->hex;
    return order ? order : (int)left->gil_disabled - (int)right->gil_disabled;
}

/* What could be asked for instead, by version. */
static void
settings_say_missing(struct options *o, const char *name, const char *why)
{
    struct header_dirs found = {0};
    struct str list = {0};
    const char *version = settings_version(o, name);
    header_search(&o->arena, &found);
    if (found.all.n) {
        qsort(found.all.at, found.all.n, sizeof(found.all.at[0]), settings_compare_dirs);
    }
    bool same_with_gil = false;
    for (size_t i = 0; i < found.all.n; i++) {
        const struct header_dir *dir = &found.all.at[i];
        bool again = i && settings_compare_dirs(dir - 1, dir) == 0;
        same_with_gil |= !dir->gil_disabled && version && strchr(version, 't') &&
                         dir->hex == options_version_hex(version);
        if (!again) {
            str_addf(&list, "%s%s%s", list.n ? ", " : "", dir->version,
                     dir->gil_disabled ? "t" : "");
        }
    }
    if (!version) {
        diag_error("--python: there is no program '%s'", name);
    }
    else {
        diag_error(
            "--python %s: %s; at hand are %s%s%s%s", name,
            why ? why : "there is no such interpreter with its headers", list.n ? list.s : "none",
            same_with_gil ? " (the headers of a build with the GIL serve the free-threaded "
                            "target too: --python "
                          : "",
            same_with_gil ? arena_printf(&o->arena, "%.*s", (int)strcspn(version, "t"), version)
                          : "",
            same_with_gil ? ")" : "");
    }
    str_free(&list);
    vec_free(&found.all);
}

/* Every interpreter that is named; the first one is asked for the settings as well. */
static bool
settings_ask_named(struct options *o, const struct words *tomls, struct environment *out)
{
    for (size_t i = 0; i < o->python.list.n; i++) {
        const char *name = o->python.list.at[i];
        const char *path = settings_find_python(o, name);
        const char *why = path ? settings_try(o, path, i == 0 ? tomls : NULL, out) : NULL;
        if (path && why && !settings_version(o, name)) {
            diag_error("%s", why);
            return false;
        }
        if (!path || why) {
            settings_say_missing(o, name, why);
            return false;
        }
    }
    return true;
}

static void
settings_forget_interpreters(struct environment *out)
{
    for (size_t i = 0; i < out->interpreters.n; i++) {
        interpreter_free(&out->interpreters.at[i]);
    }
    out->interpreters.n = 0;
}

/* Settings from the interpreter asked first; an older one on the command line may have no TOML
 * reader, then python3 is asked. */
static bool
settings_read(struct options *o, const struct words *tomls, struct environment *out)
{
    if (!tomls->list.n) {
        return true;
    }
    struct environment reader = {0};
    const struct interpreter *from = out->interpreters.n ? &out->interpreters.at[0] : NULL;
    if ((!from || (from->no_toml_reader && o->python.list.n)) &&
        settings_ask_default(o, tomls, &reader) && reader.interpreters.n) {
        from = &reader.interpreters.at[0];
    }
    bool good = false;
    if (from) {
        good = settings_take(o, from, tomls);
        out->settings_file = from->settings_file;
    }
    else {
        diag_error("%s cannot be read: there is no python3 on PATH; pass --isolated to go on "
                   "without it",
                   tomls->list.at[0]);
    }
    settings_forget_interpreters(&reader);
    vec_free(&reader.interpreters);
    return good;
}

bool
settings_load(struct options *o, bool need_interpreters, struct environment *out)
{
    struct words tomls = {0};
    if (!o->isolated) {
        settings_find(o, &tomls);
    }
    bool asked_by_name = o->python.list.n > 0;
    bool good = true;
    if (need_interpreters && asked_by_name) {
        good = settings_ask_named(o, &tomls, out);
    }
    else if (need_interpreters || tomls.list.n) {
        good = settings_ask_default(o, &tomls, out);
    }
    good = good && settings_read(o, &tomls, out);
    if (good && need_interpreters && !asked_by_name && o->python.list.n) {
        /* The settings name others than python3. */
        settings_forget_interpreters(out);
        good = settings_ask_named(o, NULL, out);
    }
    vec_free(&tomls.list);
    return good;
}

void
environment_free(struct environment *e)
{
    settings_forget_interpreters(e);
    vec_free(&e->interpreters);
}
