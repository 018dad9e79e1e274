#include "run_cache.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "options/options.h"
#include "rules/api_table.h"
#include "rules/finding_text.h"
#include "source/cache/cache.h"

/* Most runs kept: one per project, branch and set of options that somebody works on. */
enum { MOST_RUNS = 48 };

static void
run_cache_add_rules(struct str *key, const struct ruleset *rules)
{
    for (size_t i = 0; i < rules->rules.n; i++) {
        const char *page = rules->rules.at[i]->page;
        str_addf(key, "%016" PRIx64 "\n", cache_hash(page, strlen(page)));
    }
    for (size_t i = 0; i < rules->tables.n; i++) {
        const struct api_table *table = rules->tables.at[i];
        str_addf(key, "%s\n", table->name);
        for (size_t k = 0; k < table->rows.n; k++) {
            for (size_t c = 0; c < table->columns.n; c++) {
                const char *cell = table->rows.at[k]->cells[c];
                str_addf(key, "\t%s", cell ? cell : "");
            }
        }
    }
}

bool
run_cache_start(struct run_cache *c, struct options *o, const struct ruleset *rules,
                const struct header_choice *headers, const struct findings *collected)
{
    c->dir = options_cache_dir(o);
    if (!c->dir) {
        return false;
    }
    char *options = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&options, &n);
    if (out) {
        options_print_judging(o, out);
        fclose(out);
    }
    str_addf(&c->key, "%s\n", options ? options : "");
    free(options);
    for (size_t i = 0; i < o->files.list.n; i++) {
        str_addf(&c->key, "%s\n", o->files.list.at[i]);
    }
    for (size_t i = 0; i < collected->notes.n; i++) {
        str_addf(&c->key, "note %s\n", collected->notes.at[i]);
    }
    str_addf(&c->key, "%d\n", collected->files_total);
    for (size_t i = 0; i < headers->notes.n; i++) {
        str_addf(&c->key, "note %s\n", headers->notes.at[i]);
    }
    for (int t = 0; t < TARGETS; t++) {
        str_addf(&c->key, "%s\n", headers->unserved[t] ? headers->unserved[t] : "");
    }
    run_cache_add_rules(&c->key, rules);
    return true;
}

void
run_cache_add_source(struct run_cache *c, const struct source *source,
                     const struct header_set *headers)
{
    str_addf(&c->key, "headers %s %d", headers->source.version, headers->source.hex);
    for (int t = 0; t < TARGETS; t++) {
        str_addf(&c->key, " %d", headers->targets[t]);
    }
    str_addc(&c->key, '\n');
    source_key(source, &c->key);
}

static void
run_cache_name(const struct run_cache *c, struct str *name)
{
    uint64_t hash[2];
    cache_hash_wide(c->key.s, c->key.n, hash);
    str_addf(name, "%016" PRIx64 "%016" PRIx64, hash[0], hash[1]);
}

/* An entry: a line with the hash of the rest, the versions of the headers, how long the list of
 * files is; then that list and the findings. */
static void
run_cache_write(const struct run_cache *c, const char *versions, const char *list, size_t nlist,
                const char *findings, size_t nfindings)
{
    struct str rest = {0}, text = {0}, name = {0};
    str_addf(&rest, "%s\n%zu\n", versions, nlist);
    str_addn(&rest, list, nlist);
    str_addn(&rest, findings, nfindings);
    str_addf(&text, "%016" PRIx64 "\n", cache_hash(rest.s, rest.n));
    str_addn(&text, rest.s, rest.n);
    run_cache_name(c, &name);
    cache_write_file(c->dir, "runs", name.s, &text, MOST_RUNS);
    str_free(&rest);
    str_free(&text);
    str_free(&name);
}

struct run_entry {
    struct str versions;
    const char *list, *findings;
    size_t nlist, nfindings;
};

static bool
run_cache_split(const struct str *text, struct run_entry *out)
{
    char *end;
    uint64_t hash = strtoull(text->s, &end, 16);
    if (end != text->s + 16 || *end != '\n') {
        return false;
    }
    const char *rest = end + 1, *stop = text->s + text->n;
    if (cache_hash(rest, (size_t)(stop - rest)) != hash) {
        return false;
    }
    size_t n = strcspn(rest, "\n");
    str_addn(&out->versions, rest, n);
    out->nlist = strtoul(rest + n, &end, 10);
    out->list = end + (*end == '\n');
    if (*end != '\n' || out->nlist > (size_t)(stop - out->list)) {
        return false;
    }
    out->findings = out->list + out->nlist;
    out->nfindings = (size_t)(stop - out->findings);
    return true;
}

static bool
run_cache_take(struct run_cache *c, const struct run_entry *entry, const struct ruleset *rules,
               struct header_choice *headers, struct findings *out)
{
    struct str fresh = {0};
    struct findings found = {.files_total = 0};
    bool good = source_unchanged(entry->list, entry->nlist, &fresh) &&
                findings_unpack(&found, rules, entry->findings, entry->nfindings);
    if (good && fresh.n) {
        run_cache_write(c, entry->versions.s, fresh.s, fresh.n, entry->findings, entry->nfindings);
    }
    if (good) {
        const char *at = entry->versions.s;
        for (size_t i = 0; i < headers->sets.n; i++) {
            char *next;
            headers->sets.at[i].source.hex = (int)strtol(at, &next, 10);
            at = next;
        }
        findings_free(out);
        *out = found;
    }
    str_free(&fresh);
    return good;
}

bool
run_cache_get(struct run_cache *c, const struct ruleset *rules, struct header_choice *headers,
              struct findings *out)
{
    struct str path = {0}, text = {0};
    struct run_entry entry = {.nlist = 0};
    str_addf(&path, "%s/runs/", c->dir);
    run_cache_name(c, &path);
    bool good = str_read_file(&text, path.s) && text.n > 17 && run_cache_split(&text, &entry) &&
                run_cache_take(c, &entry, rules, headers, out);
    str_free(&path);
    str_free(&text);
    str_free(&entry.versions);
    return good;
}

void
run_cache_put(struct run_cache *c, const struct header_choice *headers,
              const struct findings *findings)
{
    struct str versions = {0}, bytes = {0};
    for (size_t i = 0; i < headers->sets.n; i++) {
        str_addf(&versions, " %d", headers->sets.at[i].source.hex);
    }
    findings_pack(findings, &bytes);
    run_cache_write(c, versions.n ? versions.s : "", c->dependencies.n ? c->dependencies.s : "",
                    c->dependencies.n, bytes.s, bytes.n);
    str_free(&versions);
    str_free(&bytes);
}

void
run_cache_free(struct run_cache *c)
{
    str_free(&c->key);
    str_free(&c->dependencies);
}
