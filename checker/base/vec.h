/* Growable arrays: `VEC(int) numbers = {0}; vec_push(&numbers, 3); numbers.at[0]`.
 *
 * Ownership: the array owns its cells, not what they point to; vec_free() releases the cells.
 * Threads: one owner. Errors: out of memory ends the program. */
#ifndef EXTCHECK_BASE_VEC_H
#define EXTCHECK_BASE_VEC_H

#include <stdlib.h>

#include "base/diag.h"

#define VEC(T)                                                                                     \
    struct {                                                                                       \
        T *at;                                                                                     \
        size_t n, cap;                                                                             \
    }

#define vec_push(v, value)                                                                         \
    do {                                                                                           \
        if ((v)->n == (v)->cap) {                                                                  \
            (v)->cap = (v)->cap ? (v)->cap * 2 : 16;                                               \
            (v)->at = xrealloc((v)->at, (v)->cap * sizeof(*(v)->at));                              \
        }                                                                                          \
        (v)->at[(v)->n++] = (value);                                                               \
    } while (0)

#define vec_free(v)                                                                                \
    do {                                                                                           \
        free((v)->at);                                                                             \
        (v)->at = NULL;                                                                            \
        (v)->n = (v)->cap = 0;                                                                     \
    } while (0)

#endif
