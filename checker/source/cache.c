#include "source/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/diag.h"
#include "base/vec.h"

/* What a look at a file tells without reading it. */
struct cache_stamp {
    long long time, size; /* time 0: too young to be trusted */
    unsigned long long inode;
};

struct cache_hash_entry {
    uint64_t hash;
    struct cache_stamp stamp;
};

/* File systems count time in steps: within one, a file may change twice. */
enum { SETTLED_SECONDS = 3 };

uint64_t
cache_hash(const void *data, size_t n)
{
    return XXH3_64bits(data, n);
}

void
cache_hash_wide(const void *data, size_t n, uint64_t out[2])
{
    XXH128_hash_t hash = XXH3_128bits(data, n);
    out[0] = hash.high64;
    out[1] = hash.low64;
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

/* Before the file is read: when it changes in between, its stamp is wrong, not its hash. */
static struct cache_stamp
cache_stamp(const char *path)
{
    struct stat st;
    struct timespec now;
    if (stat(path, &st) != 0 || clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return (struct cache_stamp){0, -1, 0};
    }
    bool settled = st.st_mtim.tv_sec + SETTLED_SECONDS < now.tv_sec;
    return (struct cache_stamp){
        settled ? (long long)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec : 0,
        (long long)st.st_size, (unsigned long long)st.st_ino};
}

static uint64_t
cache_hash_now(const char *path, bool names)
{
    if (names) {
        return cache_hash_names(path);
    }
    struct str text = {0};
    uint64_t hash = str_read_file(&text, path) ? cache_hash(text.s ? text.s : "", text.n) | 1 : 0;
    str_free(&text);
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
    entry->stamp = cache_stamp(path);
    entry->hash = cache_hash_now(path, names);
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
cache_make_dirs(const char *dir, const char *below)
{
    struct str path = {0};
    str_addf(&path, "%s/%s", dir, below);
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

/* ---- lists of files ---- */

static void
cache_add_line(struct str *out, char kind, const char *path, uint64_t hash, struct cache_stamp s)
{
    str_addf(out, "%016" PRIx64 " %c %lld %lld %llu %s\n", hash, kind, s.time, s.size, s.inode,
             path);
}

void
cache_list_files(const struct cache *cache, struct str *out)
{
    for (size_t i = 0; i < cache->file_hashes.cap; i++) {
        const struct map_cell *cell = &cache->file_hashes.cells[i];
        if (cell->value) {
            const struct cache_hash_entry *entry = cell->value;
            cache_add_line(out, cell->key[0], cell->key + 1, entry->hash, entry->stamp);
        }
    }
}

void
cache_list_read(const char *lines, const char *const *folders, struct str *out)
{
    struct cache cache = {.dir = NULL};
    for (const char *line = lines; *line;) {
        size_t n = strcspn(line, "\n");
        if (n > 2 && line[0] == 'D') {
            cache_hash_path(&cache, intern_n(&cache.strings, line + 2, n - 2), false);
        }
        line += n + (line[n] != '\0');
    }
    for (; *folders; folders++) {
        cache_hash_path(&cache, *folders, true);
    }
    cache_list_files(&cache, out);
    cache_free(&cache);
}

bool
cache_files_unchanged(const char *list, size_t n, struct str *fresh)
{
    bool touched = false;
    const char *end = list + n;
    struct str line = {0};
    bool same = true;
    for (const char *at = list; same && at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        uint64_t hash = 0;
        char kind = 0;
        struct cache_stamp then;
        int used = 0;
        str_clear(&line);
        str_addn(&line, at, stop ? (size_t)(stop - at) : 0);
        same = sscanf(line.s, "%16" SCNx64 " %c %lld %lld %llu %n", &hash, &kind, &then.time,
                      &then.size, &then.inode, &used) == 5 &&
               used > 0 && line.s[used];
        if (same) {
            const char *path = line.s + used;
            struct cache_stamp now = cache_stamp(path);
            bool untouched = now.time && now.time == then.time && now.size == then.size &&
                             now.inode == then.inode;
            same = untouched || cache_hash_now(path, kind == '/') == hash;
            touched |= !untouched && now.time != then.time;
            cache_add_line(fresh, kind, path, hash, now);
            at = stop + 1;
        }
    }
    if (!touched) {
        str_clear(fresh);
    }
    str_free(&line);
    return same;
}

/* ---- other files ---- */

struct cache_old {
    char *path;
    struct timespec time;
};

static int
cache_older(const void *a, const void *b)
{
    const struct timespec *x = &((const struct cache_old *)a)->time;
    const struct timespec *y = &((const struct cache_old *)b)->time;
    return x->tv_sec != y->tv_sec     ? (x->tv_sec < y->tv_sec ? -1 : 1)
           : x->tv_nsec != y->tv_nsec ? (x->tv_nsec < y->tv_nsec ? -1 : 1)
                                      : 0;
}

/* Removes the oldest entries of a folder that holds more than `most`. */
static void
cache_prune(const char *folder, size_t most)
{
    VEC(struct cache_old) all = {0};
    DIR *stream = opendir(folder);
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        struct str path = {0};
        struct stat st;
        str_addf(&path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.' && stat(path.s, &st) == 0) {
            struct cache_old old = {xstrdup(path.s), st.st_mtim};
            vec_push(&all, old);
        }
        str_free(&path);
    }
    if (stream) {
        closedir(stream);
    }
    if (all.n > most) {
        qsort(all.at, all.n, sizeof(*all.at), cache_older);
    }
    for (size_t i = 0; i < all.n; i++) {
        if (i + most < all.n) {
            unlink(all.at[i].path);
        }
        free(all.at[i].path);
    }
    vec_free(&all);
}

void
cache_write_file(const char *dir, const char *below, const char *name, const struct str *text,
                 size_t most)
{
    if (!cache_make_dirs(dir, below)) {
        return;
    }
    struct str path = {0};
    str_addf(&path, "%s/%s", dir, below);
    cache_prune(path.s, most);
    str_addf(&path, "/%s", name);
    cache_write(path.s, text);
    str_free(&path);
}

void
cache_free(struct cache *cache)
{
    map_free(&cache->file_hashes);
    interner_free(&cache->strings);
    arena_free(&cache->arena);
}
