#include "gate/record.h"

#include <stdlib.h>

#include "../../shim/include/extshim_note.h"
#include "report/json_values.h"

/* ---- writing --------------------------------------------------------------------------------- */

static json_t *
record_verdicts(const struct gate_record *r)
{
    json_t *all = json_object();
    for (int t = 0; t < TARGETS; t++) {
        const struct gate_verdict *v = &r->verdict[t];
        if (!v->verdict) {
            continue;
        }
        json_t *one = json_object();
        json_object_set_new(one, "verdict", json_text(v->verdict));
        json_object_set_new(one, "reason", json_text_or_null(v->reason));
        if (v->rule) {
            json_object_set_new(one, "rule", json_text(v->rule));
            json_object_set_new(one, "file", json_text(v->file ? v->file : ""));
            json_object_set_new(one, "line", json_integer(v->line));
        }
        json_object_set_new(all, target_name((enum target)t), one);
    }
    return all;
}

static json_t *
record_pair(bool own_gil, bool gil_not_used, const char *second)
{
    json_t *pair = json_object();
    json_object_set_new(pair, "own-gil", json_boolean(own_gil));
    json_object_set_new(pair, second, json_boolean(gil_not_used));
    return pair;
}

json_t *
gate_record_json(const struct gate_record *r, bool note)
{
    json_t *one = json_object();
    if (note) {
        json_object_set_new(one, "format", json_integer(EXTSHIM_NOTE_FORMAT));
    }
    json_object_set_new(one, "module", json_text(r->module));
    if (note) {
        json_object_set_new(one, "checker", json_text_or_null(r->checker));
        json_object_set_new(one, "rules", json_text_or_null(r->rules));
        json_object_set_new(one, "flavour", json_text_or_null(r->flavour));
        json_object_set_new(one, "abi", json_text_or_null(r->abi));
    }
    json_object_set_new(one, "python", json_text_or_null(r->python));
    json_object_set_new(one, "verdicts", record_verdicts(r));
    if (note) {
        json_object_set_new(one, "claims",
                            record_pair(r->own_gil, r->gil_not_used, "gil-not-used"));
        json_t *overrides = json_array();
        for (size_t i = 0; i < r->overrides.n; i++) {
            json_array_append_new(overrides, json_text(r->overrides.at[i]));
        }
        json_object_set_new(one, "override", overrides);
    }
    else {
        json_object_set_new(
            one, "supports",
            record_pair(r->supports_own_gil, r->supports_free_threaded, "free-threaded"));
        json_object_set_new(one, "fixed",
                            record_pair(r->fixed_own_gil, r->fixed_gil_not_used, "gil-not-used"));
        json_object_set_new(one, "single-phase", json_boolean(r->no_slots));
    }
    json_t *sources = json_array();
    for (size_t i = 0; i < r->sources.n; i++) {
        json_t *pair = json_array();
        json_array_append_new(pair, json_text(r->sources.at[i].path));
        json_array_append_new(pair, json_text(r->sources.at[i].hash));
        json_array_append_new(sources, pair);
    }
    json_object_set_new(one, "sources", sources);
    return one;
}

static void
record_checksum(const char *text, size_t n, char hex[SHA256_HEX + 1])
{
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    size_t after = EXTSHIM_NOTE_CHECKSUM_AT + EXTSHIM_NOTE_CHECKSUM_SIZE;
    struct sha256 sum;
    sha256_start(&sum);
    sha256_add(&sum, text, EXTSHIM_NOTE_CHECKSUM_AT);
    sha256_add(&sum, zeros, EXTSHIM_NOTE_CHECKSUM_SIZE);
    sha256_add(&sum, text + after, n - after);
    sha256_finish(&sum, hex);
}

void
gate_payload_write(json_t *object, struct str *out, bool indented)
{
    char hex[SHA256_HEX + 1];
    char *text = json_dumps(object, JSON_ENSURE_ASCII | (indented ? JSON_INDENT(1) : JSON_COMPACT));
    json_decref(object);
    if (!text) {
        bug("a record that is no JSON");
    }
    str_add(out, EXTSHIM_NOTE_START);
    str_addf(out, "%0*d\",", EXTSHIM_NOTE_CHECKSUM_SIZE, 0);
    str_add(out, text + 1); /* without its brace */
    if (indented) {
        str_addc(out, '\n');
    }
    free(text);
    record_checksum(out->s, out->n, hex);
    memcpy(out->s + EXTSHIM_NOTE_CHECKSUM_AT, hex, SHA256_HEX);
}

