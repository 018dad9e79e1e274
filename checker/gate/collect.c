/* From the findings of a run to the record of a module. */
#include <limits.h>
#include <stdlib.h>

#include "base/map.h"
#include "gate/gate.h"
#include "report/shared.h"

/* ---- sources --------------------------------------------------------------------------------- */

bool
gate_hash_file(const char *path, char hex[SHA256_HEX + 1])
{
    struct str text = {0};
    bool good = str_read_file(&text, path);
    if (good) {
        struct sha256 sum;
        sha256_start(&sum);
        sha256_add(&sum, text.n ? text.s : "", text.n);
        sha256_finish(&sum, hex);
    }
    str_free(&text);
    return good;
}

const char *
gate_source_name(struct arena *arena, const char *path, const char *root)
{
    char real[PATH_MAX], real_root[PATH_MAX];
    struct str name = {0};
    path = realpath(path, real) ? real : path;
    root = realpath(root ? root : ".", real_root) ? real_root : root;
    const char *slash = strrchr(path, '/');
    if (!path_add(&name, path, root)) {
        /* A path of this machine says nothing elsewhere. */
        str_clear(&name);
        str_addf(&name, "*/%s", slash ? slash + 1 : path);
    }
    const char *kept = arena_string(arena, name.s);
    str_free(&name);
    return kept;
}

struct collect {
    const struct gate_input *in;
    struct gate_record *record;
    struct arena *arena;
    struct map seen; /* by the name in the record and the hash */
    bool uses_claims;
};

/* The end of the comment or literal that begins here; `at` itself where none does. */
static const char *
collect_skip(const char *at)
{
    if (at[0] == '/' && at[1] == '*') {
        const char *end = strstr(at + 2, "*/");
        return end ? end + 2 : at + strlen(at);
    }
    if (at[0] == '/' && at[1] == '/') {
        return at + strcspn(at, "\n");
    }
    if (*at != '"' && *at != '\'') {
        return at;
    }
    char quote = *at;
    for (at++; *at && *at != quote && *at != '\n'; at++) {
        at += *at == '\\' && at[1] ? 1 : 0;
    }
    return *at == quote ? at + 1 : at;
}

/* Does the code take its claims from the gate? The shim's own sources speak of these words, in
 * comments and messages. */
static bool
collect_uses_claims(const char *text)
{
    static const char *const words[] = {"EXTSHIM_MODINIT", "EXTSHIM_GATE_SLOTS",
                                        "EXTSHIM_GATE_PYSLOTS", "EXTSHIM_CLAIM_"};
    while (*text) {
        const char *end = collect_skip(text);
        if (end != text) {
            text = end;
            continue;
        }
        for (size_t i = 0; *text == 'E' && i < sizeof(words) / sizeof(words[0]); i++) {
            if (str_starts(text, words[i])) {
                return true;
            }
        }
        text++;
    }
    return false;
}

/* What the gate itself wrote is no source. */
static bool
collect_is_own(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    return str_starts(name, "extcheck_gate_") || str_starts(name, "extcheck_note_");
}

static void
collect_source(struct collect *c, const char *path)
{
    if (collect_is_own(path)) {
        return;
    }
    struct str text = {0};
    char hex[SHA256_HEX + 1];
    if (str_read_file(&text, path)) {
        struct sha256 sum;
        sha256_start(&sum);
        sha256_add(&sum, text.n ? text.s : "", text.n);
        sha256_finish(&sum, hex);
        const char *name = gate_source_name(c->arena, path, c->in->options->root);
        const char *key = arena_printf(c->arena, "%s\n%s", name, hex);
        if (!map_get(&c->seen, key)) {
            map_set(&c->seen, key, c);
            struct gate_source source = {name, arena_string(c->arena, hex)};
            vec_push(&c->record->sources, source);
        }
        /* The headers that define these words hold them too. */
        bool shim = strstr(name, "extshim_gate.h") || strstr(name, "extshim/module.h");
        c->uses_claims = c->uses_claims || (text.n && !shim && collect_uses_claims(text.s));
    }
    str_free(&text);
}

static bool
collect_has_unit(const struct module_result *m, const char *path)
{
    for (size_t i = 0; i < m->units.n; i++) {
        if (str_same(m->units.at[i], path)) {
            return true;
        }
    }
    return false;
}

