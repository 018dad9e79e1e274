/* once.c - something that happens once, may fail and is then tried again. */
#include "internal.h"

enum { ONCE_OPEN = 0, ONCE_RUNNING = 1 };

int
ExtShim_OnceSlow(ExtShim_Once *once, int (*function)(void *), void *argument)
{
    unsigned long here = PyThread_get_thread_ident();
    for (;;) {
        int state = EXTSHIM_LOAD_INT(&once->state);
        if (state == EXTSHIM_ONCE_DONE) {
            return 0;
        }
        if (state == ONCE_RUNNING) {
            /* Only this thread itself can have stored its own number, so no other lock is needed.
             */
            if (EXTSHIM_LOAD_LONG(&once->owner) == here) {
                PyErr_SetString(PyExc_RuntimeError,
                                "extshim: a function that runs once has called for itself");
                return -1;
            }
            extshim_park_int(&once->state, ONCE_RUNNING);
            continue;
        }
        if (EXTSHIM_SWAP_INT(&once->state, ONCE_OPEN, ONCE_RUNNING)) {
            break;
        }
    }
    EXTSHIM_STORE_LONG(&once->owner, here);
    int result = function(argument);
    EXTSHIM_STORE_LONG(&once->owner, 0UL);
    extshim_park_store(&once->state, result < 0 ? (int)ONCE_OPEN : (int)EXTSHIM_ONCE_DONE);
    if (result < 0 && !PyErr_Occurred()) {
        PyErr_SetString(PyExc_SystemError,
                        "extshim: a function that runs once failed without an exception");
    }
    return result < 0 ? -1 : 0;
}
