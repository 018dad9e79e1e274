/* The joined program: indexes over the facts of all units, entry sets, modules.
 *
 * passes_run() is all the pipeline calls. It normalises callee names, links units to modules,
 * computes the entry sets (init, run, teardown, foreign) and then lets every pass add derived
 * fields and derived facts. The order of passes never matters: what two passes share is computed
 * here.
 *
 * Ownership: everything lives in the program's arena or in the fact store.
 * Threads: one owner. Errors: none; a reference to an unknown id is simply not followed. */
#ifndef EXTCHECK_PASSES_PROGRAM_H
#define EXTCHECK_PASSES_PROGRAM_H

#include "facts/facts.h"
#include "rules/rule.h"

enum entry_set { ENTRY_INIT = 1, ENTRY_RUN = 2, ENTRY_TEARDOWN = 4, ENTRY_FOREIGN = 8 };

/* One function with its body, events in execution order. */
struct body {
    struct fact_function *fact;
    unsigned entry; /* sets of entry_set that reach it */
    bool test_code; /* only test modules reach it */
    bool address_taken, called;
    const char
        *binding; /* what Python knows it as: "method", "getter", "tp_dealloc", "m_free" ... */
    const char *record;            /* struct its first parameter is cast to, when one is known */
    size_t index;                  /* in the program's bodies */
    VEC(struct fact *) events;     /* call, access, jump facts, sorted by seq */
    VEC(struct fact_call *) calls; /* those events that are calls */
    VEC(struct fact_access *) accesses; /* those that are accesses */
    VEC(struct fact_access *) writes;   /* those that set a whole local */
    bool unordered;                     /* the accesses are not sorted after all */
    VEC(struct fact_block *) blocks;    /* by id */
    VEC(struct fact_arg *) args;        /* sorted by seq, index */
    VEC(struct body *) callees, callers;
    unsigned mark;
};

struct type_info {    /* one type that the code defines: a static PyTypeObject or a PyType_Spec */
    const char *id;   /* of the variable */
    const char *name; /* as Python sees it, or the variable's name */
    struct fact_variable *variable;
    struct fact_typespec *spec; /* NULL for a static type */
    const char *slots_array;    /* id of the PyType_Slot array */
    long flags;
    bool flags_known;
    VEC(struct fact_slot *) slots;       /* of the spec */
    VEC(struct fact_typefield *) fields; /* of the static type */
};

struct program {
    struct facts *facts;
    const struct ruleset *rules;
    struct arena arena;
    VEC(struct body *) bodies;
    struct map body_by_id;     /* id -> struct body */
    struct map variable_by_id; /* id -> struct fact_variable */
    struct map accesses_of;    /* variable id -> struct access_list */
    struct map slots_of;       /* array id -> struct fact_list of slot facts */
    struct map rows_of;        /* array id -> struct fact_list of row facts */
    struct map calls_named;    /* callee -> struct fact_list of call facts */
    struct map args_naming;   /* variable id -> struct fact_list: args that are it or point to it */
    struct map fields_naming; /* variable id -> struct fact_list: typefields, the same */
    struct map inits_of;      /* variable id -> struct fact_list: accesses in its initialiser */
    struct type_index *type_index; /* see type_index_of() */
    struct shared_roots *roots;    /* see roots_of() */
    VEC(struct type_info *) types;
    VEC(struct fact_module *) modules;
    bool *loose_units; /* by unit: what nothing here calls may be called all the same */
    int next_mark;
    struct map lock_states; /* function id -> struct lock_state; see locks.h */
};

struct access_list {
    VEC(struct fact_access *) all;
};
struct fact_list {
    VEC(struct fact *) all;
};

/* Links, computes the shared results and runs every pass. */
void passes_run(struct program *p, struct facts *facts, const struct ruleset *rules);
void program_free(struct program *p);

struct body *program_body(const struct program *p, const char *id);
struct fact_variable *program_variable(const struct program *p, const char *id);
/* The function a slot/row value names ("func:ID"), or NULL. */
struct body *program_value_body(const struct program *p, const char *value);
/* The slot called name of a type ("Py_tp_traverse"; also finds tp_traverse of static types): its
 * value descriptor, or NULL. */
const char *type_slot(const struct type_info *type, const char *name);
/* The value descriptor of argument number index of a call, or NULL. */
const char *call_arg(const struct body *b, const struct fact_call *call, int index);
const char *call_arg_text(const struct body *b, const struct fact_call *call, int index);
/* "init,run": the words of a set. */
const char *entry_words(struct program *p, unsigned entry);
/* The word behind the colon when value starts with prefix and a colon: value_of("func:f", "func")
 * is "f"; NULL otherwise. */
const char *value_of(const char *value, const char *prefix);
/* The same, asked again and again: neighbouring facts mostly stand in one function. */
struct body_cursor {
    const char *id;
    struct body *body;
};
static inline struct body *
program_body_again(const struct program *p, struct body_cursor *last, const char *id)
{
    if (id != last->id) {
        last->id = id;
        last->body = id && *id ? program_body(p, id) : NULL;
    }
    return last->body;
}
/* What the program knows under a key: one of the maps to fact_list; NULL when nothing. */
static inline const struct fact_list *
program_list(const struct map *m, const char *key)
{
    return key ? map_get(m, key) : NULL;
}
/* The locks held at an event, as names in a comma list; NULL when none. See passes/flow/locks.c. */
const char *locks_at(struct program *p, const struct body *b, long seq);

/* A new flaw fact placed at `where`, in function b (may be NULL). */
struct fact_flaw *program_flaw(struct program *p, const struct fact *where, const struct body *b,
                               const char *what, const char *subject);

#endif