/* Is the unit compiled into the module? The gate is given the sources of one module; a verdict file
 * is about several, and what none of them reaches may be compiled into any. */
static bool
collect_takes(const struct collect *c, const struct module_result *m, const char *path)
{
    if (c->in->options->command == COMMAND_GATE || collect_has_unit(m, path)) {
        return true;
    }
    for (size_t i = 0; i < c->in->findings->modules.n; i++) {
        const struct module_result *other = &c->in->findings->modules.at[i];
        if (gate_is_module(other) && collect_has_unit(other, path)) {
            return false;
        }
    }
    return true;
}

static void
collect_units(struct collect *c, const struct module_result *m)
{
    for (size_t i = 0; i < c->in->nanalyses; i++) {
        const struct facts *facts = &c->in->analyses[i]->facts;
        FACTS_EACH(facts, unit, u)
        {
            if (collect_takes(c, m, u->path)) {
                collect_source(c, u->path);
            }
        }
        FACTS_EACH(facts, header, h)
        {
            const struct fact *unit =
                h->at.unit >= 0 ? facts->by_kind[FACT_unit].at[h->at.unit] : NULL;
            if (unit && collect_takes(c, m, ((const struct fact_unit *)(const void *)unit)->path)) {
                collect_source(c, h->path);
            }
        }
    }
}

/* ---- what it declares ------------------------------------------------------------------------ */

/* A declaration that stands there whatever the gate says. Where the claim was asked for, only the
 * sources tell whether it comes from there. */
static void
collect_declared(struct collect *c, const struct module_result *m)
{
    const struct options *o = c->in->options;
    bool own = false, not_used = false, slots = false, found = false;
    for (size_t i = 0; i < c->in->nanalyses; i++) {
        FACTS_EACH(&c->in->analyses[i]->facts, module, fact)
        {
            if (str_same(fact->name, m->name)) {
                found = true;
                slots |= !str_same(fact->own, "none");
                own |= str_same(fact->own, "per-interpreter");
                not_used |= str_same(fact->gil, "not-used");
            }
        }
    }
    c->record->fixed_own_gil = own && !(o->supports_own_gil && c->uses_claims);
    c->record->fixed_gil_not_used = not_used && !(o->supports_free_threaded && c->uses_claims);
    c->record->no_slots = found && !slots;
    c->record->supports_own_gil = o->supports_own_gil;
    c->record->supports_free_threaded = o->supports_free_threaded;
}

/* ---- the module ------------------------------------------------------------------------------ */

bool
gate_is_module(const struct module_result *m)
{
    return m->name[0] != '('; /* "(other files)" */
}

const char *
gate_last_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

const struct module_result *
gate_find_module(const struct findings *findings, const char *name)
{
    for (int whole = 1; whole >= 0; whole--) {
        for (size_t i = 0; i < findings->modules.n; i++) {
            const char *other = findings->modules.at[i].name;
            if (str_same(whole ? name : gate_last_name(name),
                         whole ? other : gate_last_name(other))) {
                return &findings->modules.at[i];
            }
        }
    }
    return NULL;
}

const char *
gate_rules_version(const struct ruleset *rules, struct arena *arena)
{
    char hex[SHA256_HEX + 1];
    struct sha256 sum;
    sha256_start(&sum);
    for (size_t i = 0; i < rules->rules.n; i++) {
        const char *page = rules->rules.at[i]->page;
        sha256_add(&sum, page, strlen(page) + 1);
    }
    sha256_finish(&sum, hex);
    return arena_printf(arena, "%zu rules %.16s", rules->rules.n, hex);
}

void
gate_collect(const struct gate_input *in, const struct module_result *m, struct gate_record *record,
             struct arena *arena)
{
    struct collect c = {.in = in, .record = record, .arena = arena};
    record->python = m->python;
    for (int t = 0; t < TARGETS; t++) {
        const struct module_verdict *v = &m->verdict[t];
        if (!v->asked) {
            continue;
        }
        struct gate_verdict *out = &record->verdict[t];
        out->verdict = verdict_name(v->verdict);
        out->reason = v->reason;
        if (v->deciding) {
            out->rule = v->deciding->rule->id;
            out->file = gate_source_name(arena, v->deciding->place.file, in->options->root);
            out->line = v->deciding->place.line;
        }
    }
    collect_units(&c, m);
    gate_record_sort(record);
    collect_declared(&c, m);
    map_free(&c.seen);
}
