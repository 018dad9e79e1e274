#include "source/cache/cache.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "source/cache/cache_files.h"

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

void
cache_put(struct cache *cache, const char *key, const char *result, size_t n,
          const char *const *dirs, const char *extra)
{
    if (!cache->dir || !cache_make_dirs(cache->dir, "facts")) {
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
