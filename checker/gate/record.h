/* The record of one module: what was judged, of which sources, and what it may declare. It is the
 * payload of the note (shim/include/extshim_note.h) and an item of a verdict file; docs/gate.md
 * describes the JSON.
 *
 * Ownership: strings live in the arena that the caller names; gate_record_free() frees the lists.
 * Threads: one owner. Errors: gate_record_read() returns what is wrong as a sentence. */
#ifndef EXTCHECK_GATE_RECORD_H
#define EXTCHECK_GATE_RECORD_H

#include <jansson.h>

#include "base/arena.h"
#include "base/sha256.h"
#include "base/str.h"
#include "rules/finding.h"

struct gate_verdict {
    const char *verdict; /* its name; NULL: this target was not judged */
    const char *reason;
    const char *rule, *file; /* of the finding that decides; may be NULL */
    int line;
};

struct gate_source {
    const char *path; /* relative to the root; outside of it a star, a slash, the name */
    const char *hash;
};

struct gate_record {
    const char *module;
    const char *checker, *rules; /* versions; NULL: nothing was checked */
    const char *python;          /* version of the headers that the sources were read with */
    const char *flavour, *abi;   /* "gil", "free-threaded"; the SOABI, may be NULL */
    struct gate_verdict verdict[TARGETS];
    bool own_gil, gil_not_used;             /* what it may declare */
    bool fixed_own_gil, fixed_gil_not_used; /* what its source declares whatever the gate says */
    bool supports_own_gil, supports_free_threaded; /* what was claimed when it was judged */
    bool no_slots; /* as far as the sources tell: single-phase, so there is nowhere to declare */
    VEC(const char *) overrides;
    VEC(struct gate_source) sources; /* sorted by path */
};

/* The object without its checksum: of a note, or of a module in a verdict file. */
json_t *gate_record_json(const struct gate_record *r, bool note);
/* NULL, or what is wrong with the object. Unknown members are left alone. */
const char *gate_record_read(struct gate_record *r, struct arena *arena, const json_t *object);
void gate_record_sort(struct gate_record *r);
void gate_record_free(struct gate_record *r);

/* The object as text that begins with its checksum; drops the reference. */
void gate_payload_write(json_t *object, struct str *out, bool indented);
/* Does the text begin with a checksum, and is it right? */
bool gate_payload_holds(const char *text, size_t n);

#endif
