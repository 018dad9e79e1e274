#include "inputs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"

enum input_kind { INPUT_SOURCE, INPUT_HEADER, INPUT_BINARY, INPUT_OTHER };

static enum input_kind
input_kind_of(const char *path)
{
    static const char *const sources[] = {".c", ".cc", ".cpp", ".cxx", ".c++", ".cp", ".i", ".ii"};
    static const char *const headers[] = {".h", ".hh", ".hpp", ".hxx", ".h++", ".inc", ".inl"};
    const char *slash = strrchr(path, '/');
    const char *ending = strrchr(slash ? slash : path, '.');
    for (size_t i = 0; ending && i < sizeof(sources) / sizeof(sources[0]); i++) {
        if (strcasecmp(ending, sources[i]) == 0) {
            return INPUT_SOURCE;
        }
    }
    for (size_t i = 0; ending && i < sizeof(headers) / sizeof(headers[0]); i++) {
        if (strcasecmp(ending, headers[i]) == 0) {
            return INPUT_HEADER;
        }
    }
    /* spam.so, and libspam.so.1 where a library holds modules. */
    const char *versioned = strstr(slash ? slash : path, ".so.");
    bool binary = str_ends(path, ".so") || (versioned && isdigit((unsigned char)versioned[4]));
    return binary ? INPUT_BINARY : INPUT_OTHER;
}

/* NULL when the file can be read; opening it is the only sure test and must not block. */
static const char *
input_refusal(const char *path, struct arena *arena)
{
    struct stat state;
    if (stat(path, &state) != 0) {
        return errno == ENOENT ? "no such file" : arena_string(arena, strerror(errno));
    }
    if (S_ISDIR(state.st_mode)) {
        return "is a folder; name its files, such as DIR/*.c";
    }
    if (S_ISFIFO(state.st_mode)) {
        return "is a pipe, not a file";
    }
    if (!S_ISREG(state.st_mode)) {
        return "is a device or socket, not a file";
    }
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return arena_string(arena, strerror(errno));
    }
    close(fd);
    return NULL;
}

static const char *
input_refuse_kind(const char *path)
{
    if (str_ends(path, ".pyx") || str_ends(path, ".pxd")) {
        return "is Cython source; give the C file that Cython makes of it";
    }
    return "is no C or C++ source by its ending (.c, .cc, .cpp, .cxx), nor a built module (.so)";
}

static void
input_fail(struct findings *findings, const char *file, const char *reason)
{
    struct failed_file failed = {file, reason, false};
    vec_push(&findings->failed, failed);
    findings->files_total++;
}

/* A header is seen through the files that include it. */
static void
inputs_note_headers(const struct words *headers, bool sources, struct findings *findings)
{
    for (size_t i = 0; i < headers->list.n; i++) {
        if (!sources) {
            input_fail(findings, headers->list.at[i],
                       "is a header: it is analysed through the source files that include it; "
                       "name one of them");
        }
    }
    if (sources && headers->list.n) {
        vec_push(&findings->notes,
                 arena_printf(&findings->arena,
                              "%zu header%s named: headers are analysed through the sources that "
                              "include them",
                              headers->list.n, headers->list.n == 1 ? "" : "s"));
    }
}

/* Another name of a file that was taken already? */
static bool
input_is_double(struct map *seen, struct arena *arena, const char *path)
{
    char *real = realpath(path, NULL);
    const char *key = arena_string(arena, real ? real : path);
    free(real);
    void **cell = map_slot(seen, key);
    bool again = *cell;
    *cell = (void *)(uintptr_t)1;
    return again;
}

void
inputs_collect(const struct options *o, struct words *out, struct words *binaries,
               struct findings *findings)
{
    struct map seen = {0};
    struct words headers = {0};
    for (size_t i = 0; i < o->files.list.n; i++) {
        const char *path = o->files.list.at[i];
        if (input_is_double(&seen, &findings->arena, path)) {
            continue;
        }
        const char *refusal = input_refusal(path, &findings->arena);
        enum input_kind kind = input_kind_of(path);
        if (!refusal && kind == INPUT_OTHER) {
            refusal = input_refuse_kind(path);
        }
        if (refusal) {
            input_fail(findings, path, refusal);
        }
        else {
            vec_push(kind == INPUT_HEADER   ? &headers.list
                     : kind == INPUT_BINARY ? &binaries->list
                                            : &out->list,
                     path);
        }
    }
    findings->files_total += (int)(out->list.n + binaries->list.n);
    inputs_note_headers(&headers, out->list.n + binaries->list.n > 0, findings);
    vec_free(&headers.list);
    map_free(&seen);
}
