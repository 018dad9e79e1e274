#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/shared.h"

/* Adds the parts of a path to an absolute one, resolving "." and "..". */
static void
path_append(struct str *out, const char *path)
{
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n == 2 && path[0] == '.' && path[1] == '.') {
            while (out->n && out->s[out->n - 1] != '/') {
                out->n--;
            }
            out->n -= out->n ? 1 : 0;
            out->s[out->n] = '\0';
        }
        else if (n && !(n == 1 && path[0] == '.')) {
            str_addc(out, '/');
            str_addn(out, path, n);
        }
        path += n + (path[n] == '/' ? 1 : 0);
    }
}

/* Lexical on purpose: the user's spelling counts, also where a folder is a symbolic link. The
 * result has no slash at its end, so "/" is empty. */
static void
path_absolute(struct str *out, const char *path)
{
    str_add(out, "");
    if (path[0] != '/') {
        char *here = getcwd(NULL, 0);
        path_append(out, here ? here : "");
        free(here);
    }
    path_append(out, path);
}

bool
path_add(struct str *out, const char *file, const char *root)
{
    struct str full = {0}, base = {0};
    path_absolute(&full, file ? file : "");
    path_absolute(&base, root ? root : "");
    bool inside = full.n > base.n && full.s[base.n] == '/' && memcmp(full.s, base.s, base.n) == 0;
    if (inside) {
        str_add(out, full.s + base.n + 1);
    }
    else {
        str_add(out, file ? file : "");
    }
    str_free(&full);
    str_free(&base);
    return inside;
}

/* Letters of a path that stand for themselves in a URI; ':' is left out because the first part of
 * a relative one would look like a scheme. */
static void
path_add_encoded(struct str *out, const char *path)
{
    static const char kept[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    for (const char *p = path; *p; p++) {
        if (strchr(kept, *p)) {
            str_addc(out, *p);
        }
        else {
            str_addf(out, "%%%02X", (unsigned char)*p);
        }
    }
}

bool
path_add_uri(struct str *out, const char *file, const char *root)
{
    struct str path = {0};
    bool inside = path_add(&path, file, root);
    if (!inside) {
        str_clear(&path);
        path_absolute(&path, file ? file : "");
        str_add(out, "file://");
    }
    path_add_encoded(out, path.s);
    str_free(&path);
    return inside;
}
