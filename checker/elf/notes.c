#include "elf/notes.h"

#include "../../shim/include/extshim_note.h"

enum { NOTE_HEADER = 12 };

static uint32_t
notes_word(const unsigned char *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

/* Section names are gone from some binaries, so owner and type decide. */
static bool
notes_in_section(const struct image_section *s, elf_notes *out)
{
    uint64_t at = 0;
    while (s->size - at >= NOTE_HEADER) {
        uint64_t owner_size = notes_word(s->data + at), size = notes_word(s->data + at + 4);
        uint32_t type = notes_word(s->data + at + 8);
        uint64_t owner = at + NOTE_HEADER, payload = owner + (owner_size + 3) / 4 * 4;
        uint64_t end = payload + (size + 3) / 4 * 4;
        /* The last one need not be padded. */
        if (payload > s->size || payload + size > s->size) {
            return false;
        }
        if (type == EXTSHIM_NOTE_TYPE && owner_size == sizeof(EXTSHIM_NOTE_OWNER) &&
            memcmp(s->data + owner, EXTSHIM_NOTE_OWNER, sizeof(EXTSHIM_NOTE_OWNER)) == 0) {
            struct elf_note note = {(const char *)s->data + payload, size};
            vec_push(out, note);
        }
        if (end >= s->size) {
            break;
        }
        at = end;
    }
    return true;
}

bool
notes_find(const struct image *image, elf_notes *out)
{
    bool good = true;
    for (size_t i = 0; i < image->sections.n; i++) {
        if (image->sections.at[i].is_note) {
            good = notes_in_section(&image->sections.at[i], out) && good;
        }
    }
    return good;
}
