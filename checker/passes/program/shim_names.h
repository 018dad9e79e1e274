/* How the facts name what belongs to the shim (shim/include/extshim.h): its calls, its templates,
 * and code inside what its macros generate.
 *
 * Ownership: nothing is kept. Threads: one owner. Errors: none. */
#ifndef EXTCHECK_PASSES_SHIM_NAMES_H
#define EXTCHECK_PASSES_SHIM_NAMES_H

#include "passes/program/program.h"

/* Is it one of the shim's functions? They are described in rules/api/shim.tsv, wherever their
 * sources are. */
static inline bool
shim_is_name(const char *callee)
{
    return str_starts(callee, "ExtShim_");
}

/* Is it what EXTSHIM_STATE and its like declare, or the descriptor of a template? */
bool shim_is_handle(const struct fact_variable *v);

/* Does the context ("init:ID") name the initialiser of a handle or a template's descriptor? */
bool shim_in_handle(const struct program *p, const char *context);

/* Is the static type a template, that is, is it named by an EXTSHIM_STATIC_TYPE? */
bool shim_is_template(const struct program *p, const struct fact_variable *type);

#endif
