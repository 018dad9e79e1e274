/* SHA-256 (FIPS 180-4), for hashes that leave this machine: notes and verdict files.
 *
 * Ownership: nothing is kept. Threads: any. Errors: none. */
#ifndef EXTCHECK_BASE_SHA256_H
#define EXTCHECK_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_HEX = 64 };

struct sha256 {
    uint32_t state[8];
    uint64_t total; /* bytes taken in */
    unsigned char block[64];
};

void sha256_start(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t n);
/* Lower-case digits and a NUL. */
void sha256_finish(struct sha256 *s, char hex[SHA256_HEX + 1]);

#endif
