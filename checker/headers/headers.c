#include "headers/headers.h"

#include <stdlib.h>
#include <string.h>

#include "headers/header_search.h"

/* The oldest headers in which a target's declarations can be seen at all. */
static const int headers_needed[TARGETS] = {
    [TARGET_OWN_GIL] = 0x030c,
    [TARGET_RELOAD] = 0x030c,
    [TARGET_FREE_THREADED] = 0x030d,
};

static bool
headers_serve(int hex, enum target t)
{
    return hex >= headers_needed[t];
}

/* "own-gil, free-threaded": the targets asked for that headers of this version cannot serve. */
static const char *
headers_missing_targets(struct options *o, int hex)
{
    struct str words = {0};
    for (int t = 0; t < TARGETS; t++) {
        if (options_target_asked(o, (enum target)t) && !headers_serve(hex, (enum target)t)) {
            str_addf(&words, "%s%s", words.n ? ", " : "", target_name((enum target)t));
        }
    }
    const char *text = words.n ? arena_string(&o->arena, words.s) : NULL;
    str_free(&words);
    return text;
}

/* ---- one set -------------------------------------------------------------------------------- */

static struct header_set *
headers_add(struct options *o, struct header_choice *out, const struct header_dir *dir,
            const struct interpreter *from)
{
    struct header_set set = {0};
    size_t n = from ? from->include.n : 1;
    const char **flags = arena_alloc(&o->arena, (n + 1) * sizeof(*flags));
    for (size_t i = 0; i < n; i++) {
        flags[i] = arena_printf(&o->arena, "-I%s", from ? from->include.at[i] : dir->path);
    }
    set.source.version = dir->version;
    set.source.hex = dir->hex;
    set.source.flags = flags;
    set.source.gil_disabled = dir->gil_disabled;
    set.source.label = from ? from->path : dir->path;
    vec_push(&out->sets, set);
    return &out->sets.at[out->sets.n - 1];
}

/* The headers an interpreter names; false when they are not installed. */
static bool
headers_of(struct options *o, const struct interpreter *i, struct header_dir *dir)
{
    for (size_t at = 0; at < i->include.n; at++) {
        if (header_dir_read(&o->arena, i->include.at[at], dir)) {
            return true;
        }
    }
    return false;
}

/* ---- targets -------------------------------------------------------------------------------- */

/* Every target goes to the sets that can serve it; one that can serve none of the targets that
 * need new headers still answers for shared-gil and port. */
static void
headers_share_targets(struct options *o, struct header_choice *out)
{
    for (size_t i = 0; i < out->sets.n; i++) {
        for (int t = 0; t < TARGETS; t++) {
            out->sets.at[i].targets[t] = options_target_asked(o, (enum target)t) &&
                                         headers_serve(out->sets.at[i].source.hex, (enum target)t);
        }
    }
}

static bool
headers_any_serves(const struct header_choice *out, enum target t)
{
    for (size_t i = 0; i < out->sets.n; i++) {
        if (headers_serve(out->sets.at[i].source.hex, t)) {
            return true;
        }
    }
    return false;
}

static void
headers_say_unserved(struct options *o, struct header_choice *out)
{
    bool both = options_target_asked(o, TARGET_FREE_THREADED) &&
                !headers_any_serves(out, TARGET_FREE_THREADED);
    for (int t = 0; t < TARGETS; t++) {
        out->unserved[t] = NULL;
        if (!options_target_asked(o, (enum target)t) || headers_any_serves(out, (enum target)t)) {
            continue;
        }
        /* What helps the most demanding target helps the others. */
        int minor = both ? 13 : headers_needed[t] & 0xff;
        out->unserved[t] = arena_printf(&o->arena,
                                        "needs 3.%d+ headers, for example: apt install "
                                        "python3.%d-dev, or --python /path/to/python3.%d",
                                        minor, minor, minor);
    }
}

void
headers_settle(struct options *o, struct header_choice *out)
{
    headers_share_targets(o, out);
    headers_say_unserved(o, out);
}

/* ---- the choice ----------------------------------------------------------------------------- */

/* The oldest version that serves every target asked for. */
static int
headers_wanted(const struct options *o)
{
    int wanted = 0;
    for (int t = 0; t < TARGETS; t++) {
        if (options_target_asked(o, (enum target)t) && headers_needed[t] > wanted) {
            wanted = headers_needed[t];
        }
    }
    return wanted;
}

static int
headers_newest_set(const struct header_choice *out)
{
    int newest = 0;
    for (size_t i = 0; i < out->sets.n; i++) {
        newest = out->sets.at[i].source.hex > newest ? out->sets.at[i].source.hex : newest;
    }
    return newest;
}

/* Newer headers where those at hand do not serve every target: one set is replaced, since one parse
 * with new headers answers for all targets; several that were asked for by name stay. */
static void
headers_add_newer(struct options *o, struct header_choice *out)
{
    int have = headers_newest_set(out);
    if (have >= headers_wanted(o)) {
        return;
    }
    struct header_dirs found = {0};
    header_search(&o->arena, &found);
    const struct header_dir *newer = header_newest(&found, headers_wanted(o));
    if (!newer) {
        newer = header_newest(&found, have + 1);
    }
    if (newer) {
        const struct source_headers old = out->sets.at[0].source;
        const char *why = headers_missing_targets(o, have);
        bool replaced = out->sets.n == 1;
        if (replaced) {
            out->sets.n = 0;
        }
        headers_add(o, out, newer, NULL);
        vec_push(&out->notes,
                 arena_printf(&o->arena, "%s: headers of Python %s in %s are used%s%s%s%s", why,
                              newer->version, newer->path,
                              replaced ? " for all targets, since " : ", since ", old.label, " is ",
                              old.version));
    }
    vec_free(&found.all);
}

