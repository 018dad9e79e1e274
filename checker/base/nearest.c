#include "base/nearest.h"

#include <ctype.h>
#include <string.h>

/* Longer words are never names of ours. */
enum { NEAREST_LONGEST = 48 };

void
nearest_start(struct nearest *n, const char *wanted)
{
    n->wanted = wanted;
    n->best = NULL;
    /* Further away than a third of the word is another word, not a typing mistake. */
    n->distance = strlen(wanted) / 3 + 2;
}

static size_t
nearest_least(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Number of characters to insert, remove or replace, letter case ignored. */
static size_t
nearest_distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t row[NEAREST_LONGEST + 1];
    for (size_t j = 0; j <= nb; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            int same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            size_t cost = nearest_least(row[j] + 1, row[j - 1] + 1, diagonal + (same ? 0 : 1));
            diagonal = row[j];
            row[j] = cost;
        }
    }
    return row[nb];
}

void
nearest_offer(struct nearest *n, const char *candidate)
{
    size_t na = strlen(n->wanted), nb = strlen(candidate);
    if (!na || na > NEAREST_LONGEST || nb > NEAREST_LONGEST) {
        return;
    }
    size_t distance = nearest_distance(n->wanted, na, candidate, nb);
    if (distance < n->distance && distance < na) {
        n->distance = distance;
        n->best = candidate;
    }
}
