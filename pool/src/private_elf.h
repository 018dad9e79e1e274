/* The names in a shared object's dynamic section, read and replaced in place. No Python here, and
 * no trust in the file: every offset is checked. */
#ifndef EXTPOOL_PRIVATE_ELF_H
#define EXTPOOL_PRIVATE_ELF_H

#include <elf.h>
#include <link.h>
#include <stddef.h>

struct private_elf {
    unsigned char *data; /* the whole file, writable */
    size_t size;         /* bytes */
    const ElfW(Phdr) * segments;
    size_t segment_count;
    const ElfW(Dyn) * dynamic;
    size_t dynamic_count;
    char *strings;
    size_t strings_size; /* bytes; the last one is 0 */
    ElfW(Sym) * symbols;
    size_t symbol_count; /* 0 when the file has no table that tells */
};

/* Fills `elf` from a file in memory. Returns NULL, or why it is not a shared object of this kind of
 * machine that can be read. */
const char *private_elf_open(struct private_elf *elf, unsigned char *data, size_t size);

/* The string of the entry `position` if its tag is `tag`, else NULL. */
const char *private_elf_string(const struct private_elf *elf, size_t position, ElfW(Sxword) tag);

/* Replaces DT_SONAME and DT_NEEDED strings that equal `name` by `other`, which has the same length.
 * Calls touched(context, offset, length) for the bytes of the file that changed. Returns NULL, or
 * why it cannot be done. */
typedef void private_elf_touched(void *context, size_t offset, size_t length);
const char *private_elf_rename(struct private_elf *elf, const char *name, const char *other,
                               private_elf_touched *touched, void *context);

/* Makes STB_GNU_UNIQUE symbols, of which a process has one each whatever is loaded how often, plain
 * global ones. Returns their number. */
size_t private_elf_split_unique(struct private_elf *elf, private_elf_touched *touched,
                                void *context);

/* Whether the symbol is used here and defined elsewhere. */
int private_elf_imports(const struct private_elf *elf, const char *name);

/* Whether code is relocated in place, so that two copies of it differ. */
int private_elf_has_text_relocations(const struct private_elf *elf);

#endif
