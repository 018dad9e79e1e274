/* What the files about initialisers tell each other: inits.c sorts them, inits_fields.c takes a
 * list apart, inits_slots.c and inits_defs.c state what stands in the fields.
 *
 * Threads and ownership: those of the unit, see unit.h. Errors: none; unknown means NULL. */
#ifndef EXTCHECK_SOURCE_INITS_H
#define EXTCHECK_SOURCE_INITS_H

#include "source/walk/unit.h"

/* ---- inits_fields.c ---- */
typedef void inits_value_fn(struct unit *u, const char *field, CXCursor value, void *data);
/* Calls back with each field of a struct's initialiser list. */
void inits_each_field(struct unit *u, CXCursor list, inits_value_fn *call, void *data);
/* Splits a designated element into its field name (NULL for an index) and its value. */
CXCursor inits_designated(struct unit *u, CXCursor c, const char **name, bool *designated);
/* The struct inside sizeof(...): from the AST, so that a typedef's name becomes the struct's. */
const char *inits_sizeof_text(struct unit *u, CXCursor value);

/* ---- inits_slots.c ---- */
/* One element of a slot array; table: "module", "pyslot" or "type". */
void inits_slot(struct unit *u, CXCursor element, const char *array, const char *table, int index);

/* ---- inits_defs.c ---- */
/* One row of a table; table: "method", "getset" or "member". */
void inits_row(struct unit *u, CXCursor element, const char *array, const char *table, int index);
/* The definition of module, type spec or static type `id`; place: of its name. */
void inits_moduledef(struct unit *u, CXCursor list, const struct unit_place *place, const char *id);
void inits_typespec(struct unit *u, CXCursor list, const struct unit_place *place, const char *id);
void inits_type(struct unit *u, CXCursor list, const char *id);

#endif
