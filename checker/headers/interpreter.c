/* Finding an interpreter, the cache of its answers, and reading an answer.
 * The process itself is in interpreter_run.c. */
#include "headers/interpreter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/str.h"
#include "headers/interpreter_run.h"

static bool
interpreter_is_program(const char *path)
{
    struct stat state;
    return stat(path, &state) == 0 && S_ISREG(state.st_mode) && access(path, X_OK) == 0;
}

const char *
interpreter_find(struct arena *arena, const char *name, bool shims)
{
    struct stat state;
    if (strchr(name, '/')) {
        if (stat(name, &state) == 0 && S_ISDIR(state.st_mode)) {
            name = arena_printf(arena, "%s/bin/python3", name);
        }
        return interpreter_is_program(name) ? name : NULL;
    }
    const char *path = getenv("PATH");
    for (const char *at = path && *path ? path : "/usr/local/bin:/usr/bin:/bin"; at;) {
        size_t n = strcspn(at, ":");
        const char *candidate = arena_printf(arena, "%.*s/%s", n ? (int)n : 1, n ? at : ".", name);
        bool shim = n >= 6 && strncmp(at + n - 6, "/shims", 6) == 0;
        if ((shims || !shim) && interpreter_is_program(candidate)) {
            return candidate;
        }
        at = at[n] ? at + n + 1 : NULL;
    }
    return NULL;
}

/* ---- what tells one interpreter from another ------------------------------------------------- */

static void
interpreter_add_file(struct str *key, const char *path)
{
    struct str text = {0};
    if (str_read_file(&text, path)) {
        str_addf(key, "%s\n%s\n", path, text.n ? text.s : "");
    }
    str_free(&text);
}

/* A version manager's shell script decides each time which interpreter runs: by the environment,
 * by the nearest .python-version or .tool-versions, and by its global choice. */
static void
interpreter_add_shim(struct str *key, const char *path)
{
    static const char *const deciders[] = {"PYENV_VERSION", "PYENV_ROOT", "PYENV_DIR",
                                           "ASDF_PYTHON_VERSION", "PATH"};
    for (size_t i = 0; i < sizeof(deciders) / sizeof(deciders[0]); i++) {
        const char *value = getenv(deciders[i]);
        str_addf(key, "%s=%s\n", deciders[i], value ? value : "");
    }
    struct str folder = {0};
    char here[4096];
    if (getcwd(here, sizeof(here))) {
        str_add(&folder, here);
    }
    while (folder.n) {
        size_t n = folder.n;
        str_add(&folder, "/.python-version");
        interpreter_add_file(key, folder.s);
        folder.s[folder.n = n] = '\0';
        str_add(&folder, "/.tool-versions");
        interpreter_add_file(key, folder.s);
        while (n && folder.s[n - 1] != '/') {
            n--;
        }
        n -= n > 0;
        folder.s[folder.n = n] = '\0';
    }
    const char *slash = strrchr(path, '/');
    str_addf(&folder, "%.*s/../version", (int)(slash - path), path);
    interpreter_add_file(key, folder.s);
    str_free(&folder);
}

static bool
interpreter_is_script(const char *path)
{
    char first[2] = {0};
    FILE *f = fopen(path, "rb");
    if (!f) {
        return false;
    }
    size_t n = fread(first, 1, sizeof(first), f);
    fclose(f);
    return n == 2 && first[0] == '#' && first[1] == '!';
}

static bool
interpreter_identity(struct str *key, const char *path, const char *const *tomls, size_t ntomls)
{
    struct stat state;
    char *real = realpath(path, NULL);
    if (!real || stat(real, &state) != 0) {
        free(real);
        return false;
    }
    str_addf(key, "%s %s\n%s\n%s %lld.%09ld %lld\n", EXTCHECK_VERSION, interpreter_script(), path,
             real, (long long)state.st_mtim.tv_sec, state.st_mtim.tv_nsec,
             (long long)state.st_size);
    if (interpreter_is_script(real)) {
        interpreter_add_shim(key, path);
    }
    free(real);
    for (size_t i = 0; i < ntomls; i++) {
        interpreter_add_file(key, tomls[i]);
    }
    return true;
}

