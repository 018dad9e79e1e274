/* What the passes about locks share: which lock a call takes or gives back, and what the same lock
 * is called in the rest of the program.
 *
 * A lock has a value, as this function names it (`field:param:0->lock`, locals followed back), and
 * a key, the same in every function: the value of a static lock, RECORD.MEMBER for a member.
 *
 * Ownership: strings live in the program. Threads: one owner. Errors: what cannot be told apart has
 * no key, and nothing that concerns two functions rests on it. */
#ifndef EXTCHECK_PASSES_LOCK_OPS_H
#define EXTCHECK_PASSES_LOCK_OPS_H

#include "passes/flow/flow.h"

enum lock_what { LOCK_NOTHING, LOCK_TAKE, LOCK_TRY, LOCK_GIVE };
enum lock_kind { LOCK_NATIVE, LOCK_PYMUTEX, LOCK_PYTHREAD };
enum { LOCK_MOST = 8 };

struct lock_op {
    const struct fact_call *call;
    enum lock_what what;
    enum lock_kind kind;
    const char *value, *key; /* key may be NULL */
    bool guard;              /* a C++ guard does it, which cannot forget the end */
    bool shared;             /* for reading: others may read too */
    bool recursive;          /* may be taken again by its owner */
    bool helper;             /* a function of the project does it */
    bool detached;           /* ... and waits without a thread state */
};

struct lock_ops {
    VEC(struct lock_op) all; /* in execution order */
};

/* Everything the function does to locks. Free with vec_free(&ops->all). */
void lock_ops_of(struct program *p, struct body *b, struct lock_ops *ops);
/* Does the function mention a lock at all? Cheap. */
bool lock_ops_any(struct program *p, const struct body *b);
/* As the sources name it: `self->lock`. lock_names.c */
const char *lock_text(struct program *p, const struct body *b, const char *value);
/* A value of the callee as the caller of `call` names it, or NULL. lock_names.c */
const char *lock_in_caller(struct program *p, const struct body *caller,
                           const struct fact_call *call, const struct body *callee,
                           const char *value);
/* Locals in front of a path replaced by what was last written to them. lock_names.c */
const char *lock_resolve(struct program *p, const struct body *b, const char *value, long seq);

/* Can the call run Python code, or let other threads run it? Its name in the table of rules/api,
 * or NULL. Counting references down is left out (REF08). lock_python.c */
const char *lock_python_name(const struct program *p, const struct body *b,
                             const struct fact_call *call);
/* Does the call wait for the interpreter: attach, or detach and attach? lock_python.c */
bool lock_attaches(const struct program *p, const struct fact_call *call);
bool lock_detaches(const struct program *p, const struct fact_call *call);
/* Such a call in the function or in what it reaches, or NULL. *in: where. lock_python.c */
const struct fact_call *lock_python_reached(struct program *p, struct body *b,
                                            const struct body **in);
/* How the function begins: attached, detached, or not known. lock_python.c */
enum lock_attach { LOCK_ATTACHED, LOCK_DETACHED, LOCK_UNKNOWN };
enum lock_attach lock_attach_of(struct program *p, const struct body *b);
/* Is the place between a call that detaches and one that attaches again, as the text stands? */
bool lock_in_region(const struct program *p, const struct body *b, long seq);

#endif
