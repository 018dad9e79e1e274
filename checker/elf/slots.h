/* What the modules of a binary declare, read from their tables without running anything.
 *
 * Ownership: names live in the image. Threads: one owner. Errors: none; what cannot be read stays
 * "unresolved". Private to elf/. */
#ifndef EXTCHECK_ELF_SLOTS_H
#define EXTCHECK_ELF_SLOTS_H

#include "elf/image.h"

/* The words are those of the module fact: own absent, not-supported, supported, per-interpreter,
 * unresolved; gil absent, used, not-used, unresolved. */
struct slots_found {
    const char *own, *gil;
};

/* For the module (its name may be dotted); only: no other module is known to be in the file. */
struct slots_found slots_of_module(const struct image *image, const char *module, bool only);

#endif
