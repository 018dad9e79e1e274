#include "elf/image.h"

#include <errno.h>
#include <stdlib.h>

#ifndef SHT_RELR
#define SHT_RELR 19
#endif

enum { IMAGE_MOST_POINTERS = 1 << 22 };

/* ---- relocations ----------------------------------------------------------------------------- */

static void
image_add_pointer(struct image *image, uint64_t address, uint64_t target, bool foreign)
{
    if (image->pointers.n < IMAGE_MOST_POINTERS) {
        struct image_pointer pointer = {address, target, foreign};
        vec_push(&image->pointers, pointer);
    }
}

static bool
image_is_relative(uint16_t machine, uint64_t type)
{
    return (machine == EM_X86_64 && type == R_X86_64_RELATIVE) ||
           (machine == EM_AARCH64 && type == R_AARCH64_RELATIVE);
}

static bool
image_is_absolute(uint16_t machine, uint64_t type)
{
    return (machine == EM_X86_64 && type == R_X86_64_64) ||
           (machine == EM_AARCH64 && type == R_AARCH64_ABS64);
}

static void
image_read_rela(struct image *image, Elf_Scn *section, const GElf_Shdr *header)
{
    Elf_Data *data = elf_getdata(section, NULL);
    Elf_Scn *symbols = elf_getscn(image->elf, header->sh_link);
    Elf_Data *table = symbols ? elf_getdata(symbols, NULL) : NULL;
    size_t n = data && header->sh_entsize ? data->d_size / header->sh_entsize : 0;
    for (size_t i = 0; i < n && i < IMAGE_MOST_POINTERS; i++) {
        GElf_Rela rela;
        if (!gelf_getrela(data, (int)i, &rela)) {
            return;
        }
        uint64_t type = GELF_R_TYPE(rela.r_info);
        if (image_is_relative(image->machine, type)) {
            image_add_pointer(image, rela.r_offset, (uint64_t)rela.r_addend, false);
        }
        else if (image_is_absolute(image->machine, type)) {
            GElf_Sym symbol = {0};
            bool known = table &&
                         gelf_getsym(table, (int)GELF_R_SYM(rela.r_info), &symbol) != NULL &&
                         symbol.st_shndx != SHN_UNDEF;
            image_add_pointer(image, rela.r_offset, symbol.st_value + (uint64_t)rela.r_addend,
                              !known);
        }
    }
}

/* Packed relative relocations: an address, then bit maps of the 63 words behind it. */
static void
image_read_relr(struct image *image, Elf_Scn *section)
{
    Elf_Data *data = elf_rawdata(section, NULL);
    uint64_t next = 0;
    for (size_t at = 0; data && data->d_buf && at + 8 <= data->d_size; at += 8) {
        uint64_t entry, target;
        memcpy(&entry, (const unsigned char *)data->d_buf + at, sizeof(entry));
        if (!(entry & 1)) {
            if (image_read_u64(image, entry, &target)) {
                image_add_pointer(image, entry, target, false);
            }
            next = entry + 8;
            continue;
        }
        for (uint64_t bit = 1; bit < 64; bit++) {
            uint64_t address = next + (bit - 1) * 8;
            if (entry >> bit & 1 && image_read_u64(image, address, &target)) {
                image_add_pointer(image, address, target, false);
            }
        }
        next += UINT64_C(63) * 8;
    }
}

static int
image_by_address(const void *a, const void *b)
{
    const struct image_pointer *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

/* ---- sections and symbols -------------------------------------------------------------------- */

static void
image_read_symbols(struct image *image, Elf_Scn *section, const GElf_Shdr *header)
{
    Elf_Data *data = elf_getdata(section, NULL);
    size_t n = data && header->sh_entsize ? data->d_size / header->sh_entsize : 0;
    for (size_t i = 1; i < n && i < IMAGE_MOST_POINTERS; i++) {
        GElf_Sym symbol;
        if (!gelf_getsym(data, (int)i, &symbol)) {
            return;
        }
        const char *name = elf_strptr(image->elf, header->sh_link, symbol.st_name);
        if (name && *name) {
            if (symbol.st_shndx == SHN_UNDEF) {
                vec_push(&image->imports, name);
            }
            else {
                vec_push(&image->exports, name);
            }
        }
    }
}

static void
image_add_section(struct image *image, Elf_Scn *section, const GElf_Shdr *header)
{
    bool note = header->sh_type == SHT_NOTE;
    if (!(header->sh_flags & SHF_ALLOC) && !note) {
        return;
    }
    Elf_Data *data = header->sh_type == SHT_NOBITS ? NULL : elf_rawdata(section, NULL);
    struct image_section one = {.address = header->sh_addr, .size = header->sh_size};
    one.data = data ? data->d_buf : NULL;
    one.size = one.data && data->d_size < one.size ? data->d_size : one.size;
    one.is_note = note && one.data;
    one.is_zero = header->sh_type == SHT_NOBITS && !(header->sh_flags & SHF_TLS);
    one.is_data =
        one.data && header->sh_type == SHT_PROGBITS && !(header->sh_flags & SHF_EXECINSTR);
    vec_push(&image->sections, one);
}

static void
image_each_section(struct image *image, bool relocations)
{
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(image->elf, section))) {
        GElf_Shdr header;
        if (!gelf_getshdr(section, &header)) {
            continue;
        }
        if (!relocations) {
            image_add_section(image, section, &header);
            if (header.sh_type == SHT_DYNSYM) {
                image_read_symbols(image, section, &header);
            }
        }
        else if (header.sh_type == SHT_RELA) {
            image_read_rela(image, section, &header);
        }
        else if (header.sh_type == SHT_RELR) {
            image_read_relr(image, section);
        }
    }
}

