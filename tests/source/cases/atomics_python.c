/* Atomic operations by CPython's and GCC's own wrappers in a project's header style. */
#include <Python.h>
#define LOAD(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define INCREMENT(p) ((void)__atomic_add_fetch((p), 1, __ATOMIC_RELAXED))

static int ready;

int
check(void)
{
    INCREMENT(&ready); /* fact: access var~#ready how=atomic-rmw */
    return LOAD(&ready); /* fact: access var~#ready how=atomic-load */
}
