/* Which parameters are objects that other threads can hold too: those of methods, getters, setters
 * and slots, and of helpers that are handed one of them while no lock is held. Fields are also
 * followed to objects that came out of arguments and containers (given.h).
 *
 * Ownership: the shared_roots live in the program, made when they are first asked for.
 * Threads: one owner. Errors: what is not known to be shared counts as private. */
#ifndef EXTCHECK_PASSES_SHARED_ROOTS_H
#define EXTCHECK_PASSES_SHARED_ROOTS_H

#include "passes/flow/flow.h"

struct shared_roots {
    const struct program *p;
    struct map masks;   /* function id -> struct root_mask */
    struct map objects; /* structs that start with PyObject -> their name */
    struct map owners;  /* member name -> the one such struct that has it; "" when several do */
};

/* Where a member access ends up. */
struct root_field {
    const char *base;   /* "param:0"; for an object that was given: where it came from */
    const char *record; /* struct that holds the field */
    const char *field;  /* "buf" of "->buf[]" */
    const char *inner; /* what an assignment to a struct in the object names: "ctx.prec"; or NULL */
    bool direct;       /* the field lies in the object itself */
    bool initial;      /* only tp_init and relatives hand the object over */
};

const struct shared_roots *roots_of(struct program *p);
void roots_free(struct program *p);

/* Is the value, followed through locals, a parameter that other threads can hold? Returns it
 * ("param:0"), or NULL. *initial (may be NULL): only while __init__ runs. */
const char *roots_shared(const struct shared_roots *roots, const struct body *b, const char *value,
                         long seq, bool *initial);
/* Resolves `var` with `path` ("->buf[]") to the field of a shared object. record: the struct of the
 * last member where it is known. False when the object is private or not an object. */
bool roots_field(struct program *p, const struct shared_roots *roots, const struct body *b,
                 const char *var, const char *path, const char *record, long seq,
                 struct root_field *out);
/* The same for a value descriptor ("field:local:self->buf"), also through a local. */
bool roots_value_field(struct program *p, const struct shared_roots *roots, const struct body *b,
                       const char *value, long seq, struct root_field *out);
/* The struct of the object `base` ("param:0"), by the name of a member it has; NULL when unknown.
 */
const char *roots_record_of(struct program *p, const struct shared_roots *roots,
                            const struct body *b, const char *base, const char *member);
/* The member that the field is, or NULL. */
const struct fact_member *roots_field_member(const struct program *p,
                                             const struct root_field *where);
/* Is the place between `mutex.lock()` and `mutex.unlock()` of a C++ mutex? */
bool roots_in_mutex(const struct body *b, long seq, long block);
/* Is no lock held, in a section of any object or otherwise? */
bool roots_unlocked(struct program *p, const struct body *b, long seq, long block);
/* Does a generator own the code of the fact? */
bool roots_generated(const struct program *p, const struct fact *f);

/* ---- what shared_fields.c needs of shared_roots.c ---- */
enum { ROOTS_MAX_HOPS = 6 };
struct root_mask;
/* The object the value is, where it came out of arguments or a container; or NULL. mask: of b. */
const char *roots_given(struct program *p, const struct root_mask *mask, const struct body *b,
                        const char *value, long seq);
/* roots_shared() for a pointer to a struct that lies in a shared object. */
const char *roots_shared_part(const struct shared_roots *roots, const struct body *b,
                              const char *value, long seq, bool *initial);

#endif
