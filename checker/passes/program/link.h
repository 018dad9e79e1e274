/* Results that every pass shares, computed before the passes run, in this order. Used by program.c
 * only.
 *
 * Ownership: everything lives in the program. Threads: one owner. Errors: none. */
#ifndef EXTCHECK_PASSES_LINK_H
#define EXTCHECK_PASSES_LINK_H

#include "passes/program/program.h"

/* Call edges, bindings, entry sets, modules and what belongs to them. */
void link_run(struct program *p);
/* Which locks are held where. */
void locks_run(struct program *p);
void locks_free(struct program *p);
/* Does the access take or give back a spin lock made of a word, and what is the lock called?
 * locks_spin.c */
bool locks_spin_taken(const struct program *p, const struct body *b, const struct fact_access *a);
bool locks_spin_given(const struct program *p, const struct fact_access *a);
const char *locks_spin_name(struct program *p, const struct fact_access *a);
/* Derived fields of variables. */
void variables_run(struct program *p);

/* The maps, bodies and types of the program, from the facts. program_index.c */
void program_index(struct program *p);
void program_list_add(struct program *p, struct map *m, const char *key, struct fact *f);
void program_free_lists(struct map *m);

/* ---- link_modules.c ---- */
void link_modules(struct program *p);
void link_holes(struct program *p);
/* ---- link_entries.c ---- */
void link_edges(struct program *p);
void link_entries(struct program *p);
bool link_faces_python(const struct fact_function *f);

/* Every write, read and escape of a variable, also through pointers and project functions.
 * variables_uses.c */
enum use_kind { USE_READ = 1, USE_WRITE = 2, USE_RMW = 4, USE_ESCAPE = 8, USE_ATOMIC = 16 };
struct variable_use {
    const struct fact_access *access;
    struct body *body; /* where it happens; NULL in initialisers */
    long seq;          /* in body */
    unsigned kind;
    const char *value; /* of a write */
};
struct variable_uses {
    VEC(struct variable_use) all;
};
void variables_uses(struct program *p, const struct fact_variable *v, struct variable_uses *out);
/* How a variable is filled late; sets lazy. variables_lazy.c */
void variables_lazy(struct program *p, struct fact_variable *v, const struct variable_uses *uses);
/* Does a write at import stand behind a test of the variable? Then a later import takes another
 * way. variables_lazy.c */
bool variables_import_tests(const struct fact_variable *v, const struct variable_uses *uses);
/* Does every import leave the same in it? 2: it may leave it alone as well. variables_alike.c */
int variables_alike(struct program *p, const struct fact_variable *v,
                    const struct variable_uses *uses);
/* Which variables are the state of a number generator; sets shape. variables_generator.c */
void variables_generators(struct program *p);
/* The words for where a value comes from, added to a comma list. variables_sources.c */
void variables_sources(struct program *p, struct fact_variable *v,
                       const struct variable_uses *uses);
/* Does only the main interpreter get there? main_only.c */
bool main_only_at(const struct program *p, const struct body *b, long seq);
/* Adds a word to a comma list unless it is there. */
void link_add_word(struct program *p, const char **list, const char *word);
/* The words that two comma lists have in common, or NULL. */
const char *link_common_words(struct program *p, const char *a, const char *b);

#endif
