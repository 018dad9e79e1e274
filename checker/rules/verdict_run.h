/* One module while it is judged. Used by verdict*.c.
 *
 * Ownership: results live in the findings. Threads: one owner. Errors: none. */
#ifndef EXTCHECK_RULES_VERDICT_RUN_H
#define EXTCHECK_RULES_VERDICT_RUN_H

#include "rules/verdict.h"

struct verdict_run {
    const struct program *p;
    const struct rule_options *o;
    struct findings *out;
    const struct fact_module *module;
    struct module_result *result;
    bool only_module, only_init; /* the only one; the only one with an init function */
    const char *limited;         /* why the limited API keeps it from loading; NULL: it does not */
    int python;                  /* of the oldest headers used, 0: not known */
    bool incomplete;
};

/* ---- verdict_findings.c: suppressed findings count in verdict_accepted() only, declarations in
 * verdict_declaration() only ---- */
/* The first of the most severe findings that are of medium confidence at least, or NULL. */
const struct finding *verdict_worst(const struct verdict_run *v, enum target t);
/* How many findings have that severity. */
int verdict_count(const struct verdict_run *v, enum target t, enum severity s);
/* Findings at hazard or above that a suppression or the baseline takes out of the count. */
int verdict_accepted(const struct verdict_run *v, enum target t);
/* The finding about what the module declares, or NULL. */
const struct finding *verdict_declaration(const struct verdict_run *v, enum target t);
/* The finding that says that the module cannot even be built or imported there, or NULL. */
const struct finding *verdict_unimportable(const struct verdict_run *v, enum target t);
/* Takes out the overclaims whose evidence is all suppressed. */
void verdict_drop_claims(struct findings *out);

/* ---- verdict_seen.c: fills v->result, and v->incomplete where something is missing ---- */
/* The units of the module; sets v->python and v->limited. */
void verdict_see_units(struct verdict_run *v);
/* Functions that are called and that no file defines. */
void verdict_see_holes(struct verdict_run *v);
/* Files that failed: those known to be this module's; the others too when no other module is there
 * or when functions are missing that they may hold. */
void verdict_see_failed(struct verdict_run *v);

#endif
