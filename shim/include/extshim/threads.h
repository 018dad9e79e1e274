/* extshim/threads.h - locks, critical sections, once flags, and entering an interpreter from a
 * thread that Python does not know.
 *
 *     static ExtShim_Mutex log_lock = EXTSHIM_MUTEX_INIT;
 *     ExtShim_Mutex_Lock(&log_lock);
 *     fputs(text, log_file);
 *     ExtShim_Mutex_Unlock(&log_lock);
 *
 *     static ExtShim_Once tables = EXTSHIM_ONCE_INIT;
 *     if (ExtShim_Once_Call(&tables, fill_tables, NULL) < 0) ...
 *
 * A mutex and an ExtShim_Once serve the whole process: all threads of all interpreters. What has to
 * happen once in each interpreter is an EXTSHIM_INTERP_ONCE. None of them waits with the GIL held.
 *
 * Under Py_LIMITED_API there is all of it but the critical sections of 3.13 and ExtShim_Interp_*.
 * See docs/shim.md. PEP 703, PEP 788.
 */
#ifndef EXTSHIM_THREADS_H
#define EXTSHIM_THREADS_H

#include "state.h"

EXTSHIM_BEGIN_C

/* ---- mutex ---- */

#if PY_VERSION_HEX >= 0x030D0000 && !EXTSHIM_LIMITED
#define EXTSHIM_HAS_PYMUTEX 1
typedef PyMutex ExtShim_Mutex;
#else
#define EXTSHIM_HAS_PYMUTEX 0
/* One byte, zeroed is unlocked, as PyMutex. No field is the user's. */
typedef struct {
    unsigned char bits; /* atomic; see mutex.c */
} ExtShim_Mutex;
#endif

/* An unlocked ExtShim_Mutex, for a static one or a field; zeroed memory is one as well.
 *
 * Returns: an initialiser.
 * Refs: none.
 * Threads: none.
 * Since: 0.1. */
#define EXTSHIM_MUTEX_INIT                                                                         \
    {                                                                                              \
        0                                                                                          \
    }

/* Locks. Who has to wait lets go of the GIL (detaches the thread state) meanwhile, so the holder
 * may call Python. Not recursive. PyMutex from 3.13 on.
 *
 * Returns: nothing; it cannot fail.
 * Refs: none.
 * Threads: any thread, with or without a thread state; under Py_LIMITED_API an attached one is
 * needed. Other threads may run Python code while it waits.
 * Since: 0.1.
 * See: PyMutex_Lock. */
#if EXTSHIM_HAS_PYMUTEX
static inline void
ExtShim_Mutex_Lock(ExtShim_Mutex *mutex)
{
    PyMutex_Lock(mutex);
}
#else
EXTSHIM_HIDDEN void ExtShim_Mutex_Lock(ExtShim_Mutex *mutex);
#endif

/* Unlocks; a thread that waits goes on. Unlocking what is not locked ends the process.
 *
 * Returns: nothing.
 * Refs: none.
 * Threads: any thread, also another one than has locked it; needs no thread state, runs no Python
 * code.
 * Since: 0.1.
 * See: PyMutex_Unlock. */
#if EXTSHIM_HAS_PYMUTEX
static inline void
ExtShim_Mutex_Unlock(ExtShim_Mutex *mutex)
{
    PyMutex_Unlock(mutex);
}
#else
EXTSHIM_HIDDEN void ExtShim_Mutex_Unlock(ExtShim_Mutex *mutex);
#endif

/* ---- critical sections ----
 *
 * On free-threaded builds they lock the object (or the mutex) and let go of it whenever the thread
 * detaches. Builds with a GIL lock nothing: there the interpreter's GIL does the same. That is
 * CPython's own rule, and it means that what *several interpreters* share needs an ExtShim_Mutex.
 */
#if defined(Py_BEGIN_CRITICAL_SECTION) && (!EXTSHIM_LIMITED || (Py_LIMITED_API + 0) >= 0x030F0000)
#define EXTSHIM_HAS_SECTIONS 1
#else
#define EXTSHIM_HAS_SECTIONS 0 /* Py_LIMITED_API of an older version: always a build with a GIL */
#endif

/* Opens a block in which `object` is the thread's own, as Py_BEGIN_CRITICAL_SECTION of 3.13.
 *
 * Returns: nothing; opens a scope that EXTSHIM_END_CRITICAL_SECTION() closes. No return, goto or
 * break out of it.
 * Refs: borrows `object`, which has to live until the end of the block.
 * Threads: needs an attached thread state; on free-threaded builds other threads may run Python
 * code while it waits.
 * Since: 0.1.
 * See: Py_BEGIN_CRITICAL_SECTION. */
#if EXTSHIM_HAS_SECTIONS
#define EXTSHIM_BEGIN_CRITICAL_SECTION(object)                                                     \
    Py_BEGIN_CRITICAL_SECTION((PyObject *)(object));                                               \
    (void)(object)
