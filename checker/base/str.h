/* Growable text: `struct str s = {0}; str_addf(&s, "%d", 3); use(s.s); str_free(&s)`.
 *
 * Ownership: the buffer belongs to the struct. s.s is NUL-terminated once anything was added.
 * Threads: one owner. Errors: out of memory ends the program. */
#ifndef EXTCHECK_BASE_STR_H
#define EXTCHECK_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
    char *s;
    size_t n, cap;
};

void str_add(struct str *out, const char *s);
void str_addn(struct str *out, const char *s, size_t n);
void str_addc(struct str *out, char c);
__attribute__((format(printf, 2, 3))) void str_addf(struct str *out, const char *format, ...);
/* Room for so many more bytes and the NUL, for those who write behind s + n themselves. */
void str_reserve(struct str *out, size_t more);
void str_clear(struct str *out);
void str_free(struct str *out);

/* Whole file into out. Returns false with errno set when it cannot be read; refuses what is not a
 * regular file (EINVAL), so that a FIFO never blocks. */
bool str_read_file(struct str *out, const char *path);

/* Null-tolerant comparison: two NULLs, or NULL and "", are equal. */
static inline bool
str_same(const char *a, const char *b)
{
    if (a == b) {
        return true; /* interned strings mostly end here */
    }
    if (!a || !b) {
        return !*(a ? a : b);
    }
    return *a == *b && strcmp(a, b) == 0;
}
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* Is word one of the items of a list separated by commas? */
bool str_list_has(const char *list, const char *word);
/* The items of such a list, the empty ones left out:
 * `STR_WORDS_EACH(list, word) { use(word.at, word.n); }`. A list that is NULL has none. */
struct str_word {
    const char *at; /* NULL behind the last one */
    size_t n;
};
struct str_word str_first_word(const char *list);
struct str_word str_next_word(struct str_word word);
bool str_list_has_word(const char *list, struct str_word word);
#define STR_WORDS_EACH(list, word)                                                                 \
    for (struct str_word word = str_first_word(list); (word).at; (word) = str_next_word(word))
/* Length of the C identifier, or number, at s. */
size_t str_name_length(const char *s);
/* Shell pattern match (fnmatch without flags: '*' also matches '/'). */
bool str_glob(const char *pattern, const char *s);

#endif
