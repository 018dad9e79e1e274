/* What the cache is asked, and what it is given to keep. */
#include <string.h>
#include <sys/stat.h>

#include "source/plan/absent.h"
#include "source/source_run.h"

void
source_add_identity(const char *path, struct str *out)
{
    struct stat st;
    bool known = stat(path, &st) == 0;
    str_addf(out, "%lld %lld", known ? (long long)st.st_size : 0,
             known ? (long long)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000 : 0);
}

void
source_cache_key(const struct source *run, const struct plan_unit *unit, struct str *key)
{
    const struct source_headers *headers = &run->options->headers;
    str_addf(key, "extcheck " EXTCHECK_VERSION " %s\x1f%s\x1f%s\x1f%s\x1f%d\x1f%d\x1f%s",
             run->program.s, run->library.n ? run->library.s : "", unit->path,
             run->plan.working_directory, run->options->both_flavours, headers->gil_disabled,
             unit->root);
    for (const char *const *flag = headers->flags; flag && *flag; flag++) {
        str_addf(key, "\x1f%s", *flag);
    }
    for (size_t i = 0; i < unit->args.at.n; i++) {
        str_addf(key, "\x1f%s", unit->args.at.at[i]);
    }
    flags_add_environment(key);
    for (size_t i = 0; i < key->n; i++) {
        if (key->s[i] == '\n') {
            key->s[i] = ' ';
        }
    }
}

void
source_ask_cache(struct source *run)
{
    for (size_t i = 0; i < run->plan.units.n; i++) {
        struct plan_unit *unit = run->plan.units.at[i];
        struct str key = {0};
        source_cache_key(run, unit, &key);
        if (cache_get(&run->cache, key.s, &run->results[i])) {
            unit->cached = run->results[i].s;
        }
        str_free(&key);
    }
}

void
source_fill_cache(struct source *run, size_t i, const char *key)
{
    struct plan_unit *unit = run->plan.units.at[i];
    VEC(const char *) dirs = {0};
    struct str extra = {0};
    for (size_t k = 0; k < unit->args.at.n; k++) {
        const char *arg = unit->args.at.at[k];
        if (str_starts(arg, "-I") && arg[2]) {
            vec_push(&dirs, arg + 2);
        }
    }
    const char *slash = strrchr(unit->path, '/');
    vec_push(&dirs,
             slash ? intern_n(&run->plan.strings, unit->path, (size_t)(slash - unit->path)) : ".");
    vec_push(&dirs, "/usr/local/include"); /* it comes before the system's other folders */
    vec_push(&dirs, NULL);
    str_addf(&extra, "D %s\n", unit->path);
    absent_add(unit, &run->options->headers, run->results[i].s, &extra);
    for (int flavour = 0; flavour < FLAVOURS; flavour++) {
        if (unit->group[flavour] >= 0 && run->group_files[unit->group[flavour]].n) {
            str_add(&extra, run->group_files[unit->group[flavour]].s);
        }
    }
    cache_put(&run->cache, key, run->results[i].s, run->results[i].n, dirs.at, extra.s);
    str_free(&extra);
    vec_free(&dirs);
}
