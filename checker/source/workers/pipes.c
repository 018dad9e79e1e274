#include "source/workers/pipes.h"

#include <errno.h>
#include <unistd.h>

bool
pipes_write(int fd, const void *data, size_t n)
{
    const char *at = data;
    while (n) {
        ssize_t wrote = write(fd, at, n);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return false;
        }
        at += wrote;
        n -= (size_t)wrote;
    }
    return true;
}

bool
pipes_read(int fd, void *data, size_t n)
{
    char *at = data;
    while (n) {
        ssize_t got = read(fd, at, n);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        at += got;
        n -= (size_t)got;
    }
    return true;
}
