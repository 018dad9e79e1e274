/* Facts text: the reader, its round trip, every pass and rule, and every report. Bytes changed at
 * random only give lines that the reader refuses, so mutations move lines and values instead. */
#include <stdlib.h>
#include <string.h>

#include "analysis.h"
#include "fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

struct span {
    size_t start, n;
};

static unsigned
fuzz_random(unsigned *state, size_t below)
{
    *state = *state * 1664525u + 1013904223u;
    return below ? (*state >> 8) % (unsigned)below : 0;
}

/* The line around an offset, with its newline. */
static struct span
fuzz_line(const uint8_t *data, size_t size, size_t at)
{
    size_t start = at, end = at;
    while (start > 0 && data[start - 1] != '\n') {
        start--;
    }
    while (end < size && data[end] != '\n') {
        end++;
    }
    return (struct span){start, (end < size ? end + 1 : end) - start};
}

/* The value of the field around an offset: what stands between '=' and the next tab. */
static struct span
fuzz_value(const uint8_t *data, size_t size, size_t at)
{
    size_t end = at;
    while (at > 0 && data[at] != '=' && data[at - 1] != '\n') {
        at--;
    }
    at += data[at] == '=';
    end = end < at ? at : end;
    while (end < size && data[end] != '\t' && data[end] != '\n') {
        end++;
    }
    return (struct span){at, end - at};
}

/* Replaces `old` by a copy of the bytes; returns the new size, or the old one when it is too much.
 */
static size_t
fuzz_splice(uint8_t *data, size_t size, size_t max_size, struct span old, const uint8_t *bytes,
            size_t n)
{
    uint8_t copy[4096];
    if (n > sizeof(copy) || size - old.n + n > max_size) {
        return size;
    }
    memcpy(copy, bytes, n);
    memmove(data + old.start + n, data + old.start + old.n, size - old.start - old.n);
    memcpy(data + old.start, copy, n);
    return size - old.n + n;
}

/* A value of the same field elsewhere, so that names meet what they were not made for. */
static struct span
fuzz_value_like(const uint8_t *data, size_t size, struct span value, size_t from)
{
    size_t name = value.start;
    while (name > 0 && data[name - 1] != '\t' && data[name - 1] != '\n') {
        name--;
    }
    size_t n = value.start - name;
    for (size_t at = from; n > 1 && at + n < size; at++) {
        if (at != name && memcmp(data + at, data + name, n) == 0) {
            return fuzz_value(data, size, at + n);
        }
    }
    return value;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static const char *const odd[] = {"0",      "-1",     "2147483647", "-9223372036854775808",
                                      "",       "1",      "2",          "local:x",
                                      "result", "param:0"};
    if (!size) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    size_t at = fuzz_random(&seed, size), other = fuzz_random(&seed, size);
    struct span line = fuzz_line(data, size, at), second = fuzz_line(data, size, other);
    struct span value = fuzz_value(data, size, at), like;
    switch (fuzz_random(&seed, 8)) {
    case 0:
        return fuzz_splice(data, size, max_size, line, data, 0);
    case 1: /* a line again, somewhere else */
        return fuzz_splice(data, size, max_size, (struct span){second.start, 0}, data + line.start,
                           line.n);
    case 2:
        return fuzz_splice(data, size, max_size, line, data + second.start, second.n);
    case 3:
    case 4:
        like = fuzz_value_like(data, size, value, other);
        return fuzz_splice(data, size, max_size, value, data + like.start, like.n);
    case 5:
    case 6: {
        const char *text = odd[fuzz_random(&seed, sizeof(odd) / sizeof(odd[0]))];
        return fuzz_splice(data, size, max_size, value, (const uint8_t *)text, strlen(text));
    }
    default:
        return LLVMFuzzerMutate(data, size, max_size);
    }
}

/* What was read is written, read again and written again, in both forms: the same text. */
static void
fuzz_round_trip(const uint8_t *data, size_t size)
{
    struct facts first = {0}, second = {0};
    struct str once = {0}, again = {0}, brief = {0};
    const char *error;
    if (facts_read_text(&first, (const char *)data, size, &error)) {
        facts_write_text(&first, &once);
        facts_write_short(&first, &brief);
        if (!facts_read_text(&second, brief.s ? brief.s : "", brief.n, &error)) {
            abort();
        }
        facts_write_text(&second, &again);
        if (once.n != again.n || (once.n && memcmp(once.s, again.s, once.n) != 0)) {
            abort();
        }
    }
    str_free(&once);
    str_free(&again);
    str_free(&brief);
    facts_free(&first);
    facts_free(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct analysis analysis = {0};
    fuzz_round_trip(data, size);
    if (analysis_read_facts(&analysis, fuzz_file("facts.txt", data, size))) {
        fuzz_judge(&analysis, size);
    }
    analysis_free(&analysis);
    return 0;
}
