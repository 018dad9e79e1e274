#include "source/plan/prefix_macros.h"

#include <string.h>

/* A macro of another system's compiler. */
static bool
prefix_is_foreign(const char *name)
{
    static const char *const systems[] = {
        "__APPLE__",  "_WIN32",      "_WIN64",       "_MSC_VER",     "MS_WIN32",    "_AIX",
        "MS_WINDOWS", "__VMS",       "__sun",        "__CYGWIN__",   "__MINGW32__", "__OpenBSD__",
        "__NetBSD__", "__FreeBSD__", "__SUNPRO_C",   "__hpux",       "__MINGW64__", "__ICC",
        "__sgi",      "__WATCOMC__", "__BORLANDC__", "__DragonFly__"};
    for (size_t i = 0; i < sizeof(systems) / sizeof(*systems); i++) {
        if (strcmp(name, systems[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool
prefix_is_core(const char *name)
{
    return strcmp(name, "Py_BUILD_CORE") == 0 || strcmp(name, "Py_BUILD_CORE_BUILTIN") == 0 ||
           strcmp(name, "Py_BUILD_CORE_MODULE") == 0;
}

/* pyconfig.h asks the C library for everything, so that asking for a part of it adds nothing. */
static bool
prefix_asks_library(const char *name)
{
    static const char *const names[] = {"_GNU_SOURCE",     "_DEFAULT_SOURCE", "_BSD_SOURCE",
                                        "_POSIX_C_SOURCE", "_XOPEN_SOURCE",   "_SVID_SOURCE",
                                        "_POSIX_SOURCE",   "_NETBSD_SOURCE",  "__BSD_VISIBLE"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool
prefix_macro_matters(const char *name)
{
    if (prefix_is_core(name) || prefix_asks_library(name) ||
        strcmp(name, "_PY_DATETIME_IMPL") == 0) {
        return false;
    }
    return *name == '_' || str_starts(name, "Py") || str_starts(name, "PY_") ||
           str_starts(name, "HAVE_") || str_starts(name, "NDEBUG") || str_starts(name, "NPY_") ||
           str_starts(name, "WIN") || str_starts(name, "MS_");
}

const char *
prefix_name(struct prefix_walk *w, const char *s)
{
    s += strspn(s, " \t");
    return intern_n(&w->strings, s, str_name_length(s));
}

void
prefix_set(struct prefix_walk *w, const char *name, enum truth value)
{
    map_set(&w->macros, name, (void *)((size_t)value + 1));
}

enum truth
prefix_get(struct prefix_walk *w, const char *name)
{
    size_t known = (size_t)map_get(&w->macros, name);
    if (known) {
        return (enum truth)(known - 1);
    }
    if (strcmp(name, "Py_GIL_DISABLED") == 0) {
        return w->flavour == FLAVOUR_FT ? YES : NO;
    }
    if (prefix_is_foreign(name) || prefix_is_core(name) || strcmp(name, "Py_LIMITED_API") == 0) {
        return NO;
    }
    /* Compilers, pyconfig.h and the C library define the others that matter. */
    return prefix_macro_matters(name) || *name == '_' ? UNKNOWN : NO;
}
