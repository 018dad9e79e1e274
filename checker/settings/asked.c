#include "settings/asked.h"

#include <stdlib.h>
#include <string.h>

#include "headers/header_search.h"

/* PREFIX/bin/python3.14 of headers in PREFIX/include/python3.14. */
static const char *
asked_beside_headers(struct options *o, const char *command)
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
asked_version(struct options *o, const char *name)
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
asked_find_python(struct options *o, const char *name)
{
    const char *version = asked_version(o, name);
    if (!version) {
        return interpreter_find(&o->arena, name, true);
    }
    const char *command = arena_printf(&o->arena, "python%s", version);
    const char *path = interpreter_find(&o->arena, command, false);
    path = path ? path : asked_beside_headers(o, command);
    return path ? path : interpreter_find(&o->arena, command, true);
}

/* NULL, or why it cannot be asked. */
static const char *
asked_try(struct options *o, const char *path, const struct words *tomls, struct environment *out)
{
    struct interpreter answer;
    const char *error = NULL;
    if (!interpreter_ask(&o->arena, path, tomls ? tomls->list.at : NULL, tomls ? tomls->list.n : 0,
                         options_cache_dir(o), &answer, &error)) {
        interpreter_free(&answer);
        return error;
    }
    vec_push(&out->interpreters, answer);
    return NULL;
}

/* python3 on PATH. The script of a version manager that has no version selected fails: then the
 * next one. None at all is no error here, headers may be found without. */
bool
asked_default(struct options *o, const struct words *tomls, struct environment *out)
{
    const char *python3 = interpreter_find(&o->arena, "python3", true);
    const char *error = python3 ? asked_try(o, python3, tomls, out) : NULL;
    const char *other = error ? interpreter_find(&o->arena, "python3", false) : NULL;
    if (other && strcmp(other, python3) != 0 && !asked_try(o, other, tomls, out)) {
        return true;
    }
    if (error) {
        diag_error("%s", error);
    }
    return !error;
}

static int
asked_compare_dirs(const void *a, const void *b)
{
    const struct header_dir *left = a, *right = b;
    int order = left->hex - right->hex;
    return order ? order : (int)left->gil_disabled - (int)right->gil_disabled;
}

/* What could be asked for instead, by version. */
static void
asked_say_missing(struct options *o, const char *name, const char *why)
{
    struct header_dirs found = {0};
    struct str list = {0};
    const char *version = asked_version(o, name);
    header_search(&o->arena, &found);
    if (found.all.n) {
        qsort(found.all.at, found.all.n, sizeof(found.all.at[0]), asked_compare_dirs);
    }
    bool same_with_gil = false;
    for (size_t i = 0; i < found.all.n; i++) {
        const struct header_dir *dir = &found.all.at[i];
        bool again = i && asked_compare_dirs(dir - 1, dir) == 0;
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
bool
asked_named(struct options *o, const struct words *tomls, struct environment *out)
{
    for (size_t i = 0; i < o->python.list.n; i++) {
        const char *name = o->python.list.at[i];
        const char *path = asked_find_python(o, name);
        const char *why = path ? asked_try(o, path, i == 0 ? tomls : NULL, out) : NULL;
        if (path && why && !asked_version(o, name)) {
            diag_error("%s", why);
            return false;
        }
        if (!path || why) {
            asked_say_missing(o, name, why);
            return false;
        }
    }
    return true;
}

void
asked_forget(struct environment *out)
{
    for (size_t i = 0; i < out->interpreters.n; i++) {
        interpreter_free(&out->interpreters.at[i]);
    }
    out->interpreters.n = 0;
}

void
environment_free(struct environment *e)
{
    asked_forget(e);
    vec_free(&e->interpreters);
}
