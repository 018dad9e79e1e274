/* Functions that are the same in both flavours, and such that only look so. */
#include <Python.h>

#ifdef Py_GIL_DISABLED
#define LOCKED(op) Py_BEGIN_CRITICAL_SECTION(op)
#define UNLOCKED() Py_END_CRITICAL_SECTION()
#define STEP 2
typedef _Atomic(int) counter_t;
static int helper(int x) { return x + 1; }
#else
#define LOCKED(op) {
#define UNLOCKED() }
#define STEP 1
typedef int counter_t;
static PyObject *last;
static int helper(int x) { last = NULL; return x; }
#endif
#define ADVANCE(x) ((x) += STEP)

static counter_t total; /* its type differs, its uses look alike */
static int plain;

struct pair {
    counter_t first;
    int second;
};
static struct pair pairs[4];

static int
same_in_both(int x)
{
    static int calls;
    calls++;
    plain = x;
    return plain + calls;
}

static void
by_type(void)
{
    total++; /* fact: access how=rmw var~total; access how=atomic-rmw var~total */
}

static void
by_member(int i)
{
    pairs[i].first = 1;
    pairs[i].second = 2;
}

static int
by_macro(int x)
{
    ADVANCE(x);
    return x;
}

static int
by_helper(int x)
{
    return helper(x);
}

static PyObject *
by_region(PyObject *self)
{
    LOCKED(self);
    plain = 3;
    UNLOCKED();
    Py_RETURN_NONE;
}

static int
by_condition(int x)
{
#ifdef Py_GIL_DISABLED
    plain = 4;
#else
    plain = 5;
#endif
#define LATER 7
    return x;
}

int
use_all(PyObject *self)
{
    by_type();
    by_member(LATER);
    return same_in_both(by_macro(1)) + by_helper(2) + by_condition(3) + (by_region(self) == NULL);
}
