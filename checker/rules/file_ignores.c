/* Rules that are not wanted in some files: `per-file-ignores`. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rules/rule.h"

/* A pattern without a slash is about the file's name; others about its path, from the working
 * directory when they are relative. */
static bool
file_ignores_path(const char *pattern, size_t n, const char *file)
{
    struct str whole = {0};
    char real[PATH_MAX], cwd[PATH_MAX];
    bool matches;
    if (!memchr(pattern, '/', n)) {
        const char *slash = strrchr(file, '/');
        str_addn(&whole, pattern, n);
        matches = str_glob(whole.s ? whole.s : "", slash ? slash + 1 : file);
    }
    else {
        if (pattern[0] != '/' && getcwd(cwd, sizeof(cwd))) {
            str_addf(&whole, "%s/", cwd);
        }
        str_addn(&whole, pattern, n);
        matches = str_glob(whole.s, realpath(file, real) ? real : file);
    }
    str_free(&whole);
    return matches;
}

bool
rule_is_ignored_in(const struct rule_options *options, const struct rule *rule, const char *file)
{
    for (size_t i = 0; file && options->file_ignores && options->file_ignores[i]; i++) {
        const char *item = options->file_ignores[i], *colon = strrchr(item, ':');
        const char *word = colon ? colon + 1 : "";
        bool named = *word && (str_starts(rule->id, word) || str_same(rule->name, word));
        if (named && file_ignores_path(item, (size_t)(colon - item), file)) {
            return true;
        }
    }
    return false;
}

void
rules_hide_file_ignored(const struct rule_options *options, struct findings *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < out->all.n; i++) {
        struct finding *f = out->all.at[i];
        if (rule_is_ignored_in(options, f->rule, f->place.file)) {
            vec_free(&f->related);
        }
        else {
            out->all.at[kept++] = f;
        }
    }
    out->all.n = kept;
}
