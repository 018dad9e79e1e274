/* Rows of a verdict file about built modules: path, SHA-256, verdicts. The pool goes by them
 * (docs/pool.md); the gate does not, it judges sources.
 *
 * Nobody can see in a binary which sources it was built from. A row says where its verdict comes
 * from, and there is none that passes where the binary contradicts the sources named with it. */
#include "gate/gate.h"
#include "report/json_values.h"

struct rows {
    const struct gate_input *in;
    const struct facts *facts; /* with the binary */
    struct arena *arena;
    const struct fact_binary *binary;
    const char *entry; /* name of the module in it */
    json_t *verdicts;
    const char *from; /* "sources", "note", "tables" */
};

static void
rows_set_both(struct rows *r, enum verdict verdict, const char *reason)
{
    static const enum target targets[] = {TARGET_OWN_GIL, TARGET_FREE_THREADED};
    json_decref(r->verdicts);
    r->verdicts = json_object();
    for (int i = 0; i < 2; i++) {
        json_t *one = json_object();
        json_object_set_new(one, "verdict", json_text(verdict_name(verdict)));
        json_object_set_new(one, "reason", json_text(reason));
        json_object_set_new(r->verdicts, target_name(targets[i]), one);
    }
}

/* ---- what the binary declares ---------------------------------------------------------------- */

/* Both words of the module in binary->declares, "spam=per-interpreter/used,..."; "" where they
 * cannot be read. */
static void
rows_declared(const struct rows *r, const char **own, const char **gil)
{
    size_t n = strlen(r->entry);
    *own = *gil = "";
    STR_WORDS_EACH(r->binary->declares, word)
    {
        if (strncmp(word.at, r->entry, n) == 0 && word.at[n] == '=') {
            const char *words = word.at + n + 1, *slash = memchr(words, '/', word.n - n - 1);
            if (slash) {
                *own = arena_copy(r->arena, words, (size_t)(slash - words));
                *gil = arena_copy(r->arena, slash + 1, (size_t)(word.at + word.n - slash - 1));
            }
            return;
        }
    }
}

static bool
rows_is_known(const char *word)
{
    return word && *word && !str_same(word, "unresolved");
}

/* May both words be true of one module? One with a single phase has no table ("none"). */
static bool
rows_agree(const char *binary, const char *sources)
{
    const char *theirs = str_same(sources, "none") ? "absent" : sources;
    return !rows_is_known(binary) || !rows_is_known(theirs) || str_same(binary, theirs);
}

/* NULL, or how the sources' declarations and those of the binary contradict each other. */
static const char *
rows_contradiction(const struct rows *r, const struct fact_module *sources)
{
    const char *own, *gil;
    rows_declared(r, &own, &gil);
    const char *mine = own, *theirs = sources->own, *what = "interpreters";
    /* A slot for the GIL often stands behind #ifdef Py_GIL_DISABLED; a single phase has none. */
    bool gil_counts =
        str_same(r->binary->built, "free-threaded") && !str_same(sources->own, "none");
    bool same = rows_agree(mine, theirs);
    if (same && gil_counts) {
        mine = gil, theirs = sources->gil, what = "the GIL";
        same = rows_agree(mine, theirs);
    }
    return same
               ? NULL
               : arena_printf(r->arena,
                              "the binary declares '%s' about %s, the sources '%s': other sources, "
                              "other flags, or claims of a gate (--supports-own-gil)",
                              mine, what, theirs);
}

/* ---- where a verdict comes from -------------------------------------------------------------- */

static const struct fact_module *
rows_module_fact(const struct rows *r, const char *name)
{
    for (size_t i = 0; i < r->in->nanalyses; i++) {
        FACTS_EACH(&r->in->analyses[i]->facts, module, m)
        {
            if (str_same(m->name, name)) {
                return m;
            }
        }
    }
    return NULL;
}

static bool
rows_by_sources(struct rows *r)
{
    const struct module_result *m = gate_find_module(r->in->findings, r->entry);
    const struct fact_module *fact = m ? rows_module_fact(r, m->name) : NULL;
    if (!fact || !gate_is_module(m)) {
        return false;
    }
    r->from = "sources";
    const char *wrong = rows_contradiction(r, fact);
    if (wrong) {
        rows_set_both(r, VERDICT_UNKNOWN, wrong);
        return true;
    }
    struct gate_record record = {.module = m->name};
    gate_collect(r->in, m, &record, r->arena);
    json_t *whole = gate_record_json(&record, false);
    json_decref(r->verdicts);
    r->verdicts = json_incref(json_object_get(whole, "verdicts"));
    json_decref(whole);
    gate_record_free(&record);
    return true;
}

