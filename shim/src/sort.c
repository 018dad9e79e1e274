/* sort.c - qsort() that hands something to its comparator, under one name for all systems. */
#include "internal.h"

#include <stdlib.h>

#if defined(_WIN32) || defined(__APPLE__)
/* Untested. Both want the context first. */
struct sort_call {
    int (*compare)(const void *left, const void *right, void *context);
    void *context;
};

static int
sort_compare(void *place, const void *left, const void *right)
{
    const struct sort_call *call = (const struct sort_call *)place;
    return call->compare(left, right, call->context);
}
#endif

void
ExtShim_Sort(void *base, size_t count, size_t size,
             int (*compare)(const void *left, const void *right, void *context), void *context)
{
#if defined(_WIN32)
    struct sort_call call = {compare, context};
    qsort_s(base, count, size, sort_compare, &call);
#elif defined(__APPLE__)
    struct sort_call call = {compare, context};
    qsort_r(base, count, size, &call, sort_compare);
#else
    qsort_r(base, count, size, compare, context); /* glibc, musl 1.2.3, FreeBSD 14 */
#endif
}
