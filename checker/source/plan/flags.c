/* Compiler flags: which of a build's are kept, and which Python headers a unit sees. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/plan/plan.h"

/* Options whose argument is the next word and a path. */
static bool
flags_takes_path(const char *arg)
{
    static const char *const names[] = {"-I",       "-isystem", "-iquote",   "-idirafter",
                                        "-include", "-imacros", "--sysroot", "-isysroot"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(arg, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool
flags_is_kept(const char *arg)
{
    static const char *const prefixes[] = {"-I",
                                           "-D",
                                           "-U",
                                           "-std=",
                                           "-isystem",
                                           "-iquote",
                                           "-include",
                                           "-x",
                                           "-idirafter",
                                           "-fvisibility",
                                           "-funsigned-char",
                                           "-fsigned-char",
                                           "-fshort-",
                                           "-fms-extensions",
                                           "-fopenmp",
                                           "-pthread",
                                           "-fno-exceptions",
                                           "-fno-rtti",
                                           "-m32",
                                           "-m64",
                                           "--sysroot",
                                           "-isysroot",
                                           "-imacros",
                                           "-nostdinc",
                                           "-stdlib=",
                                           "-fpermissive",
                                           "-fexceptions"};
    if (str_starts(arg, "-D_FORTIFY_SOURCE")) {
        return false; /* a third more to parse, and nothing for us in it */
    }
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
        if (str_starts(arg, prefixes[i])) {
            return true;
        }
    }
    return false;
}

/* A path of a compile command, relative to our own working directory. */
static const char *
flags_path(struct plan *plan, const char *directory, const char *path)
{
    if (*path == '/' || !directory || strcmp(directory, ".") == 0) {
        return path;
    }
    struct str joined = {0};
    str_addf(&joined, "%s/%s", directory, path);
    const char *kept = intern(&plan->strings, joined.s);
    str_free(&joined);
    return kept;
}

static void
flags_add_joined(struct plan *plan, struct plan_unit *unit, const char *directory,
                 const char *prefix, const char *path)
{
    struct str joined = {0};
    str_addf(&joined, "%s%s", prefix, flags_path(plan, directory, path));
    vec_push(&unit->args.at, intern(&plan->strings, joined.s));
    str_free(&joined);
}

/* Flags of a build that say nothing about the meaning of the source. */
static bool
flags_is_harmless(const char *arg)
{
    static const char *const prefixes[] = {"-O", "-g",    "-W",      "-f", "-m",
                                           "-c", "-pipe", "-M",      "-w", "-v",
                                           "-L", "-l",    "-shared", "-s", "-D_FORTIFY_SOURCE"};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
        if (str_starts(arg, prefixes[i])) {
            return true;
        }
    }
    return false;
}

void
flags_filter(struct plan *plan, struct plan_unit *unit, const char *directory,
             const char *const *args, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *arg = args[i];
        if (flags_takes_path(arg) && i + 1 < n) {
            vec_push(&unit->args.at, arg);
            vec_push(&unit->args.at, flags_path(plan, directory, args[++i]));
        }
        else if ((strcmp(arg, "-D") == 0 || strcmp(arg, "-U") == 0 || strcmp(arg, "-x") == 0) &&
                 i + 1 < n) {
            vec_push(&unit->args.at, arg);
            vec_push(&unit->args.at, args[++i]);
        }
        else if (str_starts(arg, "-I")) {
            flags_add_joined(plan, unit, directory, "-I", arg + 2);
        }
        else if (str_starts(arg, "-isystem") && arg[8]) {
            flags_add_joined(plan, unit, directory, "-isystem", arg + 8);
        }
        else if (flags_is_kept(arg)) {
            vec_push(&unit->args.at, arg);
        }
        else if (strcmp(arg, "-o") == 0 || strcmp(arg, "-MF") == 0 || strcmp(arg, "-MT") == 0 ||
                 strcmp(arg, "-MQ") == 0) {
            i++;
        }
        else if (!directory && !flags_is_harmless(arg)) {
            diag_warning("the flag '%s' behind -- is not used", arg);
        }
        if (str_starts(arg, "-DPy_LIMITED_API") ||
            (strcmp(arg, "-D") == 0 && i < n && str_starts(args[i], "Py_LIMITED_API"))) {
            unit->limited = true;
        }
    }
}

int
flags_python_version(const char *dir)
{
    struct str path = {0}, text = {0};
    str_addf(&path, "%s/Python.h", dir);
    int hex = 0;
    if (access(path.s, R_OK) == 0) {
        str_clear(&path);
        str_addf(&path, "%s/patchlevel.h", dir);
        hex = 0x0300;
        if (str_read_file(&text, path.s)) {
            const char *major = strstr(text.s, "#define PY_MAJOR_VERSION");
            const char *minor = strstr(text.s, "#define PY_MINOR_VERSION");
            hex = (int)((major ? strtol(major + 24, NULL, 10) : 3) << 8) |
                  (int)(minor ? strtol(minor + 24, NULL, 10) : 0);
        }
    }
    str_free(&path);
    str_free(&text);
    return hex;
}

static void
flags_add_root(struct plan *plan, const char *dir)
{
    char real[PATH_MAX];
    const char *kept = intern(&plan->strings, realpath(dir, real) ? real : dir);
    for (size_t i = 0; i < plan->python_roots.n; i++) {
        if (plan->python_roots.at[i] == kept) {
            return;
        }
    }
    vec_push(&plan->python_roots, kept);
}

/* The folder an argument adds to the search path, or NULL; *words is how many words it takes. */
static const char *
flags_include_dir(const struct plan_args *args, size_t i, size_t *words)
{
    const char *arg = args->at.at[i];
    *words = 1;
    if ((strcmp(arg, "-I") == 0 || strcmp(arg, "-isystem") == 0) && i + 1 < args->at.n) {
        *words = 2;
        return args->at.at[i + 1];
    }
    if (str_starts(arg, "-I")) {
        return arg + 2;
    }
    return str_starts(arg, "-isystem") && arg[8] ? arg + 8 : NULL;
}

void
flags_choose_python(struct plan *plan, struct plan_unit *unit, bool explicit_flags)
{
    int wanted = plan->options->headers.hex;
    int needed = wanted < 0x030d ? wanted : 0x030d;
    struct plan_args kept = {{0}};
    unit->python_hex = wanted;
    for (size_t i = 0; i < unit->args.at.n;) {
        size_t words;
        const char *dir = flags_include_dir(&unit->args, i, &words);
        int version = dir ? flags_python_version(dir) : 0;
        bool usable = version && (explicit_flags || version >= needed);
        if (usable) {
            unit->python_from_args = true;
            unit->python_hex = version;
            flags_add_root(plan, dir);
        }
        for (size_t k = 0; k < words; k++, i++) {
            if (!version || usable) {
                vec_push(&kept.at, unit->args.at.at[i]);
            }
        }
    }
    vec_free(&unit->args.at);
    unit->args = kept;
}

void
flags_add_environment(struct str *key)
{
    static const char *const variables[] = {"CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH"};
    for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
        const char *value = getenv(variables[i]);
        str_addf(key, "\x1f%s", value ? value : "");
    }
}