/* What speaks against the note itself: it is damaged, or the tables declare other things. */
static const struct finding *
rows_against_note(const struct rows *r)
{
    for (size_t i = 0; i < r->in->findings->all.n; i++) {
        const struct finding *f = r->in->findings->all.at[i];
        if (f->worst >= SEVERITY_HAZARD && str_same(f->place.file, r->binary->path) &&
            str_starts(f->rule->id, "ELF")) {
            return f;
        }
    }
    return NULL;
}

static bool
rows_by_note(struct rows *r)
{
    FACTS_EACH(r->facts, note, note)
    {
        if (!str_same(note->at.file, r->binary->path) || !note->payload || !note->module ||
            !str_same(gate_last_name(note->module), r->entry)) {
            continue;
        }
        const struct finding *f = rows_against_note(r);
        json_t *payload = json_loads(note->payload, 0, NULL);
        json_t *verdicts = json_object_get(payload, "verdicts");
        r->from = "note";
        if (f || !json_is_object(verdicts)) {
            rows_set_both(r, VERDICT_UNKNOWN,
                          f ? arena_printf(r->arena, "%s: %s", f->rule->id, f->message)
                            : "its note has no verdicts");
        }
        else {
            json_decref(r->verdicts);
            r->verdicts = json_incref(verdicts);
        }
        json_decref(payload);
        return true;
    }
    return false;
}

/* Declarations alone refuse a module and never make it ready. */
static void
rows_by_tables(struct rows *r)
{
    const char *own, *gil;
    rows_declared(r, &own, &gil);
    r->from = "tables";
    rows_set_both(r, VERDICT_UNKNOWN,
                  r->binary->notes ? "none of its notes can be used, and its sources were not given"
                                   : "it has no note, and its sources were not given");
    if (rows_is_known(own) && !str_same(own, "per-interpreter")) {
        json_t *one = json_object_get(r->verdicts, target_name(TARGET_OWN_GIL));
        json_object_set_new(one, "verdict", json_text(verdict_name(VERDICT_NOT_READY)));
        json_object_set_new(one, "reason", json_text("declares no own-GIL support"));
    }
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void
rows_add(struct rows *r, json_t *rows, const char *hash)
{
    if (!rows_by_sources(r) && !rows_by_note(r)) {
        rows_by_tables(r);
    }
    const char *own =
        json_string_value(json_object_get(json_object_get(r->verdicts, "own-gil"), "verdict"));
    if (!r->in->options->quiet) {
        diag_note("%s: row for module '%s', by its %s: own-gil %s", r->binary->path, r->entry,
                  r->from, own ? own : "unknown");
    }
    json_t *row = json_object();
    const char *name = gate_source_name(r->arena, r->binary->path, r->in->options->root);
    json_object_set_new(row, "path", json_text(name));
    json_object_set_new(row, "sha256", json_text(hash));
    json_object_set_new(row, "module", json_text(r->entry));
    json_object_set_new(row, "built", json_text_or_null(r->binary->built));
    json_object_set_new(row, "from", json_text(r->from));
    json_object_set_new(row, "verdicts", r->verdicts);
    r->verdicts = NULL;
    json_array_append_new(rows, row);
}

static void
rows_of_binary(struct rows *r, json_t *rows)
{
    char hex[SHA256_HEX + 1];
    if (!gate_hash_file(r->binary->path, hex)) {
        diag_error("--write-verdict: cannot read %s again", r->binary->path);
        return;
    }
    if (!str_first_word(r->binary->entries).at) {
        diag_warning("%s exports no PyInit_ or PyModExport_; no row is written for it",
                     r->binary->path);
    }
    STR_WORDS_EACH(r->binary->entries, entry)
    {
        r->entry = arena_copy(r->arena, entry.at, entry.n);
        rows_add(r, rows, hex);
    }
}

json_t *
verdict_rows(const struct gate_input *in, struct arena *arena)
{
    struct map seen = {0};
    json_t *rows = json_array();
    for (size_t i = 0; i < in->nanalyses; i++) {
        const struct facts *facts = &in->analyses[i]->facts;
        FACTS_EACH(facts, binary, b)
        {
            if (map_get(&seen, b->path)) {
                continue;
            }
            map_set(&seen, b->path, rows);
            struct rows r = {.in = in, .facts = facts, .arena = arena, .binary = b};
            rows_of_binary(&r, rows);
        }
    }
    map_free(&seen);
    return rows;
}
