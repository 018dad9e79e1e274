/* Does an object, or a module's state, keep a container to itself and leave it as it is?
 *
 * Ownership: what is found out about a field is kept in the struct owned_fields of the caller.
 * Threads: one owner. Errors: what is not known to be left alone counts as changing. */
#ifndef EXTCHECK_PASSES_OWNED_H
#define EXTCHECK_PASSES_OWNED_H

#include "passes/flow/flow.h"

enum owned_kind {
    OWNED_CHANGES, /* code that runs after construction changes it, hands it out, or may do so */
    OWNED_GIVEN,   /* nothing here changes it, but its maker may still have it */
    OWNED_MADE     /* made for this field, and never changed once the object is there */
};

/* What the reader would lose: a value that is replaced, or its place in a walk. */
enum owned_change { OWNED_DROPS = 1, OWNED_GROWS = 2 };

struct owned_fields {
    struct program *p;
    struct map by_name; /* member name -> struct owned_field */
    struct map users;   /* member name -> the functions that name it */
    bool indexed;
};

/* The container that `value` names at seq, followed through locals: a member of a struct. changes:
 * which kinds of change matter. held: the reader has a reference to the container itself, so that
 * the field may get another one meanwhile. */
enum owned_kind owned_container(struct owned_fields *fields, const struct body *b,
                                const char *value, long seq, unsigned changes, bool held);
void owned_free(struct owned_fields *fields);

/* ---- owned_early.c, for owned.c ---- */
/* Does a function that Python knows as `binding` set an object or module up, or tear it down? */
bool owned_sets_up(const char *binding);
/* Is what hangs on `root` (a local or parameter, may be NULL) not there for others yet at seq, or
 * no longer? */
bool owned_is_early(struct program *p, const struct body *b, const char *root, long seq);

#endif
