/* The verdict file: what a source distribution carries so that its users need no checker. */
#include <errno.h>

#include "../../shim/include/extshim_note.h"
#include "gate/gate.h"
#include "report/json_values.h"

bool
verdict_file_write(const struct gate_input *in, const char *path)
{
    struct arena arena = {0};
    json_t *root = json_object(), *modules = json_array();
    json_object_set_new(root, "kind", json_string("extcheck-verdict"));
    json_object_set_new(root, "format", json_integer(EXTSHIM_NOTE_FORMAT));
    json_object_set_new(root, "checker", json_string(EXTCHECK_VERSION));
    json_object_set_new(root, "rules", json_text(gate_rules_version(in->rules, &arena)));
    for (size_t i = 0; i < in->findings->modules.n; i++) {
        const struct module_result *m = &in->findings->modules.at[i];
        if (!gate_is_module(m)) {
            continue;
        }
        struct gate_record record = {.module = m->name};
        gate_collect(in, m, &record, &arena);
        json_array_append_new(modules, gate_record_json(&record, false));
        gate_record_free(&record);
    }
    json_t *rows = verdict_rows(in, &arena);
    if (!json_array_size(modules) && !json_array_size(rows)) {
        diag_error("--write-verdict: no module among the files (no PyInit_ or PyModExport_)");
        json_decref(modules);
        json_decref(rows);
        json_decref(root);
        arena_free(&arena);
        return false;
    }
    json_object_set_new(root, "modules", modules);
    if (json_array_size(rows)) {
        json_object_set(root, "binaries", rows);
    }
    json_decref(rows);
    struct str text = {0};
    gate_payload_write(root, &text, true);
    FILE *file = fopen(path, "wb");
    bool good = file && fwrite(text.s, 1, text.n, file) == text.n;
    good = file && fclose(file) == 0 && good;
    if (!good) {
        diag_error("--write-verdict: cannot write %s: %s", path, strerror(errno));
    }
    str_free(&text);
    arena_free(&arena);
    return good;
}

/* NULL, or the source that is no longer what was judged. */
static const char *
verdict_file_changed(const struct gate_record *record, const char *root, struct arena *arena)
{
    for (size_t i = 0; i < record->sources.n; i++) {
        const struct gate_source *s = &record->sources.at[i];
        char hex[SHA256_HEX + 1];
        const char *path = arena_printf(arena, "%s/%s", root ? root : ".", s->path);
        if (str_starts(s->path, "*/")) {
            return arena_printf(arena, "%s lies outside the root, so it cannot be compared",
                                s->path + 2);
        }
        if (!gate_hash_file(path, hex)) {
            return arena_printf(arena, "%s cannot be read", s->path);
        }
        if (!str_same(hex, s->hash)) {
            return arena_printf(arena, "%s has changed since it was judged", s->path);
        }
    }
    return record->sources.n ? NULL : "it names no source";
}

/* NULL, or a source of this build that was not judged. */
static const char *
verdict_file_unjudged(const struct gate_record *record, const struct options *o,
                      struct arena *arena)
{
    for (size_t i = 0; i < o->files.list.n; i++) {
        const char *name = gate_source_name(arena, o->files.list.at[i], o->root);
        bool found = false;
        for (size_t k = 0; k < record->sources.n && !found; k++) {
            found = str_same(name, record->sources.at[k].path);
        }
        if (!found) {
            return arena_printf(arena, "%s was not judged", o->files.list.at[i]);
        }
    }
    return NULL;
}

static bool
verdict_file_names(const char *wanted, const char *have)
{
    return str_same(gate_last_name(wanted), gate_last_name(have));
}

static struct gate_record *
verdict_file_search(const json_t *root, const char *module, struct arena *arena, const char **why)
{
    const json_t *modules = json_object_get(root, "modules");
    *why = arena_printf(arena, "it has no module '%s'", module);
    for (size_t i = 0; i < json_array_size(modules); i++) {
        const json_t *one = json_array_get(modules, i);
        const char *name = json_string_value(json_object_get(one, "module"));
        if (!name || !verdict_file_names(module, name)) {
            continue;
        }
        struct gate_record *record = arena_alloc(arena, sizeof(*record));
        *why = gate_record_read(record, arena, one);
        const char *checker = json_string_value(json_object_get(root, "checker"));
        const char *rules = json_string_value(json_object_get(root, "rules"));
        record->checker = checker ? arena_string(arena, checker) : NULL;
        record->rules = rules ? arena_string(arena, rules) : NULL;
        return record;
    }
    return NULL;
}

struct gate_record *
verdict_file_find(const struct options *o, struct arena *arena, const char **why)
{
    struct str text = {0};
    struct gate_record *record = NULL;
    json_t *object = NULL;
    *why = NULL;
    if (!str_read_file(&text, o->from_verdict)) {
        *why = strerror(errno);
    }
    else if (!gate_payload_holds(text.s ? text.s : "", text.n)) {
        *why = "its checksum does not hold: it was edited or damaged";
    }
    else if (!(object = json_loadb(text.s, text.n, 0, NULL))) {
        *why = "it is no JSON";
    }
    else if (!str_same(json_string_value(json_object_get(object, "kind")), "extcheck-verdict") ||
             json_integer_value(json_object_get(object, "format")) != EXTSHIM_NOTE_FORMAT) {
        *why = "it is no verdict file of this format";
    }
    else {
        record = verdict_file_search(object, o->module, arena, why);
    }
    if (record && !*why) {
        *why = verdict_file_changed(record, o->root, arena);
        *why = *why ? *why : verdict_file_unjudged(record, o, arena);
    }
    if (record && *why) {
        gate_record_free(record);
        record = NULL;
    }
    json_decref(object);
    str_free(&text);
    return record;
}
