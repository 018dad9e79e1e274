#include "source/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/diag.h"
#include "base/vec.h"

struct cache_hash_entry {
    uint64_t hash;
};

uint64_t
cache_hash(const void *data, size_t n)
{
    return XXH3_64bits(data, n);
}

/* Could an #include mean this name? Reports and object files beside the sources are no reason to
 * parse again. */
static bool
cache_is_header(const char *name)
{
    static const char *const endings[] = {".h", ".hh", ".hpp", ".hxx", ".inc", ".ipp", ".def"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
        if (str_ends(name, endings[i])) {
            return true;
        }
    }
    return !strchr(name, '.'); /* a folder, or a C++ header such as <foo> */
}

static uint64_t
cache_hash_names(const char *dir)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, NULL, alphasort);
    struct str names = {0};
    for (int i = 0; i < n; i++) {
        if (cache_is_header(entries[i]->d_name)) {
            str_addf(&names, "%s\n", entries[i]->d_name);
        }
        free(entries[i]);
    }
    if (n >= 0) {
        free(entries);
    }
    uint64_t hash = n < 0 ? 1 : cache_hash(names.n ? names.s : "", names.n);
    str_free(&names);
    return hash;
}

/* Hash of a file's content, or of a folder's names; 0 when it cannot be read. */
static uint64_t
cache_hash_path(struct cache *cache, const char *path, bool names)
{
    char marked[8] = {names ? '/' : '=', '\0'};
    struct str key = {0};
    str_addf(&key, "%s%s", marked, path);
    void **slot = map_slot(&cache->file_hashes, intern(&cache->strings, key.s));
    str_free(&key);
    if (*slot) {
        return ((struct cache_hash_entry *)*slot)->hash;
    }
    struct cache_hash_entry *entry = arena_alloc(&cache->arena, sizeof(*entry));
    *slot = entry;
    if (names) {
        entry->hash = cache_hash_names(path);
    }
    else {
        struct str text = {0};
        entry->hash = str_read_file(&text, path) ? cache_hash(text.s ? text.s : "", text.n) | 1 : 0;
        str_free(&text);
    }
    return entry->hash;
}

static void
cache_path(const struct cache *cache, const char *key, struct str *path)
{
    str_addf(path, "%s/facts/%016" PRIx64, cache->dir, cache_hash(key, strlen(key)));
}

/* Header of an entry: the key on one line, then `hash kind path` lines, then an empty line. */
static const char *
cache_check_header(struct cache *cache, const char *text, const char *key)
{
    size_t n = strlen(key);
    if (strncmp(text, key, n) != 0 || text[n] != '\n') {
        return NULL;
    }
    const char *line = text + n + 1;
    while (*line && *line != '\n') {
        const char *end = strchr(line, '\n');
        char *rest;
        uint64_t wanted = strtoull(line, &rest, 16);
        if (!end || rest + 3 > end) {
            return NULL;
        }
        const char *path = intern_n(&cache->strings, rest + 3, (size_t)(end - rest - 3));
        if (cache_hash_path(cache, path, rest[1] == '/') != wanted) {
            return NULL;
        }
        line = end + 1;
    }
    return *line == '\n' ? line + 1 : NULL;
}

bool
cache_get(struct cache *cache, const char *key, struct str *result)
{
    if (!cache->dir) {
        return false;
    }
    struct str path = {0}, text = {0};
    cache_path(cache, key, &path);
    bool ok = str_read_file(&text, path.s) && text.n;
    const char *body = ok ? cache_check_header(cache, text.s, key) : NULL;
    if (body) {
        str_addn(result, body, text.n - (size_t)(body - text.s));
    }
    str_free(&path);
    str_free(&text);
    return body != NULL;
}

static void
cache_add_dependencies(struct cache *cache, struct str *out, struct map *seen, const char *text,
                       size_t n)
{
    const char *end = text + n;
    for (const char *line = text; line < end && *line != 'F';) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop) {
            break;
        }
        if (line[0] == 'D' && line[1] == ' ') {
            const char *path = intern_n(&cache->strings, line + 2, (size_t)(stop - line - 2));
            bool scratch = strstr(path, "/extcheck-pch-") != NULL;
            if (!scratch && !map_get(seen, path)) {
                map_set(seen, path, cache);
                str_addf(out, "%016" PRIx64 " = %s\n", cache_hash_path(cache, path, false), path);
            }
        }
        line = stop + 1;
    }
}

/* Only the status line and what follows F are needed again. */
static void
cache_add_result(struct str *out, const char *result, size_t n)
{
    const char *end = result + n;
    for (const char *line = result; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop) {
            break;
        }
        if (*line == 'F') {
            str_addn(out, line, (size_t)(end - line));
            return;
        }
        if (*line == 'S') {
            str_addn(out, line, (size_t)(stop + 1 - line));
        }
        line = stop + 1;
    }
}

static bool
cache_make_dirs(const char *dir)
{
    struct str path = {0};
    str_add(&path, dir);
    str_add(&path, "/facts");
    bool ok = true;
    for (size_t i = 1; ok && i <= path.n; i++) {
        if (path.s[i] == '/' || path.s[i] == '\0') {
            char kept = path.s[i];
            path.s[i] = '\0';
            ok = mkdir(path.s, 0777) == 0 || errno == EEXIST;
            path.s[i] = kept;
        }
    }
    str_free(&path);
    return ok;
}

static void
cache_write(const char *path, const struct str *text)
{
    struct str temporary = {0};
    str_addf(&temporary, "%s.%ld.tmp", path, (long)getpid());
    int fd = open(temporary.s, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd >= 0) {
        bool ok = write(fd, text->s, text->n) == (ssize_t)text->n;
        ok = close(fd) == 0 && ok;
        if (!ok || rename(temporary.s, path) != 0) {
            unlink(temporary.s);
        }
    }
    str_free(&temporary);
}

void
cache_put(struct cache *cache, const char *key, const char *result, size_t n,
          const char *const *dirs, const char *extra)
{
    if (!cache->dir || !cache_make_dirs(cache->dir)) {
        return;
    }
    struct str text = {0}, path = {0};
    struct map seen = {0};
    str_addf(&text, "%s\n", key);
    cache_add_dependencies(cache, &text, &seen, result, n);
    if (extra) {
        cache_add_dependencies(cache, &text, &seen, extra, strlen(extra));
    }
    for (; dirs && *dirs; dirs++) {
        str_addf(&text, "%016" PRIx64 " / %s\n", cache_hash_path(cache, *dirs, true), *dirs);
    }
    str_addc(&text, '\n');
    cache_add_result(&text, result, n);
    cache_path(cache, key, &path);
    cache_write(path.s, &text);
    map_free(&seen);
    str_free(&path);
    str_free(&text);
}

void
cache_free(struct cache *cache)
{
    map_free(&cache->file_hashes);
    interner_free(&cache->strings);
    arena_free(&cache->arena);
}
