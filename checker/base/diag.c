#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 2, 0))) static void
diag_say(const char *label, const char *format, va_list args)
{
    fflush(stdout);
    fprintf(stderr, "extcheck: %s", label);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

void
diag_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    diag_say("error: ", format, args);
    va_end(args);
}

void
diag_warning(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    diag_say("warning: ", format, args);
    va_end(args);
}

void
diag_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    diag_say("", format, args);
    va_end(args);
}

void
diag_bug(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "extcheck: internal error at %s:%d: ", file, line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

static void *
diag_checked(void *p)
{
    if (!p) {
        fputs("extcheck: error: out of memory\n", stderr);
        exit(2);
    }
    return p;
}

void *
xmalloc(size_t size)
{
    return diag_checked(malloc(size ? size : 1));
}

void *
xcalloc(size_t count, size_t size)
{
    return diag_checked(calloc(count ? count : 1, size ? size : 1));
}

void *
xrealloc(void *old, size_t size)
{
    return diag_checked(realloc(old, size ? size : 1));
}

char *
xstrdup(const char *s)
{
    return diag_checked(strdup(s));
}
