/* table_alone.c - the table of interpreters by itself: made-up addresses, so many that it grows
 * several times, entered by three threads at once and found again by all. Nothing of Python runs.
 */
#include "internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCKS = 2400, THREADS = 3 };

static struct extshim_block blocks[BLOCKS];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

EXTSHIM_HERE_TYPE_ *
EXTSHIM_HERE_CALL_(void)
{
    return NULL;
}

void
extshim_lock(void)
{
    (void)pthread_mutex_lock(&mutex);
}

void
extshim_unlock(void)
{
    (void)pthread_mutex_unlock(&mutex);
}

void *
extshim_allocate(size_t count, size_t size)
{
    return calloc(count, size);
}

void
extshim_free(void *memory)
{
    free(memory);
}

static PyInterpreterState *
address(size_t number)
{
    return (PyInterpreterState *)(uintptr_t)(0x10000 + number * 0x38000);
}

static void
expect(int holds, const char *what, size_t number)
{
    if (!holds) {
        printf("%s: %zu\n", what, number);
        exit(1);
    }
}

static void
enter(struct extshim_block *block)
{
    for (;;) {
        struct extshim_block *old = NULL;
        expect(extshim_table_reserve(block->interp) == 0, "no room", 0);
        extshim_lock();
        int failed = extshim_table_put(block, &old);
        extshim_unlock();
        if (!failed) {
            expect(old == NULL, "an old block", (size_t)(block - blocks));
            return;
        }
    }
}

static void *
run(void *from)
{
    for (size_t i = (size_t)(uintptr_t)from; i < BLOCKS; i += THREADS) {
        expect(extshim_table_find(address(i)) == NULL, "there too early", i);
        blocks[i].interp = address(i);
        enter(&blocks[i]);
        for (size_t k = i % 97; k <= i; k += THREADS * 97) {
            expect(k % THREADS != i % THREADS || extshim_table_find(address(k)) == &blocks[k],
                   "lost", k);
        }
    }
    return NULL;
}

int
main(void)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        expect(pthread_create(&threads[i], NULL, run, (void *)(uintptr_t)i) == 0, "no thread", i);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    size_t first = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        expect(extshim_table_find(address(i)) == &blocks[i], "lost in the end", i);
        for (size_t k = 0; k < EXTSHIM_ENTRIES; k++) {
            first += extshim_entries[k].interp == address(i);
        }
    }
    /* Another interpreter at an address that is used again takes the place of the first. */
    struct extshim_block again = {.interp = address(7)}, *old = NULL;
    expect(extshim_table_put(&again, &old) == 0 && old == &blocks[7], "not replaced", 7);
    expect(extshim_table_find(address(7)) == &again, "not found again", 7);
    expect(extshim_table_find(address(BLOCKS)) == NULL, "one too many", BLOCKS);
    expect(first > 0 && first <= EXTSHIM_ENTRIES, "all in the first segment", first);
    printf("%zu of %d in the first segment\n", first, BLOCKS);
    return 0;
}