/* No interpreter, or one without headers, and none asked for by name: the newest at hand. */
static bool
headers_take_any(struct options *o, const struct interpreter *asked, struct header_choice *out)
{
    struct header_dirs found = {0};
    header_search(&o->arena, &found);
    const struct header_dir *newest = header_newest(&found, 0);
    if (newest) {
        headers_add(o, out, newest, NULL);
        vec_push(&out->notes,
                 arena_printf(&o->arena, "headers of Python %s in %s are used, since %s",
                              newest->version, newest->path,
                              asked ? arena_printf(&o->arena, "%s has none", asked->path)
                                    : "there is no python3 on PATH"));
    }
    else if (asked) {
        diag_error("no Python.h: %s (Python %s) comes without headers; for example: apt install "
                   "python3-dev",
                   asked->path, asked->version);
    }
    else {
        diag_error("no python3 on PATH and no Python headers; for example: apt install "
                   "python3-dev, or --python PATH");
    }
    vec_free(&found.all);
    return newest;
}

bool
headers_read_soabi(const char *soabi, int *python, bool *free_threaded)
{
    const char *at = soabi + (*soabi == '.');
    *python = 0;
    if (str_starts(at, "abi3")) {
        *free_threaded = at[4] == 't';
        return true;
    }
    at += str_starts(at, "cpython-") ? 8 : str_starts(at, "cp") ? 2 : 0;
    if (*at != '3') {
        return false;
    }
    char *end;
    unsigned long minor = strtoul(at + 1, &end, 10);
    if (end == at + 1 || minor > 99) {
        return false;
    }
    *python = 0x0300 | (int)minor;
    size_t flags = strcspn(end, "-._");
    *free_threaded = memchr(end, 't', flags) != NULL;
    return true;
}

/* spam.cpython-314t-x86_64-linux-gnu.so: 3.14, free-threaded. 0 where the name tells no version, or
 * where several binaries are of several. */
static int
headers_binary_version(const struct words *binaries, bool *gil_disabled, const char **path)
{
    int hex = 0;
    for (size_t i = 0; binaries && i < binaries->list.n; i++) {
        const char *slash = strrchr(binaries->list.at[i], '/');
        const char *tag = strstr(slash ? slash : binaries->list.at[i], ".cpython-3");
        int here = 0;
        bool threaded = false;
        if (!tag || !headers_read_soabi(tag, &here, &threaded) || (hex && here != hex)) {
            return 0;
        }
        hex = here;
        *gil_disabled = threaded;
        *path = binaries->list.at[i];
    }
    return hex;
}

/* Slots and limits differ between versions: a binary is judged with what it was built with. Where
 * these headers are missing or cannot tell enough, the choice stays, and the report says so. */
static void
headers_follow_binary(struct options *o, const struct words *binaries, struct header_choice *out)
{
    bool threaded = false;
    const char *path = NULL;
    int hex = o->python.list.n ? 0 : headers_binary_version(binaries, &threaded, &path);
    if (!hex || headers_newest_set(out) == hex) {
        return;
    }
    struct header_dirs found = {0};
    header_search(&o->arena, &found);
    const struct header_dir *same = header_exact(&found, hex, threaded);
    const char *used = out->sets.at[0].source.version;
    if (same && hex >= headers_wanted(o)) {
        out->sets.n = 0;
        out->notes.n = 0;
        headers_add(o, out, same, NULL);
        vec_push(&out->notes, arena_printf(&o->arena,
                                           "headers of Python %s in %s are used, which %s was "
                                           "built for",
                                           same->version, same->path, path));
    }
    else {
        vec_push(&out->notes,
                 arena_printf(&o->arena,
                              "%s was built for Python 3.%d, and the sources are judged with "
                              "headers of Python %s%s",
                              path, hex & 0xff, used,
                              same ? ""
                                   : arena_printf(&o->arena,
                                                  ": there are none of 3.%d (--python PATH "
                                                  "names an interpreter that has them)",
                                                  hex & 0xff)));
    }
    vec_free(&found.all);
}

bool
headers_choose(struct options *o, const struct interpreter *asked, size_t n,
               const struct words *binaries, struct header_choice *out)
{
    for (size_t i = 0; i < n; i++) {
        struct header_dir dir;
        if (headers_of(o, &asked[i], &dir)) {
            headers_add(o, out, &dir, &asked[i]);
        }
        else if (o->python.list.n) {
            diag_error("no Python.h: %s (Python %s) comes without headers; for example: apt "
                       "install python%s-dev",
                       asked[i].path, asked[i].version, asked[i].version);
            return false;
        }
    }
    if (!out->sets.n && !headers_take_any(o, n ? &asked[0] : NULL, out)) {
        return false;
    }
    headers_add_newer(o, out);
    headers_follow_binary(o, binaries, out);
    headers_settle(o, out);
    return true;
}

void
headers_of_facts(struct options *o, int hex, struct header_choice *out)
{
    struct header_dir dir = {.path = "", .version = NULL, .hex = hex ? hex : HEADERS_NEWEST};
    headers_add(o, out, &dir, NULL);
    headers_settle(o, out);
}

void
headers_free(struct header_choice *choice)
{
    vec_free(&choice->sets);
    vec_free(&choice->notes);
}
