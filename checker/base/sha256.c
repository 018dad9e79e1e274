#include "base/sha256.h"

#include <string.h>

static const uint32_t sha256_rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t
sha256_rotate(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static void
sha256_block(struct sha256 *s, const unsigned char *block)
{
    uint32_t w[64];
    for (int i = 0; i < 16; i++) {
        const unsigned char *at = block + i * 4;
        w[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    }
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        uint32_t low = sha256_rotate(a, 7) ^ sha256_rotate(a, 18) ^ a >> 3;
        uint32_t high = sha256_rotate(b, 17) ^ sha256_rotate(b, 19) ^ b >> 10;
        w[i] = w[i - 16] + low + w[i - 7] + high;
    }
    uint32_t v[8]; /* a to h */
    memcpy(v, s->state, sizeof(v));
    for (int i = 0; i < 64; i++) {
        uint32_t high = sha256_rotate(v[4], 6) ^ sha256_rotate(v[4], 11) ^ sha256_rotate(v[4], 25);
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t one = v[7] + high + choice + sha256_rounds[i] + w[i];
        uint32_t low = sha256_rotate(v[0], 2) ^ sha256_rotate(v[0], 13) ^ sha256_rotate(v[0], 22);
        uint32_t two = low + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof(*v));
        v[4] += one;
        v[0] = one + two;
    }
    for (int i = 0; i < 8; i++) {
        s->state[i] += v[i];
    }
}

void
sha256_start(struct sha256 *s)
{
    *s = (struct sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                   0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void
sha256_add(struct sha256 *s, const void *data, size_t n)
{
    const unsigned char *at = data;
    while (n > 0) {
        size_t used = s->total % sizeof(s->block);
        size_t taken = sizeof(s->block) - used < n ? sizeof(s->block) - used : n;
        memcpy(s->block + used, at, taken);
        s->total += taken;
        at += taken;
        n -= taken;
        if (used + taken == sizeof(s->block)) {
            sha256_block(s, s->block);
        }
    }
}

void
sha256_finish(struct sha256 *s, char hex[SHA256_HEX + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t bits = s->total * 8;
    unsigned char length[8];
    for (int i = 0; i < 8; i++) {
        length[i] = (unsigned char)(bits >> (56 - 8 * i));
    }
    sha256_add(s, "\x80", 1);
    while (s->total % sizeof(s->block) != 56) {
        sha256_add(s, "", 1);
    }
    sha256_add(s, length, sizeof(length));
    for (int i = 0; i < SHA256_HEX; i++) {
        uint32_t word = s->state[i / 8];
        hex[i] = digits[word >> (28 - 4 * (i % 8)) & 15];
    }
    hex[SHA256_HEX] = '\0';
}
