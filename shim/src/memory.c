/* memory.c - where all memory of the shim itself comes from.
 *
 * Not PyMem: blocks outlive their interpreter, whose allocator may be gone with it.
 */
#include "internal.h"

#include <stdlib.h>

#ifdef EXTSHIM_TEST_ALLOCATIONS
/* Tests: this many more succeed, then they fail; below 0 all succeed. */
int extshim_allocations_left = -1;
#endif

void *
extshim_allocate(size_t count, size_t size)
{
#ifdef EXTSHIM_TEST_ALLOCATIONS
    if (extshim_allocations_left == 0) {
        return NULL;
    }
    if (extshim_allocations_left > 0) {
        extshim_allocations_left--;
    }
#endif
    return calloc(count, size);
}

void
extshim_free(void *memory)
{
    free(memory);
}
