/* Where headers are: beside the file, in a folder of an -I, or somewhere in the project.
 *
 * Ownership: paths live in the plan's interner. Threads: as the plan. Errors: NULL for a header
 * that is not there. */
#ifndef EXTCHECK_SOURCE_INCLUDES_PATHS_H
#define EXTCHECK_SOURCE_INCLUDES_PATHS_H

#include "source/plan/plan.h"

const char *includes_dirname(struct plan *plan, const char *path);
const char *includes_join(struct plan *plan, const char *dir, const char *name);
/* Where an include leads: a path, or NULL for a system header or one that is not there. Adds -I
 * when only a search of the project finds it. */
const char *includes_find(struct plan *plan, struct plan_unit *unit,
                          const struct include_site *site, const char *includer_dir);
/* Frees what searches have remembered. */
void includes_free_paths(struct plan *plan);

#endif
