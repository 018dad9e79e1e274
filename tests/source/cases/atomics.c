/* Atomic operations, which libclang gives no name. */
#include <Python.h>
#include <stdatomic.h>

static _Atomic long hits;
static atomic_int flags;
static long plain;
static volatile unsigned long ticks;
static unsigned int drawn;
static int *pointer;

long
touch(int *other)
{
    long seen = atomic_load(&hits); /* fact: access var~#hits how=atomic-load */
    atomic_store(&hits, seen); /* fact: access var~#hits how=atomic-store */
    atomic_fetch_add(&hits, 1); /* fact: access var~#hits how=atomic-rmw */
    atomic_fetch_or_explicit(&flags, 1, memory_order_relaxed); /* fact: access var~#flags how=atomic-rmw */
    atomic_compare_exchange_strong(&hits, &seen, 7); /* fact: access var~#hits how=atomic-cas */
    atomic_exchange(&hits, 3); /* fact: access var~#hits how~atomic-(rmw|store) */
    ticks++; /* fact: access var~#ticks how=rmw op=++ */
    drawn = drawn * 69069u + 1; /* fact: access var~#drawn how=write op==* */
    atomic_exchange(&flags, 1); /* fact: access var~#flags how=atomic-rmw value=const:1 */
    hits++; /* fact: access var~#hits how=atomic-rmw */
    seen += __atomic_load_n(&plain, __ATOMIC_ACQUIRE); /* fact: access var~#plain how=atomic-load */
    __atomic_store_n(&plain, seen, __ATOMIC_RELEASE); /* fact: access var~#plain how=atomic-store */
    __atomic_fetch_add(&plain, 1, __ATOMIC_RELAXED); /* fact: access var~#plain how=atomic-rmw */
    __atomic_add_fetch(&plain, 1, __ATOMIC_RELAXED); /* fact: access var~#plain how=atomic-rmw */
    __atomic_compare_exchange_n(&plain, &seen, 3, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); /* fact: access var~#plain how=atomic-cas */
    __atomic_store(&pointer, &other, __ATOMIC_RELEASE); /* fact: access var~#pointer how=atomic-store */
    __sync_fetch_and_add(&plain, 1); /* fact: access var~#plain how=atomic-rmw */
    plain = 0; /* fact: access var~#plain how=write value=const:0 */
    return seen + plain; /* no fact: access var~#(hits|plain) how=addr */
}
