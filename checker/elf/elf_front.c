#include "elf/elf_front.h"

#include <limits.h>

#include "../../shim/include/extshim_note.h"
#include "elf/notes.h"
#include "elf/slots.h"
#include "gate/gate.h"

struct elf_run {
    const struct elf_options *options;
    struct facts *out;
    struct arena arena;
    elf_failed *failed;
    void *context;
};

/* ---- sources --------------------------------------------------------------------------------- */

/* The folder that the note's paths are relative to, judged by one source that was given: its path
 * without the part that the note names. NULL when it is not that source. */
static const char *
elf_root_of(struct elf_run *run, const char *given, const char *noted)
{
    char real[PATH_MAX];
    if (!realpath(given, real) || str_starts(noted, "*/")) {
        return NULL;
    }
    struct str tail = {0};
    str_addf(&tail, "/%s", noted);
    bool same = str_ends(real, tail.s);
    const char *root = same ? arena_copy(&run->arena, real, strlen(real) - tail.n) : NULL;
    str_free(&tail);
    return root;
}

static const char *
elf_find_root(struct elf_run *run, const struct gate_record *record)
{
    for (const char *const *given = run->options->sources; given && *given; given++) {
        const char *best = NULL;
        for (size_t i = 0; i < record->sources.n; i++) {
            /* The longest name that fits: a/spam.c before spam.c. */
            const char *root = elf_root_of(run, *given, record->sources.at[i].path);
            best = root && (!best || strlen(root) < strlen(best)) ? root : best;
        }
        if (best) {
            return best;
        }
    }
    return NULL;
}

static void
elf_compare_sources(struct elf_run *run, const struct gate_record *record)
{
    const char *root = elf_find_root(run, record);
    for (size_t i = 0; root && i < record->sources.n; i++) {
        const struct gate_source *s = &record->sources.at[i];
        char hex[SHA256_HEX + 1];
        const char *path = arena_printf(&run->arena, "%s/%s", root, s->path);
        if (str_starts(s->path, "*/") || !gate_hash_file(path, hex)) {
            continue;
        }
        struct fact_notesource *fact = facts_new_notesource(run->out, 0, 0, 0);
        fact->module = facts_intern(run->out, record->module);
        fact->path = facts_intern(run->out, s->path);
        fact->recorded = facts_intern(run->out, s->hash);
        fact->actual = facts_intern(run->out, hex);
        fact->given = facts_intern(run->out, path);
    }
}

/* ---- notes ----------------------------------------------------------------------------------- */

static void
elf_fill_note(struct elf_run *run, struct fact_note *fact, const struct gate_record *record)
{
    struct str overrides = {0};
    for (size_t i = 0; i < record->overrides.n; i++) {
        str_addf(&overrides, "%s%s", overrides.n ? "," : "", record->overrides.at[i]);
    }
    fact->module = facts_intern(run->out, record->module);
    fact->flavour = facts_intern(run->out, record->flavour);
    fact->abi = facts_intern(run->out, record->abi);
    fact->overrides = overrides.n ? facts_intern(run->out, overrides.s) : NULL;
    fact->claims_own = record->own_gil;
    fact->claims_gil = record->gil_not_used;
    str_free(&overrides);
}

/* The payload as JSON, or NULL with the note's status: damaged, or of a format to come. */
static json_t *
elf_parse_note(const struct elf_note *note, const char **status)
{
    json_t *object = json_loadb(note->payload, note->n, 0, NULL);
    *status = "damaged";
    if (!gate_payload_holds(note->payload, note->n) || !json_is_object(object)) {
        json_decref(object);
        return NULL;
    }
    *status = json_integer_value(json_object_get(object, "format")) == EXTSHIM_NOTE_FORMAT
                  ? "ok"
                  : "foreign";
    return object;
}

