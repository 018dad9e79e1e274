/* Is a container visible to one thread only, because this call made it?
 *
 * Ownership: nothing is kept. Threads: one owner. Errors: what is not known is not private. */
#ifndef EXTCHECK_PASSES_PRIVATE_H
#define EXTCHECK_PASSES_PRIVATE_H

#include "passes/flow/flow.h"

enum { PRIVATE_DICT = 16 };

/* Is the value, as it stands at seq, a container that this function (or its callers) made and has
 * not handed out, or the keyword dict of the call? depth: 0, or PRIVATE_DICT for what is used as a
 * dict only. */
bool private_value(struct program *p, const struct body *b, const char *value, long seq, int depth);

/* Is the result what code that is called gives back, here or through a helper? */
bool private_is_called(struct program *p, const struct fact_call *call);

/* ---- shared by private*.c; depth as above, plus one for each step ---- */
enum { PRIVATE_MAX_DEPTH = 4 };
static inline bool
private_is_deep(int depth)
{
    return (depth & (PRIVATE_DICT - 1)) >= PRIVATE_MAX_DEPTH;
}
/* Is the value the result of a call that makes containers? */
bool private_is_maker(struct program *p, const char *value, int depth);
/* Only makers and NULL are ever stored in the local in front of seq, and at least one maker. */
bool private_local(struct program *p, const struct body *b, const char *local, long seq, int depth);
/* A parameter is private when every call hands over something private, or holds its lock. A helper
 * that is only called under locks, and under that of the argument too, may have parts that run only
 * then: `source == FROM_DICT`. private_params.c */
bool private_param(struct program *p, const struct body *b, long index, int depth);
/* `*dict`, where every caller hands over the address of a local with a private container. */
bool private_pointee(struct program *p, const struct body *b, const char *value, int depth);
/* A member of a struct that lives for one call, into which only new containers are ever stored.
 * private_fields.c */
bool private_field(struct program *p, const struct body *b, const char *value);

#endif
