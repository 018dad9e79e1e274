#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"

void
str_reserve(struct str *out, size_t more)
{
    if (out->n + more + 1 <= out->cap) {
        return;
    }
    size_t cap = out->cap ? out->cap : 64;
    while (cap < out->n + more + 1) {
        cap *= 2;
    }
    out->s = xrealloc(out->s, cap);
    out->cap = cap;
}

void
str_addn(struct str *out, const char *s, size_t n)
{
    str_reserve(out, n);
    if (n) {
        memcpy(out->s + out->n, s, n);
    }
    out->n += n;
    out->s[out->n] = '\0';
}

void
str_add(struct str *out, const char *s)
{
    str_addn(out, s, strlen(s));
}

void
str_addc(struct str *out, char c)
{
    str_addn(out, &c, 1);
}

void
str_addf(struct str *out, const char *format, ...)
{
    str_reserve(out, 64); /* most fit at once */
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    size_t room = out->cap - out->n;
    int n = vsnprintf(out->s + out->n, room, format, args);
    va_end(args);
    if (n < 0) {
        bug("str_addf: bad format");
    }
    if ((size_t)n >= room) {
        str_reserve(out, (size_t)n);
        vsnprintf(out->s + out->n, (size_t)n + 1, format, again);
    }
    va_end(again);
    out->n += (size_t)n;
}

void
str_clear(struct str *out)
{
    out->n = 0;
    if (out->s) {
        out->s[0] = '\0';
    }
}

void
str_free(struct str *out)
{
    free(out->s);
    out->s = NULL;
    out->n = out->cap = 0;
}

static bool
str_read_fd(struct str *out, int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        return false;
    }
    str_reserve(out, (size_t)st.st_size);
    for (;;) {
        str_reserve(out, 4096);
        ssize_t got = read(fd, out->s + out->n, out->cap - out->n - 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return false;
        }
        out->n += (size_t)got;
        out->s[out->n] = '\0';
        if (got == 0) {
            return true;
        }
    }
}

bool
str_read_file(struct str *out, const char *path)
{
    /* O_NONBLOCK: opening a FIFO without a writer must not wait. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return false;
    }
    bool ok = str_read_fd(out, fd);
    int saved = errno;
    close(fd);
    errno = saved;
    return ok;
}

bool
str_starts(const char *s, const char *prefix)
{
    return s && strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
str_ends(const char *s, const char *suffix)
{
    size_t n = s ? strlen(s) : 0, m = strlen(suffix);
    return n >= m && strcmp(s + n - m, suffix) == 0;
}

struct str_word
str_first_word(const char *list)
{
    return str_next_word((struct str_word){.at = list ? list : "", .n = 0});
}

struct str_word
str_next_word(struct str_word word)
{
    const char *at = word.at + word.n;
    at += strspn(at, ",");
    return (struct str_word){*at ? at : NULL, strcspn(at, ",")};
}

bool
str_list_has_word(const char *list, struct str_word word)
{
    STR_WORDS_EACH(list, item)
    {
        if (item.n == word.n && memcmp(item.at, word.at, word.n) == 0) {
            return true;
        }
    }
    return false;
}

bool
str_list_has(const char *list, const char *word)
{
    return str_list_has_word(list, (struct str_word){word, strlen(word)});
}

size_t
str_name_length(const char *s)
{
    size_t n = 0;
    while (isalnum((unsigned char)s[n]) || s[n] == '_') {
        n++;
    }
    return n;
}

bool
str_glob(const char *pattern, const char *s)
{
    return fnmatch(pattern, s, 0) == 0;
}
