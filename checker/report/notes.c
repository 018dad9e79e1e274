#include "report/notes.h"

#include "gate/record.h"
#include "report/json_values.h"
#include "report/text.h"

static const char *
note_status(const struct binary_note *note)
{
    return !note->status                  ? "no note of extcheck"
           : str_same(note->status, "ok") ? ""
           : str_same(note->status, "foreign")
               ? "a note of a format that this version does not know"
               : "a damaged note";
}

/* "ready (nothing speaks against it)", with the finding that decides. */
static void
note_add_verdict(struct str *out, const struct gate_verdict *v)
{
    text_add_visible(out, v->verdict);
    if (v->rule) {
        str_addc(out, ' ');
        text_add_visible(out, v->rule);
        str_addc(out, ' ');
        text_add_visible(out, v->file ? v->file : "?");
        str_addf(out, ":%d", v->line);
    }
    if (v->reason) {
        str_add(out, " (");
        text_add_visible(out, v->reason);
        str_addc(out, ')');
    }
}

static void
note_add_claims(struct str *out, const struct gate_record *r)
{
    str_addf(out, "%s, %s", r->own_gil ? "own-GIL support" : "no own-GIL support",
             r->gil_not_used ? "no GIL needed" : "GIL used");
}

static void
note_add_record(struct str *out, const struct gate_record *r)
{
    str_add(out, "  module ");
    text_add_visible(out, r->module);
    str_add(out, ", built for ");
    text_add_visible(out, str_same(r->flavour, "gil") ? "Python with the GIL"
                          : r->flavour                ? "free-threaded Python"
                                                      : "?");
    if (r->abi) {
        str_add(out, " (");
        text_add_visible(out, r->abi);
        str_addc(out, ')');
    }
    str_add(out, "\n    checked by     ");
    if (r->checker) {
        str_add(out, "extcheck ");
        text_add_visible(out, r->checker);
        str_add(out, ", ");
        text_add_visible(out, r->rules ? r->rules : "?");
    }
    else {
        str_add(out, "nobody");
    }
    for (int t = 0; t < TARGETS; t++) {
        if (r->verdict[t].verdict) {
            str_addf(out, "\n    %-14s ", target_name((enum target)t));
            note_add_verdict(out, &r->verdict[t]);
        }
    }
    str_add(out, "\n    may declare    ");
    note_add_claims(out, r);
    for (size_t i = 0; i < r->overrides.n; i++) {
        str_add(out, i ? ", " : "\n    UNSAFE         built with ");
        text_add_visible(out, r->overrides.at[i]);
    }
    str_addf(out, "\n    sources        %zu file%s\n", r->sources.n, r->sources.n == 1 ? "" : "s");
}

/* Fills the record of a sound note; false for the others. */
static bool
note_read(const struct binary_note *note, struct gate_record *record, struct arena *arena)
{
    json_t *object = note->payload ? json_loads(note->payload, 0, NULL) : NULL;
    bool good = object && !gate_record_read(record, arena, object);
    json_decref(object);
    return good;
}

void
notes_write(const struct findings *findings, FILE *out)
{
    struct arena arena = {0};
    struct str text = {0};
    for (size_t i = 0; i < findings->binaries.n; i++) {
        const struct binary_note *note = &findings->binaries.at[i];
        struct gate_record record = {0};
        bool same = i && str_same(note->file, findings->binaries.at[i - 1].file);
        str_clear(&text);
        if (!same) {
            text_add_visible(&text, note->file);
            str_add(&text, ":\n");
        }
        if (note_read(note, &record, &arena)) {
            note_add_record(&text, &record);
        }
        else {
            str_addf(&text, "  %s\n", note_status(note));
        }
        fwrite(text.s, 1, text.n, out);
        gate_record_free(&record);
    }
    str_free(&text);
    arena_free(&arena);
}

void
notes_write_lines(const struct findings *findings, FILE *out)
{
    struct arena arena = {0};
    for (size_t i = 0; i < findings->binaries.n; i++) {
        const struct binary_note *note = &findings->binaries.at[i];
        struct gate_record record = {0};
        struct str text = {0};
        text_add_visible(&text, note->file);
        str_add(&text, ": ");
        if (note_read(note, &record, &arena)) {
            text_add_visible(&text, record.module);
            for (int t = 0; t < TARGETS; t++) {
                if (record.verdict[t].verdict) {
                    str_addf(&text, ", %s ", target_name((enum target)t));
                    text_add_visible(&text, record.verdict[t].verdict);
                }
            }
            str_add(&text, ", may declare ");
            note_add_claims(&text, &record);
            str_add(&text, record.overrides.n ? ", UNSAFE override" : "");
        }
        else {
            str_add(&text, note_status(note));
        }
        str_addc(&text, '\n');
        fwrite(text.s, 1, text.n, out);
        str_free(&text);
        gate_record_free(&record);
    }
    arena_free(&arena);
}

json_t *
notes_json(const struct findings *findings, const struct report_options *options)
{
    json_t *all = json_array();
    for (size_t i = 0; i < findings->binaries.n; i++) {
        const struct binary_note *note = &findings->binaries.at[i];
        json_t *one = json_object();
        json_t *payload = note->payload ? json_loads(note->payload, 0, NULL) : NULL;
        json_object_set_new(one, "file", json_path(note->file, options->root));
        json_object_set_new(one, "status", json_string(note->status ? note->status : "none"));
        json_object_set_new(one, "note", payload ? payload : json_null());
        json_array_append_new(all, one);
    }
    return all;
}
