#include "settings/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    if ((!from || (from->no_toml_reader && o->python.list.n)) && asked_default(o, tomls, &reader) &&
        reader.interpreters.n) {
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
    asked_forget(&reader);
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
        good = asked_named(o, &tomls, out);
    }
    else if (need_interpreters || tomls.list.n) {
        good = asked_default(o, &tomls, out);
    }
    good = good && settings_read(o, &tomls, out);
    if (good && need_interpreters && !asked_by_name && o->python.list.n) {
        /* The settings name others than python3. */
        asked_forget(out);
        good = asked_named(o, NULL, out);
    }
    vec_free(&tomls.list);
    return good;
}
