/* Verdict files and the records of notes. The input is the JSON without its checksum, which no
 * mutation would ever hit. */
#include <stdlib.h>

#include "fuzz.h"
#include "gate/gate.h"

static void
fuzz_record(const json_t *object)
{
    struct arena arena = {0};
    struct gate_record record = {0};
    if (!gate_record_read(&record, &arena, object)) {
        gate_record_sort(&record);
        json_decref(gate_record_json(&record, true));
    }
    gate_record_free(&record);
    arena_free(&arena);
}

static void
fuzz_verdict_file(json_t *object)
{
    struct str text = {0};
    struct arena arena = {0};
    const char *why = NULL;
    struct options o;
    gate_payload_write(object, &text, true);
    options_start(&o);
    o.module = "spam";
    o.root = "/";
    o.from_verdict = fuzz_file("verdict.json", (const uint8_t *)text.s, text.n);
    struct gate_record *record = verdict_file_find(&o, &arena, &why);
    if (!record && !why) { /* a refusal without a reason helps nobody */
        abort();
    }
    if (record) {
        gate_record_free(record);
    }
    arena_free(&arena);
    options_free(&o);
    str_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *object = json_loadb((const char *)data, size, 0, NULL);
    if (json_is_object(object)) {
        fuzz_record(object);
        fuzz_verdict_file(json_incref(object)); /* writing drops a reference */
    }
    json_decref(object);
    return 0;
}
