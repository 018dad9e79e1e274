#include "source/plan/precompiled.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"
#include "source/cache/cache.h"

/* Most headers kept: for Python alone 3 to 5 MB each, with pybind11 17. */
enum { MOST_HEADERS = 12, HASH_DIGITS = 16 };

static void
precompiled_name(const struct str *key, struct str *name)
{
    uint64_t hash[2];
    cache_hash_wide(key->s, key->n, hash);
    str_addf(name, "%016" PRIx64 "%016" PRIx64, hash[0], hash[1]);
}

/* An entry: a line with the hash of the rest, mixed with that of the key it was made for, and two
 * lengths; the list of files as the cache writes it; the `D` lines; the header. */
struct precompiled_entry {
    const char *list, *included, *header;
    size_t nlist, nincluded, nheader;
};

static bool
precompiled_split(const struct str *text, const struct str *key, struct precompiled_entry *out)
{
    char *end = NULL;
    uint64_t hash = strtoull(text->s, &end, 16) ^ cache_hash(key->s, key->n);
    if (end != text->s + HASH_DIGITS || *end != ' ') {
        return false;
    }
    const char *numbers = end;
    out->nlist = strtoul(end, &end, 10);
    out->nincluded = strtoul(end, &end, 10);
    const char *stop = text->s + text->n;
    if (*end != '\n' || cache_hash(numbers, (size_t)(stop - numbers)) != hash) {
        return false;
    }
    out->list = end + 1;
    size_t left = (size_t)(stop - out->list);
    if (out->nlist > left || out->nincluded > left - out->nlist) {
        return false;
    }
    out->included = out->list + out->nlist;
    out->header = out->included + out->nincluded;
    out->nheader = (size_t)(stop - out->header);
    return true;
}

static bool
precompiled_write(const char *path, const char *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write(fd, bytes, n) == (ssize_t)n;
    good = fd >= 0 && close(fd) == 0 && good;
    if (fd >= 0 && !good) {
        unlink(path);
    }
    return good;
}

bool
precompiled_recall(const char *dir, const struct str *key, const char *path, struct str *included)
{
    struct str name = {0}, text = {0}, fresh = {0};
    struct precompiled_entry entry;
    if (!dir) {
        return false;
    }
    str_addf(&name, "%s/headers/", dir);
    precompiled_name(key, &name);
    bool good = str_read_file(&text, name.s) && text.n && precompiled_split(&text, key, &entry) &&
                cache_files_unchanged(entry.list, entry.nlist, &fresh) && !fresh.n &&
                precompiled_write(path, entry.header, entry.nheader);
    if (good) {
        str_addn(included, entry.included, entry.nincluded);
        utimensat(AT_FDCWD, name.s, NULL, 0); /* what is in use is not what goes first */
    }
    str_free(&name);
    str_free(&text);
    str_free(&fresh);
    return good;
}

void
precompiled_keep(const char *dir, const struct str *key, const char *path,
                 const struct str *included, const char *const *args, size_t nargs)
{
    if (!dir) {
        return;
    }
    VEC(const char *) folders = {0};
    for (size_t i = 0; i < nargs; i++) {
        if (str_starts(args[i], "-I") && args[i][2]) {
            vec_push(&folders, args[i] + 2);
        }
    }
    vec_push(&folders, "/usr/local/include"); /* it comes before the system's other folders */
    vec_push(&folders, NULL);
    struct str list = {0}, text = {0}, name = {0};
    cache_list_read(included->n ? included->s : "", folders.at, &list);
    str_addf(&text, "%0*d %zu %zu\n", HASH_DIGITS, 0, list.n, included->n);
    str_addn(&text, list.n ? list.s : "", list.n);
    str_addn(&text, included->n ? included->s : "", included->n);
    if (str_read_file(&text, path)) { /* behind the rest */
        char hash[HASH_DIGITS + 1];
        snprintf(hash, sizeof(hash), "%016" PRIx64,
                 cache_hash(text.s + HASH_DIGITS, text.n - HASH_DIGITS) ^
                     cache_hash(key->s, key->n));
        memcpy(text.s, hash, HASH_DIGITS);
        precompiled_name(key, &name);
        cache_write_file(dir, "headers", name.s, &text, MOST_HEADERS);
    }
    vec_free(&folders);
    str_free(&list);
    str_free(&text);
    str_free(&name);
}
