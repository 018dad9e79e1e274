/* Loading rules and tables, and finding them again. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules/api_table.h"
#include "rules/embedded.h"
#include "rules/rule_file.h"

struct rules_dir {
    struct ruleset *set;
    const char *root;
    VEC(const char *) paths; /* relative to root */
};

/* Collects files below root/below, two levels deep, as the layout of rules/ is. */
static bool
ruleset_list(struct rules_dir *dir, const char *below, int depth)
{
    const char *path =
        *below ? arena_printf(&dir->set->arena, "%s/%s", dir->root, below) : dir->root;
    DIR *stream = opendir(path);
    if (!stream) {
        diag_error("%s: %s", path, strerror(errno));
        return false;
    }
    bool ok = true;
    for (struct dirent *entry; ok && (entry = readdir(stream));) {
        if (*entry->d_name == '.') {
            continue;
        }
        const char *name =
            arena_printf(&dir->set->arena, "%s%s%s", below, *below ? "/" : "", entry->d_name);
        bool table = str_starts(name, "api/");
        if (depth > 0 && str_ends(name, table ? ".tsv" : ".md")) {
            vec_push(&dir->paths, name);
        }
        else if (depth == 0 && !strchr(entry->d_name, '.')) {
            ok = ruleset_list(dir, name, 1);
        }
    }
    closedir(stream);
    return ok;
}

static int
ruleset_compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool
ruleset_load_text(struct ruleset *set, const char *path, const char *text)
{
    return str_ends(path, ".tsv") ? api_table_load(set, path, text)
                                  : rule_file_load(set, path, text);
}

static bool
ruleset_load_file(struct ruleset *set, const char *root, const char *relative)
{
    const char *path = arena_printf(&set->arena, "%s/%s", root, relative);
    struct str text = {0};
    bool ok = str_read_file(&text, path);
    if (!ok) {
        diag_error("%s: %s", path, strerror(errno));
    }
    else if (text.n && memchr(text.s, '\0', text.n)) {
        diag_error("%s: contains a NUL byte", path);
        ok = false;
    }
    else {
        ok = ruleset_load_text(set, path, text.s ? text.s : "");
    }
    str_free(&text);
    return ok;
}

static bool
ruleset_load_embedded(struct ruleset *set, bool tables)
{
    bool ok = true;
    for (size_t i = 0; i < embedded_count; i++) {
        const struct embedded_file *file = &embedded_files[i];
        if (str_ends(file->path, ".tsv") == tables) {
            ok = ruleset_load_text(set, file->path, file->text) && ok;
        }
    }
    return ok;
}

/* Tables first: rules name them. A directory without tables uses those of the program. */
static bool
ruleset_load_dir(struct ruleset *set, const char *root)
{
    struct rules_dir dir = {.set = set, .root = root};
    bool ok = ruleset_list(&dir, "", 0);
    if (dir.paths.n) {
        qsort(dir.paths.at, dir.paths.n, sizeof(*dir.paths.at), ruleset_compare_paths);
    }
    for (int tables = 1; tables >= 0; tables--) {
        for (size_t i = 0; i < dir.paths.n; i++) {
            if (str_ends(dir.paths.at[i], ".tsv") == (tables == 1)) {
                ok = ruleset_load_file(set, root, dir.paths.at[i]) && ok;
            }
        }
        if (tables && !set->tables.n) {
            ok = ruleset_load_embedded(set, true) && ok;
        }
    }
    if (ok && !set->rules.n) {
        diag_error("%s: no rule in it (expected FAMILY/ID-name.md)", root);
        ok = false;
    }
    vec_free(&dir.paths);
    return ok;
}

static int
ruleset_compare_rules(const void *a, const void *b)
{
    const struct rule *const *left = a, *const *right = b;
    return strcmp((*left)->id, (*right)->id);
}

/* Everything below one rule; a cycle ends because a rule is added once. */
static void
ruleset_close(const struct ruleset *set, struct rule *into, const struct rule *from)
{
    for (size_t i = 0; i < from->supersedes.n; i++) {
        const struct rule *below = map_get(&set->by_id, from->supersedes.at[i]);
        bool known = !below || below == into;
        for (size_t k = 0; k < into->superseded.n && !known; k++) {
            known = into->superseded.at[k] == below;
        }
        if (!known) {
            vec_push(&into->superseded, below);
            ruleset_close(set, into, below);
        }
    }
}

static void
ruleset_free_rule(struct rule *rule)
{
    for (size_t i = 0; i < rule->severity_if.n; i++) {
        for (size_t k = 0; k < rule->severity_if.at[i].conditions.n; k++) {
            vec_free(&rule->severity_if.at[i].conditions.at[k].words);
        }
        vec_free(&rule->severity_if.at[i].conditions);
    }
    for (size_t i = 0; i < rule->conditions.n; i++) {
        vec_free(&rule->conditions.at[i].words);
    }
    vec_free(&rule->severity_if);
    vec_free(&rule->conditions);
    vec_free(&rule->supersedes);
    vec_free(&rule->superseded);
    vec_free(&rule->needs);
}

void
ruleset_free(struct ruleset *set)
{
    for (size_t i = 0; i < set->rules.n; i++) {
        ruleset_free_rule(set->rules.at[i]);
    }
    for (size_t i = 0; i < set->tables.n; i++) {
        api_table_free(set->tables.at[i]);
    }
    vec_free(&set->rules);
    vec_free(&set->tables);
    map_free(&set->by_id);
    arena_free(&set->arena);
}

bool
ruleset_load(struct ruleset *set, const char *dir, const char *extra_api)
{
    *set = (struct ruleset){0};
    bool ok = dir ? ruleset_load_dir(set, dir)
                  : ruleset_load_embedded(set, true) && ruleset_load_embedded(set, false);
    if (!ok || (extra_api && !api_table_extend(set, extra_api))) {
        ruleset_free(set);
        *set = (struct ruleset){0};
        return false;
    }
    if (set->rules.n) {
        qsort(set->rules.at, set->rules.n, sizeof(*set->rules.at), ruleset_compare_rules);
    }
    for (size_t i = 0; i < set->rules.n; i++) {
        set->rules.at[i]->index = (int)i;
        ruleset_close(set, set->rules.at[i], set->rules.at[i]);
    }
    return true;
}

const struct rule *
ruleset_find(const struct ruleset *set, const char *id_or_name)
{
    for (size_t i = 0; i < set->rules.n; i++) {
        const struct rule *rule = set->rules.at[i];
        if (str_same(rule->id, id_or_name) || str_same(rule->name, id_or_name)) {
            return rule;
        }
    }
    return NULL;
}
