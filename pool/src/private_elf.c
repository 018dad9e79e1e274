#if defined(__linux__)
#define _GNU_SOURCE
#include "private_elf.h"

#include <stdint.h>
#include <string.h>

#if __ELF_NATIVE_CLASS == 64
#define ELF_BIND(info) ELF64_ST_BIND(info)
#define ELF_TYPE(info) ELF64_ST_TYPE(info)
#define ELF_INFO(bind, type) ((unsigned char)ELF64_ST_INFO(bind, type))
#define ELF_CLASS ELFCLASS64
#else
#define ELF_BIND(info) ELF32_ST_BIND(info)
#define ELF_TYPE(info) ELF32_ST_TYPE(info)
#define ELF_INFO(bind, type) ((unsigned char)ELF32_ST_INFO(bind, type))
#define ELF_CLASS ELFCLASS32
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ELF_DATA ELFDATA2LSB
#else
#define ELF_DATA ELFDATA2MSB
#endif

/* `count` records of `size` bytes at `offset`, or NULL when they are not all in the file. */
static void *
elf_at(const struct private_elf *elf, size_t offset, size_t size, size_t count)
{
    if (offset > elf->size || count > (elf->size - offset) / size ||
        offset % _Alignof(ElfW(Addr))) {
        return NULL;
    }
    return elf->data + offset;
}

/* The place in the file of what will be at an address, and how much of the segment follows it. */
static int
elf_offset(const struct private_elf *elf, ElfW(Addr) address, size_t *offset, size_t *left)
{
    for (size_t i = 0; i < elf->segment_count; i++) {
        const ElfW(Phdr) *segment = &elf->segments[i];
        if (segment->p_type != PT_LOAD || address < segment->p_vaddr ||
            address - segment->p_vaddr >= segment->p_filesz) {
            continue;
        }
        size_t inside = (size_t)(address - segment->p_vaddr);
        if (segment->p_offset > elf->size || segment->p_filesz > elf->size - segment->p_offset) {
            return -1;
        }
        *offset = (size_t)segment->p_offset + inside;
        *left = (size_t)segment->p_filesz - inside;
        return 0;
    }
    return -1;
}

static const ElfW(Dyn) * elf_find(const struct private_elf *elf, ElfW(Sxword) tag)
{
    for (size_t i = 0; i < elf->dynamic_count; i++) {
        if (elf->dynamic[i].d_tag == tag) {
            return &elf->dynamic[i];
        }
    }
    return NULL;
}

/* The number of symbols by the GNU hash table: the last of the longest chain. */
static size_t
elf_count_gnu(const struct private_elf *elf, ElfW(Addr) address)
{
    size_t offset;
    size_t left;
    if (elf_offset(elf, address, &offset, &left) < 0 || left < 16 || offset % sizeof(uint32_t)) {
        return 0;
    }
    const uint32_t *head = (const uint32_t *)(const void *)(elf->data + offset);
    size_t words = left / sizeof(uint32_t);
    size_t buckets = head[0];
    size_t first = head[1];
    size_t bloom = (size_t)head[2] * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
    if (bloom > words || buckets > words || 4 + bloom + buckets > words) {
        return 0;
    }
    const uint32_t *bucket = head + 4 + bloom;
    const uint32_t *chain = bucket + buckets;
    size_t chains = words - 4 - bloom - buckets;
    size_t last = 0;
    for (size_t i = 0; i < buckets; i++) {
        last = bucket[i] > last ? bucket[i] : last;
    }
    if (last < first) {
        return first;
    }
    for (size_t i = last - first; i < chains; i++) {
        if (chain[i] & 1) {
            return first + i + 1;
        }
    }
    return 0;
}

static size_t
elf_count_symbols(const struct private_elf *elf)
{
    const ElfW(Dyn) *hash = elf_find(elf, DT_HASH);
    if (hash) {
        size_t offset;
        size_t left;
        if (elf_offset(elf, hash->d_un.d_ptr, &offset, &left) == 0 && left >= 8 &&
            offset % sizeof(uint32_t) == 0) {
            return ((const uint32_t *)(const void *)(elf->data + offset))[1];
        }
    }
    hash = elf_find(elf, DT_GNU_HASH);
    return hash ? elf_count_gnu(elf, hash->d_un.d_ptr) : 0;
}

static const char *
elf_read_segments(struct private_elf *elf)
{
    const ElfW(Ehdr) *header = elf_at(elf, 0, sizeof(*header), 1);
    if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) {
        return "it is not an ELF file";
    }
    if (header->e_ident[EI_CLASS] != ELF_CLASS || header->e_ident[EI_DATA] != ELF_DATA ||
        header->e_type != ET_DYN || header->e_phentsize != sizeof(ElfW(Phdr))) {
        return "it is not a shared object for this machine";
    }
    elf->segments = elf_at(elf, (size_t)header->e_phoff, sizeof(ElfW(Phdr)), header->e_phnum);
    elf->segment_count = elf->segments ? header->e_phnum : 0;
    for (size_t i = 0; i < elf->segment_count; i++) {
        const ElfW(Phdr) *segment = &elf->segments[i];
        if (segment->p_type == PT_DYNAMIC) {
            elf->dynamic = elf_at(elf, (size_t)segment->p_offset, sizeof(ElfW(Dyn)),
                                  (size_t)segment->p_filesz / sizeof(ElfW(Dyn)));
            elf->dynamic_count = (size_t)segment->p_filesz / sizeof(ElfW(Dyn));
        }
    }
    return elf->dynamic ? NULL : "its dynamic section is missing or damaged";
}