#else
#define EXTSHIM_BEGIN_CRITICAL_SECTION(object)                                                     \
    {                                                                                              \
        (void)(object)
#endif

/* Closes the block of EXTSHIM_BEGIN_CRITICAL_SECTION() or ..._SECTION_MUTEX().
 *
 * Returns: nothing.
 * Refs: none.
 * Threads: as the beginning.
 * Since: 0.1.
 * See: Py_END_CRITICAL_SECTION. */
#if EXTSHIM_HAS_SECTIONS
#define EXTSHIM_END_CRITICAL_SECTION() Py_END_CRITICAL_SECTION()
#else
#define EXTSHIM_END_CRITICAL_SECTION() }
#endif

/* The same for two objects at once, in an order that cannot deadlock; they may be the same one.
 *
 * Returns: nothing; opens a scope that EXTSHIM_END_CRITICAL_SECTION2() closes.
 * Refs: borrows both.
 * Threads: as EXTSHIM_BEGIN_CRITICAL_SECTION().
 * Since: 0.1.
 * See: Py_BEGIN_CRITICAL_SECTION2. */
#if EXTSHIM_HAS_SECTIONS
#define EXTSHIM_BEGIN_CRITICAL_SECTION2(first, second)                                             \
    Py_BEGIN_CRITICAL_SECTION2((PyObject *)(first), (PyObject *)(second));                         \
    (void)(first);                                                                                 \
    (void)(second)
#else
#define EXTSHIM_BEGIN_CRITICAL_SECTION2(first, second)                                             \
    {                                                                                              \
        (void)(first);                                                                             \
        (void)(second)
#endif

/* Closes the block of EXTSHIM_BEGIN_CRITICAL_SECTION2().
 *
 * Returns: nothing.
 * Refs: none.
 * Threads: as the beginning.
 * Since: 0.1.
 * See: Py_END_CRITICAL_SECTION2. */
#if EXTSHIM_HAS_SECTIONS
#define EXTSHIM_END_CRITICAL_SECTION2() Py_END_CRITICAL_SECTION2()
#else
#define EXTSHIM_END_CRITICAL_SECTION2() }
#endif

/* The same for an ExtShim_Mutex that belongs to one interpreter's data. CPython has it from 3.14
 * on; 3.13's free-threaded build gets it from the object form, which locks nothing but the mutex
 * that an object begins with.
 *
 * Returns: nothing; opens a scope that EXTSHIM_END_CRITICAL_SECTION() closes.
 * Refs: none; `mutex` is an ExtShim_Mutex *.
 * Threads: as EXTSHIM_BEGIN_CRITICAL_SECTION().
 * Since: 0.1.
 * See: Py_BEGIN_CRITICAL_SECTION_MUTEX. */
#if defined(Py_BEGIN_CRITICAL_SECTION_MUTEX) && !EXTSHIM_LIMITED
#define EXTSHIM_BEGIN_CRITICAL_SECTION_MUTEX(mutex)                                                \
    Py_BEGIN_CRITICAL_SECTION_MUTEX(mutex);                                                        \
    (void)(mutex)
#elif defined(Py_GIL_DISABLED) && EXTSHIM_LIMITED
#define EXTSHIM_BEGIN_CRITICAL_SECTION_MUTEX(mutex)                                                \
    EXTSHIM_ERROR_("critical sections with a mutex need the full API: the limited has no PyMutex")
#elif defined(Py_GIL_DISABLED)
#define EXTSHIM_BEGIN_CRITICAL_SECTION_MUTEX(mutex)                                                \
    Py_BEGIN_CRITICAL_SECTION((PyObject *)(void *)((char *)(mutex)-offsetof(PyObject, ob_mutex))); \
    (void)(mutex)
#else
#define EXTSHIM_BEGIN_CRITICAL_SECTION_MUTEX(mutex) EXTSHIM_BEGIN_CRITICAL_SECTION(mutex)
#endif

/* ---- once ---- */

/* Progress of something that happens once; zeroed is "not yet". No field is the user's. */
typedef struct {
    int state;           /* atomic; see once.c */
    unsigned long owner; /* thread that runs the function now */
} ExtShim_Once;

/* An ExtShim_Once that has not run, for a static one or a field; zeroed memory is one as well.
 *
 * Returns: an initialiser.
 * Refs: none.
 * Threads: none.
 * Since: 0.1. */
#define EXTSHIM_ONCE_INIT                                                                          \
    {                                                                                              \
        0, 0                                                                                       \
    }

enum { EXTSHIM_ONCE_DONE = 2 };

/* The slow half of ExtShim_Once_Call(): runs the function, or waits for the thread that runs it.
 *
 * Returns: 0; -1 with the function's exception, or RuntimeError where the function called itself.
 * Refs: none.
 * Threads: needs an attached thread state, which it detaches while it waits.
 * Since: 0.1. */
EXTSHIM_HIDDEN int ExtShim_OnceSlow(ExtShim_Once *once, int (*function)(void *), void *argument);

/* Runs `function` once in the life of the process, or of the memory that `once` lies in. A call
 * that fails (-1 with an exception) leaves it open: the next caller tries again. Whatever the
 * function wrote is seen by everybody who gets 0. It is for C data; objects belong to one
 * interpreter, see EXTSHIM_INTERP_ONCE.
 *
 * Returns: 0: it has run; -1 with the function's exception, or RuntimeError where the function
 * calls for itself.
 * Refs: none.
 * Threads: needs an attached thread state; may run Python code, and waits without the GIL.
 * Since: 0.1.
 * See: PEP 703. */
static inline int
ExtShim_Once_Call(ExtShim_Once *once, int (*function)(void *), void *argument)
{
    if (EXTSHIM_LIKELY(EXTSHIM_LOAD_INT(&once->state) == EXTSHIM_ONCE_DONE)) {
        return 0;
    }
    return ExtShim_OnceSlow(once, function, argument);
}

/* Declares `name`: a flag of which each interpreter has one. File scope.
 *
 * Returns: a declaration.
 * Refs: none.
 * Threads: none.
 * Since: 0.1. */
#define EXTSHIM_INTERP_ONCE(name)                                                                  \
    static ExtShim_Handle name =                                                                   \
        EXTSHIM_HANDLE_INIT(EXTSHIM_KIND_MEMORY, sizeof(ExtShim_Once), #name, NULL, NULL);

/* Runs `function` once in the attached interpreter: ExtShim_InterpOnce(&flag, fill, NULL) for an
 * EXTSHIM_INTERP_ONCE(flag).
 *
 * Returns: 0: it has run here; -1 with an exception, then the next call tries again.
 * Refs: none.
 * Threads: needs an attached thread state; may run Python code, and waits without the GIL.
 * Since: 0.1.
 * See: PEP 684. */
static inline int
ExtShim_InterpOnce(ExtShim_Handle *flag, int (*function)(void *), void *argument)
{
    ExtShim_Once *once = (ExtShim_Once *)ExtShim_Get(flag);
    return once == NULL ? -1 : ExtShim_Once_Call(once, function, argument);
}

/* ---- entering an interpreter from a foreign thread ---- */

#if !EXTSHIM_LIMITED

/* Remembers an interpreter; opaque. */
typedef struct ExtShim_Interp ExtShim_Interp;

/* One visit, on the C stack of the thread that enters. No field is the user's. */
typedef struct ExtShim_Visit {
    void *door;   /* what keeps the interpreter from ending meanwhile */
    void *state;  /* thread state of the visit, or NULL: was attached already */
    void *before; /* thread state that was attached before, or NULL */
    unsigned long thread;
    struct ExtShim_Visit *next; /* all visits of the interpreter */
} ExtShim_Visit;

/* Remembers the attached interpreter, for a callback that arrives in another thread. In place of
 * PyGILState_Ensure(), which takes such threads to the main interpreter.
 *
 * Returns: what ExtShim_Interp_Enter() needs, to be given back with ExtShim_Interp_Free(); NULL
 * with an exception.
 * Refs: none; it does not keep the interpreter alive.
 * Threads: needs an attached thread state; may run Python code (imports atexit, before 3.15).
 * Since: 0.1.
 * See: PEP 788 (PyInterpreterView on 3.15). */
EXTSHIM_HIDDEN ExtShim_Interp *ExtShim_Interp_Save(void);

/* Gives back what ExtShim_Interp_Save() returned; NULL is ignored. No visit may be under way with
 * it.
 *
 * Returns: nothing.
 * Refs: none.
 * Threads: any thread; needs no thread state, runs no Python code; also after the interpreter's
 * end.
 * Since: 0.1. */
EXTSHIM_HIDDEN void ExtShim_Interp_Free(ExtShim_Interp *interp);

/* Attaches the calling thread to the remembered interpreter. A thread that is attached to it
 * already stays as it is; one that is attached to another interpreter leaves that for the visit.
 * Until ExtShim_Interp_Leave() the interpreter does not end: it waits, without its GIL.
 *
 * Returns: 0: attached; -1, without an exception (there may be no interpreter to have it): the
 * interpreter has ended or is ending, or memory ran out. The callback has to do without Python.
 * Refs: none.
 * Threads: any thread, with or without a thread state.
 * Since: 0.1.
 * See: PEP 788 (PyThreadState_Ensure on 3.15), PyThreadState_New. */
EXTSHIM_HIDDEN int ExtShim_Interp_Enter(ExtShim_Interp *interp, ExtShim_Visit *visit);

/* Ends a visit in the thread that began it; visits end in reverse order. What was attached before
 * is attached again.
 *
 * Returns: nothing; an exception that is still set is lost with the visit's thread state.
 * Refs: none.
 * Threads: the thread of ExtShim_Interp_Enter(), attached as that left it; may run Python code.
 * Since: 0.1.
 * See: PEP 788 (PyThreadState_Release on 3.15). */
EXTSHIM_HIDDEN void ExtShim_Interp_Leave(ExtShim_Visit *visit);

#endif /* !EXTSHIM_LIMITED */

EXTSHIM_END_C

#endif /* EXTSHIM_THREADS_H */
