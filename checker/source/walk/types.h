/* What the files about types tell each other: types.c sorts any type, types_record.c structs and
 * classes, types_names.c what is known by name.
 *
 * Threads and ownership: those of the unit, see unit.h. Errors: none; unknown means NULL. */
#ifndef EXTCHECK_SOURCE_TYPES_H
#define EXTCHECK_SOURCE_TYPES_H

#include "source/walk/unit.h"

/* ---- types_names.c ---- */
/* The class of a struct, typedef or enum by its name; NULL when it is not known. */
const char *types_known_record(const char *name);
/* The class of a pointer to it, likewise. */
const char *types_known_pointee(const char *name);
/* Library classes with constructors and destructors, whatever the declarations at hand show. */
bool types_owns_memory(const char *name);
/* Classes of binding libraries that hold a reference to an object. */
bool types_is_handle(const char *name);
/* Spelling of a record or enum type without const, struct and the like. */
const char *types_plain_name(struct unit *u, CXType type);

/* ---- types_record.c ---- */
/* by_pointer: what others' structs hold does not matter behind a pointer, and following it would
 * lead through half of Python's headers. */
void types_fill_record(struct unit *u, CXType type, struct record_info *record, bool by_pointer);

#endif
