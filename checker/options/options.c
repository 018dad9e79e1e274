#include "options/options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "options/option_rows.h"

/* Positions in the lists of choices above. */
enum { CHOICE_CONFIDENCE_MEDIUM = 1, CHOICE_LEVEL_STRICT = 1, CHOICE_FAIL_ON_HAZARD = 1 };

void
options_start(struct options *o)
{
    *o = (struct options){0};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    o->jobs = cores > 0 && cores < 1024 ? (int)cores : 1;
    o->timeout = 60;
    o->memory = 4096;
    o->format = "full";
    o->min_python = "3.9";
    o->confidence = CHOICE_CONFIDENCE_MEDIUM;
    o->fail_on = CHOICE_FAIL_ON_HAZARD;
}

void
options_free(struct options *o)
{
    struct words *all[] = {&o->files,  &o->flags,   &o->targets, &o->select,      &o->ignore,
                           &o->python, &o->outputs, &o->trusted, &o->file_ignores};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        vec_free(&all[i]->list);
    }
    arena_free(&o->arena);
}

static const char *
option_unknown_key(struct options *o, const char *key)
{
    struct nearest near;
    nearest_start(&near, key);
    for (size_t i = 0; i < option_rows_n; i++) {
        if (option_rows[i].name && option_rows[i].setting) {
            nearest_offer(&near, option_rows[i].name);
        }
    }
    return near.best
               ? arena_printf(&o->arena, "unknown key '%s'; did you mean '%s'?", key, near.best)
               : arena_printf(&o->arena, "unknown key '%s'; `extcheck --print-config` lists all",
                              key);
}

const char *
options_set(struct options *o, const char *key, const char *value, const char *folder)
{
    const struct option_row *row = option_named(key);
    if (!row || !row->setting) {
        return option_unknown_key(o, key);
    }
    enum origin *origin = &o->origin[option_index(row)];
    if (*origin == ORIGIN_SETTINGS && !option_is_list(row)) {
        return arena_printf(&o->arena, "'%s' takes one value, not a list", key);
    }
    const char *error = NULL;
    if (*origin == ORIGIN_COMMAND_LINE) {
        /* Overruled, yet a mistake in the file must show all the same. */
        struct options scratch;
        options_start(&scratch);
        error = value ? option_apply(&scratch, row, value, folder) : NULL;
        error = error ? arena_string(&o->arena, error) : NULL;
        options_free(&scratch);
    }
    else {
        *origin = ORIGIN_SETTINGS;
        error = value ? option_apply(o, row, arena_string(&o->arena, value), folder) : NULL;
    }
    return error ? arena_printf(&o->arena, "'%s': %s", key, error) : NULL;
}

bool
options_target_asked(const struct options *o, enum target t)
{
    if (!o->targets.list.n) {
        return t == TARGET_OWN_GIL || t == TARGET_SHARED_GIL || t == TARGET_FREE_THREADED;
    }
    for (size_t i = 0; i < o->targets.list.n; i++) {
        const char *word = o->targets.list.at[i];
        if (strcmp(word, "all") == 0 || target_named(word) == t) {
            return true;
        }
    }
    return false;
}

enum severity
options_fail_on(const struct options *o)
{
    return (enum severity)(SEVERITY_ADVICE + o->fail_on);
}

enum confidence
options_min_confidence(const struct options *o)
{
    return o->level == CHOICE_LEVEL_STRICT ? CONFIDENCE_LOW : (enum confidence)o->confidence;
}

int
options_min_python(const struct options *o)
{
    return options_version_hex(o->min_python);
}

bool
options_color(const struct options *o, bool is_terminal)
{
    if (o->color != COLOR_AUTO) {
        return o->color == COLOR_ALWAYS;
    }
    const char *no = getenv("NO_COLOR"), *force = getenv("FORCE_COLOR"), *term = getenv("TERM");
    if (no && *no) {
        return false;
    }
    if (force && *force) {
        return strcmp(force, "0") != 0;
    }
    return is_terminal && !(term && strcmp(term, "dumb") == 0);
}

const char *const *
options_list(struct options *o, const struct words *words)
{
    const char **list = arena_alloc(&o->arena, (words->list.n + 1) * sizeof(*list));
    for (size_t i = 0; i < words->list.n; i++) {
        list[i] = words->list.at[i];
    }
    return list;
}

const char *
options_cache_dir(struct options *o)
{
    if (o->no_cache) {
        return NULL;
    }
    if (o->cache_dir) {
        return o->cache_dir;
    }
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && cache[0] == '/') {
        return arena_printf(&o->arena, "%s/extcheck", cache);
    }
    return home && home[0] == '/' ? arena_printf(&o->arena, "%s/.cache/extcheck", home) : NULL;
}
