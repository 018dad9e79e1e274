/* An ELF file in memory: its allocated sections, relocations and dynamic symbols, every access
 * checked. Private to elf/.
 *
 * Ownership: the image owns its buffer and lists until image_close(). Threads: one owner.
 * Errors: image_open() returns NULL or a sentence; look-ups return false or NULL. */
#ifndef EXTCHECK_ELF_IMAGE_H
#define EXTCHECK_ELF_IMAGE_H

#include <gelf.h>
#include <stdint.h>

#include "base/str.h"
#include "base/vec.h"

struct image_section {
    uint64_t address, size;
    const unsigned char *data; /* NULL for .bss */
    bool is_note, is_zero;     /* is_zero: .bss */
    bool is_data;              /* may hold tables: allocated and not executable */
};

/* What the loader stores at `address`. */
struct image_pointer {
    uint64_t address, target;
    bool foreign; /* into another library; target means nothing */
};

struct image {
    struct str file;
    Elf *elf;
    bool is_readable; /* 64 bits, little endian, a machine whose relocations are known */
    uint16_t machine;
    VEC(struct image_section) sections;
    VEC(struct image_pointer) pointers; /* by address */
    VEC(const char *) imports, exports; /* names of dynamic symbols, in the buffer */
};

const char *image_open(struct image *image, const char *path);
void image_close(struct image *image);

/* The n bytes at an address of the image, NULL where there are none. */
const unsigned char *image_bytes(const struct image *image, uint64_t address, size_t n);
bool image_read_u64(const struct image *image, uint64_t address, uint64_t *value);
/* The string at an address, NULL when it does not end within `most` bytes. */
const char *image_string(const struct image *image, uint64_t address, size_t most);
/* What is relocated at the address; NULL when nothing is. */
const struct image_pointer *image_pointer_at(const struct image *image, uint64_t address);
bool image_imports(const struct image *image, const char *name);

#endif
