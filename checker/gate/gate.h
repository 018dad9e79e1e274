/* The build gate: `extcheck gate` and `extcheck --write-verdict`; docs/gate.md.
 *
 * gate_settle() prepares the options, the pipeline analyses as always, then gate_finish() decides
 * and writes what the build needs. With --from-verdict there is no analysis.
 *
 * Ownership: inputs are borrowed. Threads: one owner. Errors: said on stderr; exit codes 0 (build),
 * 1 (refused), 2 (trouble, as everywhere). */
#ifndef EXTCHECK_GATE_GATE_H
#define EXTCHECK_GATE_GATE_H

#include "analysis.h"
#include "gate/decide.h"

/* What the analysis left behind. */
struct gate_input {
    struct options *options;
    const struct findings *findings;
    const struct ruleset *rules;
    struct analysis *const *analyses;
    size_t nanalyses;
    int python;         /* of the interpreter that was asked, 0x030d */
    bool free_threaded; /* its headers define Py_GIL_DISABLED */
};

/* Is this call about the gate, or does it write a verdict file? */
bool gate_is_on(const struct options *o);
/* Are --flavour and the like what they should be? */
bool gate_check_options(const struct options *o);
/* After the settings were read: nothing may hide a finding. False after a message. */
bool gate_settle(struct options *o);
/* What the module is to declare (--supports-...), as macros for the parser; in runs without a gate
 * too, because the shim declares nothing without them. */
void gate_define_claims(struct options *o);
int gate_finish(const struct gate_input *in);
/* With the verdict of a file. */
int gate_from_verdict(struct options *o);

/* ---- collect.c ---- */
/* Fills the record of a module from the analyses. */
void gate_collect(const struct gate_input *in, const struct module_result *m,
                  struct gate_record *record, struct arena *arena);
/* No: it stands for the files that no module reaches. */
bool gate_is_module(const struct module_result *m);
/* "spam" of "pkg.spam": the part that hooks are named after. */
const char *gate_last_name(const char *name);
/* The module's result by its full or last name; NULL when there is none. */
const struct module_result *gate_find_module(const struct findings *findings, const char *name);
/* A digest of the rules and tables of rules in use. */
const char *gate_rules_version(const struct ruleset *rules, struct arena *arena);
/* SHA-256 of a file into `hex`; false when it cannot be read. */
bool gate_hash_file(const char *path, char hex[SHA256_HEX + 1]);
/* How a source is named in records. */
const char *gate_source_name(struct arena *arena, const char *path, const char *root);

/* ---- say.c ---- */
/* Says on stderr what was decided and why. in: NULL when a verdict file was used. */
void gate_say(const struct gate_decision *decision, const struct gate_record *record,
              const struct gate_request *request, const struct gate_input *in);

/* ---- emit.c ---- */
/* Makes the folder, and the header where there is none: commands of a database may name it. */
bool gate_emit_placeholder(const char *module, const char *folder);
/* Writes the note, the header and the record; false after a message. */
bool gate_emit(const struct gate_record *record, bool free_threaded, const char *folder);
/* Removes them, so that a refused build finds nothing of an earlier run. */
void gate_emit_nothing(const char *module, const char *folder);

/* ---- verdict_file.c ---- */
bool verdict_file_write(const struct gate_input *in, const char *path);
/* ---- verdict_rows.c ---- */
/* One row for each module of each binary that was given. A new reference. */
json_t *verdict_rows(const struct gate_input *in, struct arena *arena);
/* The record of o->module in o->from_verdict when the file is sound, every source is as it was and
 * o->files are among them; else NULL, with the reason in *why. */
struct gate_record *verdict_file_find(const struct options *o, struct arena *arena,
                                      const char **why);

#endif
