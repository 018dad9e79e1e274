#include "source/source.h"

#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "source/source_run.h"

static bool
source_parse_missing(struct source *run)
{
    bool any = false;
    for (size_t i = 0; i < run->plan.units.n; i++) {
        any |= !run->plan.units.at[i]->cached;
    }
    if (!any) {
        return true;
    }
    /* Keys before the search for headers adds -I: the next run asks with the same flags. */
    VEC(char *) keys = {0};
    for (size_t i = 0; i < run->plan.units.n; i++) {
        struct str key = {0};
        source_cache_key(run, run->plan.units.at[i], &key);
        vec_push(&keys, key.s);
    }
    plan_prepare(&run->plan);
    bool ok = source_make_scratch(run);
    if (ok) {
        run->parser =
            (struct parser){.cx = &run->cx, .plan = &run->plan, .scratch = run->scratch.s};
        run->parser.paths = (struct unit_paths){.python_roots = run->plan.python_roots.at,
                                                .working_directory = run->plan.working_directory,
                                                .real = &run->parser.real,
                                                .strings = &run->parser.strings};
        size_t groups = run->plan.groups.n;
        run->group_ok = xcalloc(groups + 1, sizeof(*run->group_ok));
        run->group_done = xcalloc(groups + 1, sizeof(*run->group_done));
        run->group_files = xcalloc(groups + 1, sizeof(*run->group_files));
        ok = source_parse_apart(run);
        for (size_t i = 0; ok && i < run->plan.units.n; i++) {
            const struct plan_unit *unit = run->plan.units.at[i];
            bool usable = run->results[i].n && !str_starts(run->results[i].s, "S failed");
            if (!unit->cached && !unit->failure && usable) {
                source_fill_cache(run, i, keys.at[i]);
            }
        }
        for (size_t g = 0; g < groups; g++) {
            str_free(&run->group_files[g]);
        }
        plan_forget_texts(&run->plan);
        malloc_trim(0);
    }
    for (size_t i = 0; i < keys.n; i++) {
        free(keys.at[i]);
    }
    vec_free(&keys);
    source_remove_scratch(run);
    return ok;
}

/* Is the file part of another unit, which was analysed without errors? */
static bool
source_is_included(const struct source *run, const struct plan_unit *unit)
{
    FACTS_EACH(run->out, unit, u)
    {
        for (const char *at = u->includes; at && *at;) {
            size_t n = strcspn(at, ",");
            char name[PATH_MAX], real[PATH_MAX];
            if (n < sizeof(name)) {
                memcpy(name, at, n);
                name[n] = '\0';
                if (realpath(name, real) && strcmp(real, unit->real) == 0) {
                    return true;
                }
            }
            at += at[n] ? n + 1 : n;
        }
    }
    return false;
}

/* Reads one unit's result: its status line and its facts. */
static void
source_take_result(struct source *run, size_t i)
{
    struct plan_unit *unit = run->plan.units.at[i];
    if (unit->failure) {
        run->failed(run->context, unit->path, unit->failure, false);
        return;
    }
    const char *text = run->results[i].n ? run->results[i].s : "S failed no result\nF\n";
    const char *end = strchr(text, '\n');
    bool partial = str_starts(text, "S partial "), failed = str_starts(text, "S failed ");
    if (partial && source_is_included(run, unit)) {
        run->analysed++; /* its code was seen where it belongs */
        return;
    }
    if (partial || failed) {
        const char *reason = strchr(text + 2, ' ') + 1;
        char *copy = xstrdup(reason);
        copy[end - reason] = '\0';
        run->failed(run->context, unit->path, copy, partial);
        free(copy);
    }
    const char *facts = strstr(text, "\nF\n");
    if (!facts || failed) {
        return;
    }
    facts += 3;
    const char *error = NULL;
    size_t n = run->results[i].n - (size_t)(facts - text);
    if (!facts_read_text(run->out, facts, n, &error)) {
        run->failed(run->context, unit->path, error, false);
        return;
    }
    run->analysed++;
}

void
source_close(struct source *run)
{
    if (!run) {
        return;
    }
    for (size_t i = 0; run->results && i < run->plan.units.n; i++) {
        str_free(&run->results[i]);
    }
    free(run->results);
    map_free(&run->parser.real);
    interner_free(&run->parser.strings);
    str_free(&run->parser.absent);
    differs_free(run->parser.differs);
    free(run->group_ok);
    free(run->group_done);
    free(run->group_files);
    plan_free(&run->plan);
    cache_free(&run->cache);
    str_free(&run->program);
    str_free(&run->library);
    str_free(&run->opened);
    str_free(&run->resource_flag);
    str_free(&run->resource_dir);
    str_free(&run->scratch);
    free(run);
}

struct source *
source_open(const struct source_options *options)
{
    struct source *run = xcalloc(1, sizeof(*run));
    run->options = options;
    run->answers = -1;
    const char *library = options->libclang ? options->libclang : getenv("EXTCHECK_LIBCLANG");
    str_add(&run->library, library ? library : "");
    source_add_identity("/proc/self/exe", &run->program);
    run->cache.dir = options->cache_dir;
    if (!plan_build(&run->plan, options)) {
        source_close(run);
        return NULL;
    }
    return run;
}

void
source_key(const struct source *run, struct str *out)
{
    for (size_t i = 0; i < run->plan.units.n; i++) {
        struct str key = {0};
        source_cache_key(run, run->plan.units.at[i], &key);
        str_addf(out, "%s\n", key.s);
        str_free(&key);
    }
}

void
source_dependencies(const struct source *run, struct str *out)
{
    cache_list_files(&run->cache, out);
}

bool
source_unchanged(const char *list, size_t n, struct str *fresh)
{
    return cache_files_unchanged(list, n, fresh);
}

int
source_extract(struct source *run, struct facts *out, source_failed *failed, void *context)
{
    run->out = out;
    run->failed = failed;
    run->context = context;
    run->results = xcalloc(run->plan.units.n + 1, sizeof(*run->results));
    source_ask_cache(run);
    bool ok = source_parse_missing(run);
    /* Whole units first: they tell which of the others are only parts of them. */
    for (int whole = 1; ok && whole >= 0; whole--) {
        for (size_t i = 0; i < run->plan.units.n; i++) {
            bool is_whole = run->results[i].n && str_starts(run->results[i].s, "S ok");
            struct plan_unit *unit = run->plan.units.at[i];
            if (!unit->taken && is_whole == (whole == 1)) {
                unit->taken = true;
                source_take_result(run, i);
                str_free(&run->results[i]); /* the facts have copied what they need */
            }
        }
    }
    return ok ? run->analysed : -1;
}

bool
source_libclang_version(const char *libclang, struct str *out)
{
    struct cx cx;
    struct str found = {0}, message = {0}, version = {0};
    const char *path = libclang ? libclang : getenv("EXTCHECK_LIBCLANG");
    bool ok = cx_open(&cx, path && *path ? path : NULL, &found, &message);
    if (ok) {
        cx_add(&cx, &version, cx.getClangVersion());
        const char *at = version.s ? strstr(version.s, "version ") : NULL;
        at = at ? at + 8 : "?";
        size_t n = strcspn(at, " (");
        str_addf(out, "libclang %.*s (%s)", (int)n, at, found.s);
    }
    else {
        str_add(out, message.n ? message.s : "no libclang found");
    }
    str_free(&found);
    str_free(&message);
    str_free(&version);
    return ok;
}