const char *
private_elf_open(struct private_elf *elf, unsigned char *data, size_t size)
{
    *elf = (struct private_elf){.data = data, .size = size};
    const char *problem = elf_read_segments(elf);
    if (problem) {
        return problem;
    }
    for (size_t i = 0; i < elf->dynamic_count; i++) {
        if (elf->dynamic[i].d_tag == DT_NULL) {
            elf->dynamic_count = i;
        }
    }
    const ElfW(Dyn) *table = elf_find(elf, DT_STRTAB);
    const ElfW(Dyn) *length = elf_find(elf, DT_STRSZ);
    size_t offset;
    size_t left;
    if (!table || !length || length->d_un.d_val == 0 ||
        elf_offset(elf, table->d_un.d_ptr, &offset, &left) < 0 || length->d_un.d_val > left ||
        data[offset + length->d_un.d_val - 1] != '\0') {
        return "its table of names is missing or damaged";
    }
    elf->strings = (char *)data + offset;
    elf->strings_size = (size_t)length->d_un.d_val;
    table = elf_find(elf, DT_SYMTAB);
    if (table && elf_offset(elf, table->d_un.d_ptr, &offset, &left) == 0 &&
        offset % _Alignof(ElfW(Sym)) == 0) {
        size_t count = elf_count_symbols(elf);
        elf->symbols = (ElfW(Sym) *)(void *)(data + offset);
        elf->symbol_count = count <= left / sizeof(ElfW(Sym)) ? count : 0;
    }
    return NULL;
}

const char *
private_elf_string(const struct private_elf *elf, size_t position, ElfW(Sxword) tag)
{
    if (position >= elf->dynamic_count || elf->dynamic[position].d_tag != tag ||
        elf->dynamic[position].d_un.d_val >= elf->strings_size) {
        return NULL;
    }
    return elf->strings + elf->dynamic[position].d_un.d_val;
}

/* A linker may keep a name as the end of a longer one, or a symbol as the end of the name. */
static int
elf_is_shared_with_symbol(const struct private_elf *elf, size_t start, size_t length)
{
    size_t end = start + length;
    while (start > 0 && elf->strings[start - 1] != '\0') {
        start--;
    }
    for (size_t i = 0; i < elf->symbol_count; i++) {
        size_t name = elf->symbols[i].st_name;
        if (name != 0 && name >= start && name < end) {
            return 1;
        }
    }
    return 0;
}

const char *
private_elf_rename(struct private_elf *elf, const char *name, const char *other,
                   private_elf_touched *touched, void *context)
{
    size_t length = strlen(name);
    if (length == 0 || strlen(other) != length) {
        return "the names differ in length";
    }
    for (size_t i = 0; i < elf->dynamic_count; i++) {
        const char *string = private_elf_string(elf, i, DT_NEEDED);
        string = string ? string : private_elf_string(elf, i, DT_SONAME);
        if (!string || strcmp(string, name) != 0) {
            continue;
        }
        size_t start = (size_t)(string - elf->strings);
        if (elf_is_shared_with_symbol(elf, start, length)) {
            return "the linker keeps that name together with a symbol's";
        }
        memcpy(elf->strings + start, other, length);
        touched(context, (size_t)((unsigned char *)elf->strings - elf->data) + start, length);
    }
    return NULL;
}

size_t
private_elf_split_unique(struct private_elf *elf, private_elf_touched *touched, void *context)
{
    size_t count = 0;
    for (size_t i = 0; i < elf->symbol_count; i++) {
        ElfW(Sym) *symbol = &elf->symbols[i];
        if (ELF_BIND(symbol->st_info) == STB_GNU_UNIQUE) {
            symbol->st_info = ELF_INFO(STB_GLOBAL, ELF_TYPE(symbol->st_info));
            touched(context, (size_t)((unsigned char *)symbol - elf->data), sizeof(*symbol));
            count++;
        }
    }
    return count;
}

int
private_elf_imports(const struct private_elf *elf, const char *name)
{
    for (size_t i = 0; i < elf->symbol_count; i++) {
        const ElfW(Sym) *symbol = &elf->symbols[i];
        if (symbol->st_shndx == SHN_UNDEF && symbol->st_name < elf->strings_size &&
            strcmp(elf->strings + symbol->st_name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

int
private_elf_has_text_relocations(const struct private_elf *elf)
{
    const ElfW(Dyn) *flags = elf_find(elf, DT_FLAGS);
    return elf_find(elf, DT_TEXTREL) || (flags && flags->d_un.d_val & DF_TEXTREL);
}
#endif