static void
elf_add_note(struct elf_run *run, const struct image *image, const struct elf_note *note,
             const char *built, bool only)
{
    struct fact_note *fact = facts_new_note(run->out, 0, 0, 0);
    struct gate_record record = {0};
    const char *status;
    json_t *object = elf_parse_note(note, &status);
    fact->built = built;
    if (object && str_same(status, "ok") && gate_record_read(&record, &run->arena, object)) {
        status = "damaged";
    }
    fact->status = facts_intern(run->out, status);
    if (str_same(status, "ok")) {
        char *text = json_dumps(object, JSON_ENSURE_ASCII | JSON_COMPACT);
        fact->payload = facts_intern(run->out, text ? text : "");
        free(text);
        elf_fill_note(run, fact, &record);
        struct slots_found found = slots_of_module(image, record.module, only);
        fact->own = facts_intern(run->out, found.own);
        fact->gil = facts_intern(run->out, found.gil);
        elf_compare_sources(run, &record);
    }
    gate_record_free(&record);
    json_decref(object);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Code for free-threaded builds calls these once it drops a reference; with the GIL it is
 * _Py_Dealloc(). Modules that do neither tell nothing. */
static const char *
elf_built(const struct image *image)
{
    if (image_imports(image, "_Py_DecRefShared") ||
        image_imports(image, "_Py_MergeZeroLocalRefcount")) {
        return "free-threaded";
    }
    return image_imports(image, "_Py_Dealloc") ? "gil" : NULL;
}

static const char *
elf_entries(struct elf_run *run, const struct image *image, int *n)
{
    static const char *const hooks[] = {"PyInit_", "PyModExport_"};
    struct map seen = {0};
    struct str list = {0};
    *n = 0;
    for (size_t i = 0; i < image->exports.n; i++) {
        for (int k = 0; k < 2; k++) {
            const char *name = image->exports.at[i];
            if (!str_starts(name, hooks[k])) {
                continue;
            }
            name = arena_string(&run->arena, name + strlen(hooks[k]));
            if (!map_get(&seen, name)) {
                map_set(&seen, name, run);
                str_addf(&list, "%s%s", list.n ? "," : "", name);
                ++*n;
            }
        }
    }
    const char *kept = list.n ? facts_intern(run->out, list.s) : NULL;
    str_free(&list);
    map_free(&seen);
    return kept;
}

/* What the tables of each module declare. */
static const char *
elf_declares(struct elf_run *run, const struct image *image, const char *entries, bool only)
{
    struct str list = {0};
    for (const char *at = entries ? entries : ""; *at;) {
        size_t n = strcspn(at, ",");
        const char *name = arena_copy(&run->arena, at, n);
        struct slots_found found = slots_of_module(image, name, only);
        str_addf(&list, "%s%s=%s/%s", list.n ? "," : "", name, found.own, found.gil);
        at += n + (at[n] == ',');
    }
    const char *kept = list.n ? facts_intern(run->out, list.s) : NULL;
    str_free(&list);
    return kept;
}

static bool
elf_read(struct elf_run *run, const char *path)
{
    struct image image;
    const char *error = image_open(&image, path);
    if (error) {
        run->failed(run->context, path, error, false);
        image_close(&image);
        return false;
    }
    elf_notes notes = {0};
    bool whole = notes_find(&image, &notes);
    int entries;
    run->out->file = facts_intern(run->out, path);
    struct fact_binary *binary = facts_new_binary(run->out, 0, 0, 0);
    binary->path = run->out->file;
    binary->built = elf_built(&image);
    binary->entries = elf_entries(run, &image, &entries);
    binary->declares = elf_declares(run, &image, binary->entries, entries <= 1);
    binary->notes = (long)notes.n;
    for (size_t i = 0; i < notes.n; i++) {
        elf_add_note(run, &image, &notes.at[i], binary->built, notes.n == 1 && entries <= 1);
    }
    if (!whole) {
        run->failed(run->context, path, "its notes are broken", true);
    }
    vec_free(&notes);
    image_close(&image);
    return true;
}

bool
elf_read_claims(const char *path, bool *own_gil, bool *gil_not_used)
{
    struct image image;
    elf_notes notes = {0};
    struct arena arena = {0};
    bool found = false;
    if (!image_open(&image, path)) {
        notes_find(&image, &notes);
    }
    *own_gil = *gil_not_used = true;
    for (size_t i = 0; i < notes.n; i++) {
        const char *status;
        struct gate_record record = {0};
        json_t *object = elf_parse_note(&notes.at[i], &status);
        if (object && str_same(status, "ok") && !gate_record_read(&record, &arena, object)) {
            found = true;
            *own_gil = *own_gil && record.own_gil;
            *gil_not_used = *gil_not_used && record.gil_not_used;
        }
        gate_record_free(&record);
        json_decref(object);
    }
    vec_free(&notes);
    image_close(&image);
    arena_free(&arena);
    return found;
}

int
elf_extract(const struct elf_options *options, struct facts *out, elf_failed *failed, void *context)
{
    struct elf_run run = {.options = options, .out = out, .failed = failed, .context = context};
    int n = 0;
    for (const char *const *path = options->binaries; path && *path; path++) {
        n += elf_read(&run, *path);
    }
    out->file = NULL;
    arena_free(&run.arena);
    return n;
}
