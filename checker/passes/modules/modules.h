/* What a module declares: its hooks, its definition, its slots. Shared by the passes about modules.
 *
 * Ownership: infos live on the stack of a pass, module_info_free() releases their arrays.
 * Threads: one owner. Errors: what cannot be resolved is marked so; no finding rests on it. */
#ifndef EXTCHECK_PASSES_MODULES_H
#define EXTCHECK_PASSES_MODULES_H

#include "passes/program/type_scan.h"

struct module_info {
    struct fact_module *fact;
    struct body *pyinit, *modexport;  /* the hooks; NULL when there is none */
    const struct fact_entry *entry;   /* of the hook the module was found by */
    const char *phase;                /* single multi modexport unknown */
    const struct fact_call *creation; /* PyModule_Create() or PyModuleDef_Init() */
    const struct body *creation_in;
    const struct fact_moduledef *def;       /* NULL: not known */
    const char *slots_array, *export_array; /* variable ids */
    VEC(struct fact_slot *) slots;          /* of the definition, nested arrays too */
    VEC(struct fact_slot *) export_slots;   /* of PyModExport_ */
    bool slots_known, export_known;         /* every element was seen */
    bool ft_seen;                           /* a unit of the free-threaded flavour was parsed */
};

void module_info_read(struct program *p, struct fact_module *module, struct module_info *info);
void module_info_free(struct module_info *info);

/* The variable a descriptor names (`addr:var:ID`, `var:ID`), or NULL. */
const char *module_variable_id(const char *value);
/* The unit a fact comes from, or NULL; its flavour is the free-threaded one? */
const struct fact_unit *module_unit(const struct program *p, const struct fact *f);
bool module_is_ft(const struct program *p, const struct fact *f);
/* The body of the first slot called name (Py_mod_exec ...), from *at on, which moves behind it. */
struct body *module_slot_body(struct program *p, const struct module_info *info, const char *name,
                              size_t *at);
/* A flaw of this module; symbol is the module's name unless set later. */
struct fact_flaw *module_flaw(struct program *p, const struct module_info *info,
                              const struct fact *where, const struct body *b, const char *what,
                              const char *subject);

/* Does the module refuse to load in a second interpreter, with a guard of its own? */
bool module_refuses_second(struct program *p, struct fact_module *m);

/* The parts of the pass. */
void module_check_slots(struct program *p, const struct module_info *info);
void module_check_hooks(struct program *p, const struct module_info *info);
void module_check_limited(struct program *p, const struct module_info *info);
void module_check_guard(struct program *p, const struct module_info *info);

#endif
