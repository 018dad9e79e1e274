#include "source/plan/common.h"

#include <string.h>
#include <unistd.h>

/* A file may be asked for with so many of the folders above it (<x86_64-linux-gnu/sys/cdefs.h>). */
enum { ASKED_FOLDERS = 4 };

bool
common_is_possible(const struct plan_unit *unit)
{
    static const char *const plain[] = {"-D", "-U", "-std=", "-f", "-pthread", "-m"};
    for (size_t i = 0; i < unit->args.at.n; i++) {
        const char *arg = unit->args.at.at[i];
        bool known = str_starts(arg, "-I") && arg[2];
        known = known && (arg[2] == '/' || common_is_own_folder(arg));
        for (size_t k = 0; k < sizeof(plain) / sizeof(*plain) && !known; k++) {
            known = str_starts(arg, plain[k]) && strlen(arg) > 2;
        }
        if (!known) {
            return false;
        }
    }
    return !unit->is_cxx;
}

bool
common_is_own_folder(const char *arg)
{
    static const char *const pythons[] = {"Python.h", "pyconfig.h"};
    bool own = str_starts(arg, "-I");
    struct str path = {0};
    for (size_t i = 0; i < sizeof(pythons) / sizeof(*pythons) && own; i++) {
        str_clear(&path);
        str_addf(&path, "%s/%s", arg + 2, pythons[i]);
        own = access(path.s, F_OK) != 0;
    }
    str_free(&path);
    return own;
}

/* Is there a file in the folder that an #include might mean instead of this one? */
static bool
common_has(const char *folder, const char *path, size_t n)
{
    bool found = false;
    struct str other = {0};
    size_t from = n;
    for (int i = 0; i < ASKED_FOLDERS && from && !found; i++) {
        const char *slash = memrchr(path, '/', from);
        from = slash ? (size_t)(slash - path) : 0;
        str_clear(&other);
        str_addf(&other, "%s%.*s", folder, (int)(n - from), path + from);
        found = slash && access(other.s, F_OK) == 0;
    }
    str_free(&other);
    return found;
}

bool
common_is_hidden(const struct plan_unit *unit, const char *included)
{
    for (size_t i = 0; i < unit->args.at.n; i++) {
        const char *arg = unit->args.at.at[i];
        for (const char *line = common_is_own_folder(arg) ? included : ""; *line;) {
            size_t n = strcspn(line, "\n");
            if (n > 2 && line[0] == 'D' && common_has(arg + 2, line + 2, n - 2)) {
                return true;
            }
            line += n + (line[n] != '\0');
        }
    }
    return false;
}

/* The next folder with Python's headers behind argument *i, or NULL. */
static const char *
common_next(const struct plan_unit *unit, size_t *i)
{
    while (*i < unit->args.at.n) {
        const char *arg = unit->args.at.at[(*i)++];
        if (str_starts(arg, "-I") && !common_is_own_folder(arg)) {
            return arg;
        }
    }
    return NULL;
}

bool
common_is_same(const struct plan_unit *a, const struct plan_unit *b)
{
    size_t i = 0, k = 0;
    const char *x, *y;
    do {
        x = common_next(a, &i);
        y = common_next(b, &k);
    } while (x && y && strcmp(x, y) == 0);
    return !x && !y && a->python_from_args == b->python_from_args;
}