/* Without section headers the segments still tell where the notes are. */
static void
image_add_note_segments(struct image *image)
{
    size_t n = 0;
    if (image->sections.n || elf_getphdrnum(image->elf, &n) != 0) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr header;
        if (!gelf_getphdr(image->elf, (int)i, &header) || header.p_type != PT_NOTE ||
            header.p_offset > image->file.n || header.p_filesz > image->file.n - header.p_offset) {
            continue;
        }
        struct image_section one = {.address = header.p_vaddr,
                                    .size = header.p_filesz,
                                    .data = (const unsigned char *)image->file.s + header.p_offset,
                                    .is_note = true};
        vec_push(&image->sections, one);
    }
}

/* ---- opening --------------------------------------------------------------------------------- */

/* A loaded segment, or the table of segments, that ends behind the file's end: no loader takes such
 * a file. libelf counts those that are there. */
static bool
image_is_cut(const struct image *image, size_t named)
{
    size_t n = 0;
    if (elf_getphdrnum(image->elf, &n) != 0 || n < named) {
        return true;
    }
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr header;
        if (!gelf_getphdr(image->elf, (int)i, &header)) {
            return true;
        }
        if (header.p_type == PT_LOAD && (header.p_offset > image->file.n ||
                                         header.p_filesz > image->file.n - header.p_offset)) {
            return true;
        }
    }
    return false;
}

const char *
image_open(struct image *image, const char *path)
{
    *image = (struct image){0};
    if (!str_read_file(&image->file, path)) {
        return strerror(errno);
    }
    if (image->file.n < EI_NIDENT || memcmp(image->file.s, ELFMAG, SELFMAG) != 0) {
        return "is no ELF file";
    }
    if (elf_version(EV_CURRENT) == EV_NONE) {
        return "libelf is too old";
    }
    image->elf = elf_memory(image->file.s, image->file.n);
    GElf_Ehdr header;
    if (!image->elf || elf_kind(image->elf) != ELF_K_ELF || !gelf_getehdr(image->elf, &header)) {
        return "is a broken ELF file";
    }
    if (header.e_type != ET_DYN && header.e_type != ET_EXEC) {
        return "is an ELF file, but no shared object or program";
    }
    if (image_is_cut(image, header.e_phnum)) {
        return "is an ELF file that was cut off: it ends before its segments do";
    }
    image->machine = header.e_machine;
    image->is_readable = header.e_ident[EI_CLASS] == ELFCLASS64 &&
                         header.e_ident[EI_DATA] == ELFDATA2LSB &&
                         (header.e_machine == EM_X86_64 || header.e_machine == EM_AARCH64);
    image_each_section(image, false);
    image_add_note_segments(image);
    if (image->is_readable) {
        image_each_section(image, true);
    }
    if (image->pointers.n) {
        qsort(image->pointers.at, image->pointers.n, sizeof(*image->pointers.at), image_by_address);
    }
    return NULL;
}

void
image_close(struct image *image)
{
    elf_end(image->elf);
    vec_free(&image->sections);
    vec_free(&image->pointers);
    vec_free(&image->imports);
    vec_free(&image->exports);
    str_free(&image->file);
}

/* ---- looking up ------------------------------------------------------------------------------ */

const unsigned char *
image_bytes(const struct image *image, uint64_t address, size_t n)
{
    static const unsigned char zeros[64]; /* .bss */
    for (size_t i = 0; i < image->sections.n; i++) {
        const struct image_section *s = &image->sections.at[i];
        bool inside = address >= s->address && address - s->address <= s->size &&
                      n <= s->size - (address - s->address);
        if (inside && s->data) {
            return s->data + (address - s->address);
        }
        if (inside && s->is_zero && n <= sizeof(zeros)) {
            return zeros;
        }
    }
    return NULL;
}

bool
image_read_u64(const struct image *image, uint64_t address, uint64_t *value)
{
    const unsigned char *bytes = image_bytes(image, address, sizeof(*value));
    if (bytes) {
        memcpy(value, bytes, sizeof(*value));
    }
    return bytes;
}

const char *
image_string(const struct image *image, uint64_t address, size_t most)
{
    for (size_t n = 1; n <= most; n++) {
        const unsigned char *bytes = image_bytes(image, address, n);
        if (!bytes) {
            return NULL;
        }
        if (!bytes[n - 1]) {
            return (const char *)bytes;
        }
    }
    return NULL;
}

const struct image_pointer *
image_pointer_at(const struct image *image, uint64_t address)
{
    struct image_pointer key = {address, 0, false};
    return image->pointers.n
               ? bsearch(&key, image->pointers.at, image->pointers.n, sizeof(key), image_by_address)
               : NULL;
}

bool
image_imports(const struct image *image, const char *name)
{
    for (size_t i = 0; i < image->imports.n; i++) {
        if (strcmp(image->imports.at[i], name) == 0) {
            return true;
        }
    }
    return false;
}
