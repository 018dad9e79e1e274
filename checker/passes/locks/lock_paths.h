/* What the paths through the functions do while they hold a lock. Used by lock_walk.c,
 * lock_outlives.c and lock_held.c.
 *
 * Ownership: the vectors of struct lock_paths are released by pass_lock_paths().
 * Threads: one owner. Errors: none. */
#ifndef EXTCHECK_PASSES_LOCK_PATHS_H
#define EXTCHECK_PASSES_LOCK_PATHS_H

#include "passes/locks/lock_ops.h"

/* A state is one of these, and how the thread stands to the interpreter in the bits above. */
enum { PATH_FREE, PATH_HELD, PATH_GIVEN, PATH_TRIED, PATH_LOCK_BITS = 3 };
enum { PATH_ATTACHED, PATH_DETACHED, PATH_OVER, PATH_OVER_ATTACHED, PATH_UNSURE };

/* One place where a lock is waited for, and the first thing of each sort done while it is held. */
struct lock_hold {
    struct body *b;
    struct lock_op op;
    unsigned attach;                  /* PATH_ATTACHED ... when it was taken */
    const struct fact_call *runs;     /* runs Python code, or lets other threads run it */
    const struct fact_call *attaches; /* waits for the interpreter */
    const struct body *in;            /* where `runs` or `attaches` stands */
    const struct fact_call *through;  /* the call of this function that leads there */
};

/* A lock that is waited for while another one is held. */
struct lock_pair {
    struct body *b;
    const struct fact_call *call;
    const char *first, *second; /* keys */
    const char *first_value, *second_value;
};

struct lock_paths {
    struct program *p;
    struct lock_ops *ops; /* by index of the body */
    VEC(struct lock_hold) holds;
    VEC(struct lock_pair) pairs;
};

/* Walks one function once for each lock in it. lock_walk.c */
void lock_walk_body(struct lock_paths *paths, struct body *b);
/* Does another function give back what it has not taken? Then the lock is a signal between threads.
 * lock_outlives.c */
bool lock_is_signal(const struct lock_paths *paths, const struct body *b, const struct lock_op *op);
/* Is the lock meant to outlive the function: by its name, for its callers, or as a signal between
 * threads? lock_outlives.c */
bool lock_outlives(const struct lock_paths *paths, const struct body *b, const struct lock_op *op);
/* Is the block in the branch of an attempt that failed: `if (!enter(self)) return NULL;`? */
bool lock_is_refused(struct lock_paths *paths, const struct body *b, const struct lock_op *op,
                     long id);
/* Where the callee of `call` waits for the lock that its caller names `value`, or NULL. */
const struct lock_op *lock_taken_in(struct lock_paths *paths, const struct body *caller,
                                    const struct fact_call *call, const char *value,
                                    const struct body **in, int depth);

#endif
