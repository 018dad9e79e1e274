#define _GNU_SOURCE
#include "pages.h"

#include <stdint.h>
#include <sys/mman.h>

#define LARGE ((uintptr_t)2 << 20) /* bytes of a large page on most machines */
#define LEAST 2                    /* pages */

void
pages_prefer_large(char *data, size_t size)
{
#if defined(MADV_HUGEPAGE)
    uintptr_t begin = ((uintptr_t)data + LARGE - 1) & ~(LARGE - 1);
    uintptr_t end = ((uintptr_t)data + size) & ~(LARGE - 1);
    if (end > begin && end - begin >= LEAST * LARGE) {
        madvise((void *)begin, end - begin, MADV_HUGEPAGE);
    }
#else
    (void)data;
    (void)size;
#endif
}