bool
gate_payload_holds(const char *text, size_t n)
{
    char hex[SHA256_HEX + 1];
    if (n <= EXTSHIM_NOTE_CHECKSUM_AT + EXTSHIM_NOTE_CHECKSUM_SIZE ||
        memcmp(text, EXTSHIM_NOTE_START, EXTSHIM_NOTE_CHECKSUM_AT) != 0) {
        return false;
    }
    record_checksum(text, n, hex);
    return memcmp(text + EXTSHIM_NOTE_CHECKSUM_AT, hex, SHA256_HEX) == 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

static const char *
record_text(struct arena *arena, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? arena_string(arena, text) : NULL;
}

static void
record_read_verdicts(struct gate_record *r, struct arena *arena, const json_t *all)
{
    for (int t = 0; t < TARGETS; t++) {
        const json_t *one = json_object_get(all, target_name((enum target)t));
        struct gate_verdict *v = &r->verdict[t];
        v->verdict = record_text(arena, one, "verdict");
        v->reason = record_text(arena, one, "reason");
        v->rule = record_text(arena, one, "rule");
        v->file = record_text(arena, one, "file");
        json_int_t line = json_integer_value(json_object_get(one, "line"));
        v->line = line > 0 && line < 1000000000 ? (int)line : 0;
    }
}

static bool
record_flag(const json_t *object, const char *group, const char *key)
{
    return json_is_true(json_object_get(json_object_get(object, group), key));
}

static bool
record_is_hash(const char *text)
{
    return text && strlen(text) == SHA256_HEX && strspn(text, "0123456789abcdef") == SHA256_HEX;
}

static const char *
record_read_sources(struct gate_record *r, struct arena *arena, const json_t *sources)
{
    for (size_t i = 0; i < json_array_size(sources); i++) {
        const json_t *pair = json_array_get(sources, i);
        const char *path = json_string_value(json_array_get(pair, 0));
        const char *hash = json_string_value(json_array_get(pair, 1));
        if (!path || !record_is_hash(hash)) {
            return "a source without its path or its SHA-256";
        }
        struct gate_source source = {arena_string(arena, path), arena_string(arena, hash)};
        vec_push(&r->sources, source);
    }
    return NULL;
}

const char *
gate_record_read(struct gate_record *r, struct arena *arena, const json_t *object)
{
    *r = (struct gate_record){0};
    r->module = record_text(arena, object, "module");
    if (!r->module) {
        return "no name of a module";
    }
    r->checker = record_text(arena, object, "checker");
    r->rules = record_text(arena, object, "rules");
    r->python = record_text(arena, object, "python");
    r->flavour = record_text(arena, object, "flavour");
    r->abi = record_text(arena, object, "abi");
    record_read_verdicts(r, arena, json_object_get(object, "verdicts"));
    r->own_gil = record_flag(object, "claims", "own-gil");
    r->gil_not_used = record_flag(object, "claims", "gil-not-used");
    r->supports_own_gil = record_flag(object, "supports", "own-gil");
    r->supports_free_threaded = record_flag(object, "supports", "free-threaded");
    r->fixed_own_gil = record_flag(object, "fixed", "own-gil");
    r->fixed_gil_not_used = record_flag(object, "fixed", "gil-not-used");
    r->no_slots = json_is_true(json_object_get(object, "single-phase"));
    const json_t *overrides = json_object_get(object, "override");
    for (size_t i = 0; i < json_array_size(overrides); i++) {
        const char *name = json_string_value(json_array_get(overrides, i));
        if (name) {
            vec_push(&r->overrides, arena_string(arena, name));
        }
    }
    return record_read_sources(r, arena, json_object_get(object, "sources"));
}

static int
record_by_path(const void *a, const void *b)
{
    return strcmp(((const struct gate_source *)a)->path, ((const struct gate_source *)b)->path);
}

void
gate_record_sort(struct gate_record *r)
{
    if (r->sources.n) {
        qsort(r->sources.at, r->sources.n, sizeof(*r->sources.at), record_by_path);
    }
}

void
gate_record_free(struct gate_record *r)
{
    vec_free(&r->overrides);
    vec_free(&r->sources);
}
