/* Which modules reach a function or variable. Used by link_modules.c.
 *
 * Ownership: sets live in the program's arena; reach_free() frees the rest.
 * Threads: one owner. Errors: none. */
#ifndef EXTCHECK_PASSES_LINK_REACH_H
#define EXTCHECK_PASSES_LINK_REACH_H

#include "passes/program/link.h"

enum { SET_WORDS = 8 }; /* up to 512 modules in one run; later ones share the last bit */

/* A set of modules. */
struct module_set {
    unsigned long long word[SET_WORDS];
};

static inline bool
set_has(const struct module_set *set, size_t module)
{
    return (set->word[module / 64] >> (module % 64)) & 1;
}

static inline void
set_add(struct module_set *set, size_t module)
{
    set->word[module / 64] |= 1ULL << (module % 64);
}

static inline bool
set_is_empty(const struct module_set *set)
{
    for (int i = 0; i < SET_WORDS; i++) {
        if (set->word[i]) {
            return false;
        }
    }
    return true;
}

static inline void
set_join(struct module_set *set, const struct module_set *more)
{
    for (int i = 0; more && i < SET_WORDS; i++) {
        set->word[i] |= more->word[i];
    }
}

/* What is reached, by id. */
struct reach {
    struct program *p;
    struct map sets; /* function or variable id -> struct module_set */
    VEC(const char *) queue;
    struct map references; /* variable id -> struct fact_list: facts of its initialiser */
};

/* Makes the index that the rest needs: which facts stand in the initialiser of which variable. */
void reach_index(struct reach *r);
/* The modules that reach the id; NULL when none. */
const struct module_set *reach_set(const struct reach *r, const char *id);
/* The module number `bit` reaches the id. reach_run() follows what was added. */
void reach_add(struct reach *r, const char *id, size_t bit);
void reach_run(struct reach *r, size_t bit);
void reach_free(struct reach *r);

#endif
