/* The notes of a binary. Private to elf/.
 *
 * Ownership: payloads lie in the image. Threads: one owner. Errors: a note that does not end where
 * its section does ends the search. */
#ifndef EXTCHECK_ELF_NOTES_H
#define EXTCHECK_ELF_NOTES_H

#include "elf/image.h"

struct elf_note {
    const char *payload; /* not ended by a NUL */
    size_t n;
};

typedef VEC(struct elf_note) elf_notes;

/* Adds those that extcheck owns. Returns false where the notes of a section are broken. */
bool notes_find(const struct image *image, elf_notes *out);

#endif
