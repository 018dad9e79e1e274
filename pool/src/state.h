/* State of one instance of the module, that is of one interpreter. Nothing is process-wide. */
#ifndef EXTPOOL_STATE_H
#define EXTPOOL_STATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "message.h"

#if PY_VERSION_HEX < 0x030d0000
#define Py_BEGIN_CRITICAL_SECTION(object) {
#define Py_END_CRITICAL_SECTION() }
#define PyObject_VisitManagedDict _PyObject_VisitManagedDict
#define PyObject_ClearManagedDict _PyObject_ClearManagedDict

static inline PyObject *
PyList_GetItemRef(PyObject *list, Py_ssize_t index)
{
    return Py_XNewRef(PyList_GetItem(list, index));
}

static inline int
PyLong_AsInt(PyObject *number)
{
    long value = PyLong_AsLong(number);
    if (value != (int)value) {
        PyErr_SetString(PyExc_OverflowError, "the number does not fit an int");
        return -1;
    }
    return (int)value;
}

static inline int
PyList_Extend(PyObject *list, PyObject *more)
{
    return PyList_SetSlice(list, PY_SSIZE_T_MAX, PY_SSIZE_T_MAX, more);
}

static inline int
PyDict_GetItemStringRef(PyObject *dict, const char *key, PyObject **result)
{
    *result = Py_XNewRef(PyDict_GetItemString(dict, key));
    return *result != NULL;
}

static inline int
PyDict_SetDefaultRef(PyObject *dict, PyObject *key, PyObject *value, PyObject **result)
{
    PyObject *found = PyDict_SetDefault(dict, key, value);
    if (result) {
        *result = Py_XNewRef(found);
    }
    return found ? 0 : -1;
}
#endif

struct core;
struct leftovers;
struct worker;
struct notifier;

/* Python functions of the facade that C calls; extpool._hooks installs them by these names. */
#define STATE_HOOKS(HOOK)                                                                          \
    HOOK(publish)         /* (future): tell those who wait for it from Python, run callbacks */    \
    HOOK(callback_failed) /* ((future, exception)) */                                              \
    HOOK(describe)        /* (function): (what to send, name, may it be remembered?) */            \
    HOOK(heavy)           /* (what to send): it is much for every call */                          \
    HOOK(build)           /* (what was sent): the function, in a worker */                         \
    HOOK(dump)            /* (object): what to send of an object the plain pickler refuses */      \
    HOOK(load)            /* (what was sent): its counterpart */                                   \
    HOOK(dump_error)      /* (exception): the whole traceback as text */                           \
    HOOK(load_error)      /* ((chain or text, body)): the exception */                             \
    HOOK(failed)          /* ((outcome, text)): the exception of a task without a result */        \
    HOOK(cancelled)       /* (None): a CancelledError */                                           \
    HOOK(condition)       /* (None): a threading.Condition */                                      \
    HOOK(checkpoint)      /* (None): nothing; a pending interruption is raised from it */          \
    HOOK(log_broken)      /* (text): a worker could not start */                                   \
    HOOK(tell)            /* (text): what a worker's policy has to say */                          \
    HOOK(receive_async)   /* ((channel, timeout)): a coroutine */

struct pool_state {
    PyTypeObject *pool_type;
    PyTypeObject *future_type; /* NULL until a pool is made here */
    Py_ssize_t future_offset;  /* from a future to our part of it, bytes */
    PyTypeObject *channel_type;
    PyTypeObject *shared_type;
    PyObject *dumps; /* of _pickle, fetched when first needed */
    PyObject *loads;
    PyObject *nothing;              /* () */
    PyObject *protocol;             /* 5 */
    PyObject *name_buffers;         /* ("buffers",) */
    PyObject *name_buffer_callback; /* ("buffer_callback",) */
    PyObject *pending;              /* the names of a future's states */
    PyObject *running;
    PyObject *finished;
    PyObject *cancelled_name;
#define HOOK(name) PyObject *hook_##name;
    STATE_HOOKS(HOOK)
#undef HOOK
    struct inbox *inbox;       /* blocks around objects of this interpreter come back here */
    struct worker *worker;     /* the worker that runs this interpreter, or NULL */
    atomic_int connected;      /* a worker's Python part is loaded */
    struct leftovers *threads; /* that tasks started without an object to join; or NULL */
    PyObject *module;          /* the instance itself, borrowed */
    struct core *cores;        /* pools made in this interpreter and still alive */
    atomic_int forking;        /* forks under way: no pool may start workers */
    struct notifier *notifier; /* NULL until a pool is made here */
    atomic_int exiting;        /* the interpreter is going: no new tasks */
    PyObject *lock;            /* guards the fields above in free-threaded builds */
};

extern struct PyModuleDef pool_module;

/* The state belonging to an object of one of our types; borrowed, cannot fail for those. */
static inline struct pool_state *
state_of(PyTypeObject *type)
{
    return PyModule_GetState(PyType_GetModuleByDef(type, &pool_module));
}

/* Calls a hook of the state with one argument. New reference, or NULL with an exception set: the
 * hook's, or RuntimeError when the facade was not imported. A worker imports it for its first. */
PyObject *state_call(struct pool_state *state, PyObject **hook, PyObject *argument);

/* Raises the exception object; with NULL one is being raised already. Steals nothing. */
void state_raise(PyObject *error);

/* The exception for a task without a result (enum task_outcome) or the end of a channel. New
 * reference, or NULL with another exception set. */
PyObject *state_failure(struct pool_state *state, int outcome, const char *text);

/* The deadline of a `timeout` argument in seconds: NULL and None wait forever, what is not above
 * zero not at all. 0, or -1 with TypeError. */
int state_deadline(PyObject *timeout, int64_t *deadline);

/* Gives up objects whose last reader elsewhere is done. Needs an attached thread state. */
void state_drain(struct pool_state *state);

#endif
