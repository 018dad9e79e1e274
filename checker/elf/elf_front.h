/* The front-end for built modules: ELF files become facts about their notes and slots.
 *
 * The only folder that includes libelf. Nothing is loaded or run; a file that is no ELF file, or a
 * broken one, is reported and costs nothing else.
 *
 * Ownership: facts go into the caller's store. Threads: one owner.
 * Errors: through `failed`, as the source front-end does. */
#ifndef EXTCHECK_ELF_FRONT_H
#define EXTCHECK_ELF_FRONT_H

#include "facts/facts.h"

struct elf_options {
    const char *const *binaries; /* NULL-terminated */
    const char *const *sources;  /* given with them, to be compared; NULL-terminated, may be NULL */
};

typedef void elf_failed(void *context, const char *file, const char *reason, bool partial);

/* Adds the facts of all files. Call it before the facts of any unit are there: a binary belongs to
 * none. Returns the number of files of which facts exist. */
int elf_extract(const struct elf_options *options, struct facts *out, elf_failed *failed,
                void *context);

/* What all sound notes of the file say that their modules may declare. False where there is none.
 */
bool elf_read_claims(const char *path, bool *own_gil, bool *gil_not_used);

#endif
