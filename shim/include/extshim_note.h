/* extshim_note.h - the note that a build gate leaves in an extension module, and how it is read.
 *
 * The only thing that checker, gate and pool share. A binary holds one note per module in it, in an
 * allocated section of ELF notes:
 *
 *     section  .note.extcheck (SHT_NOTE, in a PT_NOTE segment)
 *     owner    "extcheck", type 0x50794558
 *     payload  one JSON object in ASCII, described in docs/gate.md
 *
 * Every payload begins with {"checksum":" and 64 hexadecimal digits: the SHA-256 of the payload
 * with these digits taken as '0'. It finds damage; a note is no signature and can be forged.
 *
 * Needs neither Python.h nor any other header; C99 and newer, C++11 and newer. */
#ifndef EXTSHIM_NOTE_H
#define EXTSHIM_NOTE_H

#define EXTSHIM_NOTE_SECTION ".note.extcheck"
#define EXTSHIM_NOTE_OWNER "extcheck"
#define EXTSHIM_NOTE_TYPE 0x50794558u
/* Rises when a reader of an older format would misunderstand a payload. */
#define EXTSHIM_NOTE_FORMAT 1
#define EXTSHIM_NOTE_START "{\"checksum\":\""
#define EXTSHIM_NOTE_CHECKSUM_AT 13
#define EXTSHIM_NOTE_CHECKSUM_SIZE 64

/* Where the note goes. retain: --gc-sections keeps it; used: so do the compiler and LTO. */
#if defined(__APPLE__)
/* Untested. */
#define EXTSHIM_NOTE_PLACE __attribute__((section("__TEXT,__extcheck"), used, aligned(4)))
#elif defined(_MSC_VER)
/* Untested. */
#pragma section(".extchk", read)
#define EXTSHIM_NOTE_PLACE __declspec(allocate(".extchk")) __declspec(align(4))
#elif defined(__has_attribute)
#if __has_attribute(retain)
#define EXTSHIM_NOTE_PLACE                                                                         \
    __attribute__((section(EXTSHIM_NOTE_SECTION), used, retain, aligned(4)))
#endif
#endif
#ifndef EXTSHIM_NOTE_PLACE
#define EXTSHIM_NOTE_PLACE __attribute__((section(EXTSHIM_NOTE_SECTION), used, aligned(4)))
#endif

/* Defines the note of one module: EXTSHIM_NOTE(spam, SIZE, 0x7b, 0x22, ...) with SIZE bytes.
 * Only generated files use it. Variadic macros take any number of bytes in C99 and C++11. */
#define EXTSHIM_NOTE(module, size, ...)                                                            \
    static const struct {                                                                          \
        unsigned int owner_size, payload_size, type;                                               \
        char owner[12];                                                                            \
        unsigned char payload[((size) + 3) / 4 * 4];                                               \
    } extcheck_note_##module EXTSHIM_NOTE_PLACE = {                                                \
        sizeof(EXTSHIM_NOTE_OWNER), (size), EXTSHIM_NOTE_TYPE, EXTSHIM_NOTE_OWNER, {__VA_ARGS__}}

#endif /* EXTSHIM_NOTE_H */
