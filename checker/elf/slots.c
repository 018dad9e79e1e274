#include "elf/slots.h"

#include <ctype.h>

/* PyModuleDef_Slot is {int, pointer}, PySlot {uint16 id, uint16 flags, uint32 0, 8 bytes}: read as
 * the latter, both look the same, since ids are small. */
enum {
    SLOT_SIZE = 16,
    SLOTS_MOST = 64,
    SLOTS_NAME_MOST = 256,
    SLOT_INTERPRETERS = 3,
    SLOT_GIL = 4,
    SLOT_INTERPRETERS_315 = 86,
    SLOT_GIL_315 = 87,
    SLOT_NESTED = 92,
    SLOT_NESTED_DEF = 94,
    SLOT_ABI = 109,
};

/* How far m_name and m_size stand before m_slots in a PyModuleDef, with the GIL and without. */
enum { SLOTS_NAME_BEFORE = 32, SLOTS_SIZE_BEFORE = 16 };

struct slots_table {
    struct slots_found found;
    bool has_abi, has_declaration;
};

static bool
slots_is_known(unsigned id)
{
    return (id >= 1 && id <= 4) || (id >= 84 && id <= 87) || id == SLOT_NESTED ||
           id == SLOT_NESTED_DEF || (id >= 100 && id <= 110);
}

static const char *
slots_word(uint64_t value, bool pointer, bool gil)
{
    static const char *const own[] = {"not-supported", "supported", "per-interpreter"};
    static const char *const lock[] = {"used", "not-used"};
    if (pointer || value >= (gil ? 2u : 3u)) {
        return "unresolved";
    }
    return gil ? lock[value] : own[value];
}

/* Reads the table at an address; false when there is none. */
static bool
slots_read_table(const struct image *image, uint64_t address, struct slots_table *out)
{
    *out = (struct slots_table){.found = {"absent", "absent"}};
    for (uint64_t i = 0; i < SLOTS_MOST; i++) {
        const unsigned char *at = image_bytes(image, address + i * SLOT_SIZE, SLOT_SIZE);
        if (!at) {
            return false;
        }
        uint16_t id;
        uint32_t reserved;
        uint64_t value;
        memcpy(&id, at, sizeof(id));
        memcpy(&reserved, at + 4, sizeof(reserved));
        memcpy(&value, at + 8, sizeof(value));
        if (reserved || image_pointer_at(image, address + i * SLOT_SIZE)) {
            return false;
        }
        if (id == 0) {
            return true;
        }
        if (!slots_is_known(id)) {
            return false;
        }
        bool pointer = image_pointer_at(image, address + i * SLOT_SIZE + 8) != NULL;
        bool interpreters = id == SLOT_INTERPRETERS || id == SLOT_INTERPRETERS_315;
        bool gil = id == SLOT_GIL || id == SLOT_GIL_315;
        if (interpreters) {
            out->found.own = slots_word(value, pointer, false);
        }
        else if (gil) {
            out->found.gil = slots_word(value, pointer, true);
        }
        else if (id == SLOT_NESTED || id == SLOT_NESTED_DEF) {
            out->found = (struct slots_found){"unresolved", "unresolved"};
        }
        out->has_declaration |= interpreters || gil;
        out->has_abi |= id == SLOT_ABI;
    }
    return false;
}

static bool
slots_is_name(const char *name)
{
    if (!name || !*name || isdigit((unsigned char)*name)) {
        return false;
    }
    for (; *name; name++) {
        if (!isalnum((unsigned char)*name) && *name != '_' && *name != '.' &&
            (unsigned char)*name < 0x80) {
            return false;
        }
    }
    return true;
}

static const char *
slots_last(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

/* The definition whose m_slots stands at this address: its name, or NULL. */
static const char *
slots_definition(const struct image *image, uint64_t address)
{
    uint64_t size;
    const struct image_pointer *name = image_pointer_at(image, address - SLOTS_NAME_BEFORE);
    if (!name || name->foreign || !image_read_u64(image, address - SLOTS_SIZE_BEFORE, &size)) {
        return NULL;
    }
    const char *text = image_string(image, name->target, SLOTS_NAME_MOST);
    bool sane = size == UINT64_MAX || size < UINT64_C(1) << 40;
    return sane && slots_is_name(text) ? text : NULL;
}

static bool
slots_same(struct slots_found a, struct slots_found b)
{
    return str_same(a.own, b.own) && str_same(a.gil, b.gil);
}

struct slots_search {
    struct slots_found found;
    int candidates;
};

static void
slots_take(struct slots_search *search, struct slots_found found)
{
    bool again = search->candidates && slots_same(search->found, found);
    search->candidates += !again;
    search->found = found;
}

/* Tables that no definition points to, as PyModExport_ returns them. */
static struct slots_search
slots_search_exported(const struct image *image)
{
    struct slots_search search = {{NULL, NULL}, 0};
    for (size_t i = 0; i < image->sections.n; i++) {
        const struct image_section *s = &image->sections.at[i];
        for (uint64_t at = (8 - s->address % 8) % 8; s->is_data && at + SLOT_SIZE <= s->size;
             at += 8) {
            struct slots_table table;
            /* Cheap test first: most words are no ids. */
            if (s->data[at + 1] || !s->data[at] || !slots_is_known(s->data[at])) {
                continue;
            }
            if (slots_read_table(image, s->address + at, &table) && table.has_abi) {
                slots_take(&search, table.found);
            }
        }
    }
    return search;
}

struct slots_found
slots_of_module(const struct image *image, const char *module, bool only)
{
    static const struct slots_found unresolved = {"unresolved", "unresolved"};
    if (!image->is_readable) {
        return unresolved;
    }
    struct slots_search named = {{NULL, NULL}, 0}, any = {{NULL, NULL}, 0};
    for (size_t i = 0; i < image->pointers.n; i++) {
        const struct image_pointer *p = &image->pointers.at[i];
        struct slots_table table;
        if (p->foreign || !slots_read_table(image, p->target, &table)) {
            continue;
        }
        const char *name = slots_definition(image, p->address);
        if (name && strcmp(slots_last(name), slots_last(module)) == 0) {
            slots_take(&named, table.found);
        }
        if (name && table.has_declaration) {
            slots_take(&any, table.found);
        }
    }
    if (named.candidates == 1) {
        return named.found;
    }
    if (named.candidates == 0 && only) {
        if (any.candidates == 1) {
            return any.found;
        }
        struct slots_search exported = slots_search_exported(image);
        if (any.candidates == 0 && exported.candidates == 1) {
            return exported.found;
        }
        if (image_imports(image, "PyModule_Create2") && !image_imports(image, "PyModuleDef_Init")) {
            return (struct slots_found){"absent", "absent"}; /* single-phase */
        }
    }
    return unresolved;
}
