/* The files that a gate leaves for the build. */
#include <ctype.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../shim/include/extshim_note.h"
#include "gate/gate.h"

enum { EMIT_BYTES_A_LINE = 16 };

/* pkg._spam as a part of a C name and of a file name. */
static void
emit_identifier(struct str *out, const char *module)
{
    for (; *module; module++) {
        str_addc(out, isalnum((unsigned char)*module) ? *module : '_');
    }
}

static void
emit_path(struct str *out, const char *folder, const char *kind, const char *module,
          const char *ending)
{
    str_addf(out, "%s/extcheck_%s_", folder, kind);
    emit_identifier(out, module);
    str_add(out, ending);
}

static bool
emit_make_folder(const char *folder)
{
    struct str path = {0};
    str_add(&path, folder);
    bool good = true;
    for (size_t i = 1; good && i <= path.n; i++) {
        if (path.s[i] == '/' || path.s[i] == '\0') {
            char kept = path.s[i];
            path.s[i] = '\0';
            good = mkdir(path.s, 0777) == 0 || errno == EEXIST;
            path.s[i] = kept;
        }
    }
    str_free(&path);
    return good;
}

/* An unchanged file is left alone, so that nothing is compiled again. */
static bool
emit_write(const struct str *path, const struct str *text)
{
    struct str old = {0};
    bool same = str_read_file(&old, path->s) && old.n == text->n &&
                memcmp(old.n ? old.s : "", text->s, text->n) == 0;
    str_free(&old);
    if (same) {
        return true;
    }
    FILE *file = fopen(path->s, "wb");
    bool good = file && fwrite(text->s, 1, text->n, file) == text->n;
    good = file && fclose(file) == 0 && good;
    if (!good) {
        diag_error("cannot write %s: %s", path->s, strerror(errno));
    }
    return good;
}

static void
emit_header(struct str *out, const struct gate_record *r, bool free_threaded)
{
    str_addf(out,
             "/* Written by `extcheck gate`; do not edit. */\n"
             "#if !defined(EXTSHIM_GATE_FLAVOUR) && !defined(__EXTCHECK__)\n"
             "#define EXTSHIM_GATE_FLAVOUR %d\n"
             "#define EXTSHIM_CLAIM_OWN_GIL %d\n"
             "#define EXTSHIM_CLAIM_GIL_NOT_USED %d\n"
             "#endif\n",
             free_threaded, r->own_gil, r->gil_not_used);
}

static void
emit_note(struct str *out, const struct gate_record *r, const struct str *payload)
{
    struct str name = {0};
    emit_identifier(&name, r->module);
    str_addf(out,
             "/* Written by `extcheck gate`; do not edit. */\n"
             "#include \"extcheck_gate_%s.h\"\n"
             "#include \"extshim_gate.h\"\n"
             "#include \"extshim_note.h\"\n\n"
             "EXTSHIM_NOTE(%s, %zu",
             name.s, name.s, payload->n);
    for (size_t i = 0; i < payload->n; i++) {
        str_addf(out, "%s0x%02x", i % EMIT_BYTES_A_LINE ? ", " : ",\n    ",
                 (unsigned)(unsigned char)payload->s[i]);
    }
    str_add(out, ");\n");
    str_free(&name);
}

bool
gate_emit_placeholder(const char *module, const char *folder)
{
    struct str path = {0}, text = {0}, old = {0};
    emit_path(&path, folder, "gate", module, ".h");
    str_add(&text, "/* The gate has not answered yet. */\n");
    bool good = emit_make_folder(folder);
    if (!good) {
        diag_error("--output-dir: cannot make the folder %s: %s", folder, strerror(errno));
    }
    else if (!str_read_file(&old, path.s)) {
        good = emit_write(&path, &text);
    }
    str_free(&path);
    str_free(&text);
    str_free(&old);
    return good;
}

bool
gate_emit(const struct gate_record *record, bool free_threaded, const char *folder)
{
    static const char *const kinds[] = {"gate", "note", "record"};
    static const char *const endings[] = {".h", ".c", ".json"};
    struct str texts[3] = {{0}};
    gate_payload_write(gate_record_json(record, true), &texts[2], false);
    emit_header(&texts[0], record, free_threaded);
    emit_note(&texts[1], record, &texts[2]);
    bool good = true;
    for (int i = 0; i < 3; i++) {
        struct str path = {0};
        emit_path(&path, folder, kinds[i], record->module, endings[i]);
        good = good && emit_write(&path, &texts[i]);
        str_free(&path);
        str_free(&texts[i]);
    }
    return good;
}

void
gate_emit_nothing(const char *module, const char *folder)
{
    static const char *const kinds[] = {"gate", "note", "record"};
    static const char *const endings[] = {".h", ".c", ".json"};
    for (int i = 0; i < 3; i++) {
        struct str path = {0};
        emit_path(&path, folder, kinds[i], module, endings[i]);
        unlink(path.s);
        str_free(&path);
    }
}
