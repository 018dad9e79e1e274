/* compile_commands.json, read with jansson. */
#include <dirent.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/plan/plan.h"

struct database {
    VEC(struct database_entry *) entries;
    struct map by_file;
};

/* Splits a shell command into words: quotes and backslashes, no expansion. */
static void
database_split(struct plan *plan, const char *command, struct database_entry *entry)
{
    struct str word = {0};
    bool in_word = false;
    char quote = '\0';
    for (const char *p = command; *p; p++) {
        if (quote) {
            if (*p == quote) {
                quote = '\0';
            }
            else if (*p == '\\' && quote == '"' && p[1] && strchr("\"\\$`", p[1])) {
                str_addc(&word, *++p);
            }
            else {
                str_addc(&word, *p);
            }
            continue;
        }
        if (*p == ' ' || *p == '\t' || *p == '\n') {
            if (in_word) {
                vec_push(&entry->args, intern(&plan->strings, word.n ? word.s : ""));
                str_clear(&word);
                in_word = false;
            }
            continue;
        }
        in_word = true;
        if (*p == '"' || *p == '\'') {
            quote = *p;
        }
        else if (*p == '\\' && p[1]) {
            str_addc(&word, *++p);
        }
        else {
            str_addc(&word, *p);
        }
    }
    if (in_word) {
        vec_push(&entry->args, intern(&plan->strings, word.n ? word.s : ""));
    }
    str_free(&word);
}

static const char *
database_real(struct plan *plan, const char *directory, const char *file)
{
    struct str joined = {0};
    if (*file != '/') {
        str_addf(&joined, "%s/", directory);
    }
    str_add(&joined, file);
    char real[PATH_MAX];
    const char *kept = intern(&plan->strings, realpath(joined.s, real) ? real : joined.s);
    str_free(&joined);
    return kept;
}

static const char *
database_text(struct plan *plan, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? intern(&plan->strings, text) : NULL;
}

static bool
database_add(struct plan *plan, struct database *db, const json_t *item)
{
    const char *file = database_text(plan, item, "file");
    const char *directory = database_text(plan, item, "directory");
    if (!file) {
        return false;
    }
    struct database_entry *entry = arena_alloc(&plan->arena, sizeof(*entry));
    entry->directory = directory ? directory : ".";
    entry->file = database_real(plan, entry->directory, file);
    entry->output = database_text(plan, item, "output");
    const json_t *args = json_object_get(item, "arguments");
    const char *command = json_string_value(json_object_get(item, "command"));
    if (json_is_array(args)) {
        for (size_t i = 0; i < json_array_size(args); i++) {
            const char *word = json_string_value(json_array_get(args, i));
            vec_push(&entry->args, intern(&plan->strings, word ? word : ""));
        }
    }
    else if (command) {
        database_split(plan, command, entry);
    }
    else {
        return false;
    }
    for (size_t i = 0; !entry->output && i + 1 < entry->args.n; i++) {
        if (strcmp(entry->args.at[i], "-o") == 0) {
            entry->output = entry->args.at[i + 1];
        }
    }
    vec_push(&db->entries, entry);
    if (!map_get(&db->by_file, entry->file)) {
        map_set(&db->by_file, entry->file, entry);
    }
    return true;
}

static struct database *
database_load(struct plan *plan, const char *path, bool *failed)
{
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    if (!root || !json_is_array(root)) {
        diag_error("%s: not a compilation database: %s", path,
                   root ? "the top level is no array" : error.text);
        json_decref(root);
        *failed = true;
        return NULL;
    }
    struct database *db = arena_alloc(&plan->arena, sizeof(*db));
    for (size_t i = 0; i < json_array_size(root); i++) {
        if (!database_add(plan, db, json_array_get(root, i))) {
            diag_error("%s: entry %zu lacks `file` or its command", path, i + 1);
            *failed = true;
            break;
        }
    }
    json_decref(root);
    return db;
}

/* The first of ., build*, builddir that holds a database. */
static bool
database_search(struct str *path)
{
    static const char name[] = "compile_commands.json";
    str_add(path, name);
    if (access(path->s, R_OK) == 0) {
        return true;
    }
    struct dirent **entries;
    int n = scandir(".", &entries, NULL, alphasort);
    bool found = false;
    for (int i = 0; i < n; i++) {
        if (!found && strncmp(entries[i]->d_name, "build", 5) == 0) {
            str_clear(path);
            str_addf(path, "%s/%s", entries[i]->d_name, name);
            found = access(path->s, R_OK) == 0;
        }
        free(entries[i]);
    }
    if (n >= 0) {
        free(entries);
    }
    return found;
}

struct database *
database_open(struct plan *plan, const char *dir, bool *failed)
{
    struct str path = {0};
    struct database *db = NULL;
    if (dir) {
        str_addf(&path, "%s/compile_commands.json", dir);
        if (access(path.s, R_OK) != 0) {
            diag_error("%s: no compile_commands.json there (-p names the folder that holds it)",
                       dir);
            *failed = true;
        }
        else {
            db = database_load(plan, path.s, failed);
        }
    }
    else if (database_search(&path)) {
        db = database_load(plan, path.s, failed);
    }
    str_free(&path);
    return db;
}

const struct database_entry *
database_find(const struct database *db, const char *real_path)
{
    return db ? map_get(&db->by_file, real_path) : NULL;
}

void
database_free(struct database *db)
{
    if (!db) {
        return;
    }
    for (size_t i = 0; i < db->entries.n; i++) {
        vec_free(&db->entries.at[i]->args);
    }
    vec_free(&db->entries);
    map_free(&db->by_file);
}