static const char *
interpreter_cache_path(struct arena *arena, const char *cache_dir, const char *path,
                       const char *const *tomls, size_t ntomls)
{
    struct str key = {0};
    const char *file = NULL;
    if (cache_dir && interpreter_identity(&key, path, tomls, ntomls)) {
        XXH128_hash_t hash = XXH3_128bits(key.s, key.n);
        file = arena_printf(arena, "%s/interpreters/%016llx%016llx.txt", cache_dir,
                            (unsigned long long)hash.high64, (unsigned long long)hash.low64);
    }
    str_free(&key);
    return file;
}

/* ---- the cache ------------------------------------------------------------------------------ */

static void
interpreter_make_folders(const char *path)
{
    struct str folder = {0};
    for (const char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        str_clear(&folder);
        str_addn(&folder, path, (size_t)(at - path));
        mkdir(folder.s, 0777); /* an error shows when the file is opened */
    }
    str_free(&folder);
}

/* Only an optimisation: whatever goes wrong, the next run asks again. */
static void
interpreter_remember(const char *path, const struct str *text)
{
    interpreter_make_folders(path);
    struct str part = {0};
    str_addf(&part, "%s.%ld", path, (long)getpid());
    FILE *out = fopen(part.s, "wb");
    if (out) {
        bool good = fwrite(text->s, 1, text->n, out) == text->n;
        good = fclose(out) == 0 && good;
        if (!good || rename(part.s, path) != 0) {
            remove(part.s);
        }
    }
    str_free(&part);
}

/* ---- reading an answer ----------------------------------------------------------------------- */

static void
interpreter_take_line(struct interpreter *out, const char *key, const char *value)
{
    if (str_starts(key, "set.")) {
        struct setting setting = {key + 4, value};
        vec_push(&out->settings, setting);
    }
    else if (!value) {
        return;
    }
    else if (strcmp(key, "file") == 0) {
        out->settings_file = value;
    }
    else if (strcmp(key, "version") == 0) {
        out->version = value;
    }
    else if (strcmp(key, "include") == 0) {
        vec_push(&out->include, value);
    }
    else if (strcmp(key, "error") == 0) {
        out->settings_error = value;
    }
    else if (strcmp(key, "no-toml") == 0) {
        out->no_toml_reader = true;
    }
}

/* Lines `key: value`, closed by `end`: an answer without it was cut off. */
static bool
interpreter_read(struct arena *arena, const struct str *text, struct interpreter *out)
{
    bool ended = false;
    for (const char *line = text->n ? text->s : ""; *line && !ended;) {
        size_t n = strcspn(line, "\n");
        char *copy = arena_copy(arena, line, n);
        char *colon = strstr(copy, ": ");
        if (colon) {
            *colon = '\0';
        }
        ended = strcmp(copy, "end") == 0;
        interpreter_take_line(out, copy, colon ? colon + 2 : NULL);
        line += n + (line[n] == '\n');
    }
    return ended && out->version;
}

bool
interpreter_ask(struct arena *arena, const char *path, const char *const *tomls, size_t ntomls,
                const char *cache_dir, struct interpreter *out, const char **error)
{
    *out = (struct interpreter){.path = path};
    const char *file = interpreter_cache_path(arena, cache_dir, path, tomls, ntomls);
    struct str text = {0};
    bool good = file && str_read_file(&text, file) && interpreter_read(arena, &text, out);
    if (!good) {
        interpreter_free(out);
        *out = (struct interpreter){.path = path};
        str_clear(&text);
        good = interpreter_run(arena, path, tomls, ntomls, &text, error);
        if (good && !interpreter_read(arena, &text, out)) {
            *error = arena_printf(arena, "%s is no Python 3.9 or newer, or it was stopped", path);
            good = false;
        }
        if (good && file && !out->settings_error) {
            interpreter_remember(file, &text);
        }
    }
    str_free(&text);
    return good;
}

void
interpreter_free(struct interpreter *i)
{
    vec_free(&i->include);
    vec_free(&i->settings);
}
