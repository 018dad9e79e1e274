/* The folder of the cache: writing, and removing what is oldest. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"
#include "source/cache/cache_files.h"

bool
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

void
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
