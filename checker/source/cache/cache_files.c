/* Files and folders that results rest on: their hashes, and whether they are as they were. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "source/cache/cache_files.h"

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

uint64_t
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
