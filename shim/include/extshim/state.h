/* extshim/state.h - one value per interpreter behind a static handle.
 *
 * A handle stands where a static variable stood. It names a slot that every interpreter fills for
 * itself; code reaches its own interpreter's value without the module object, so slots, qsort
 * comparators, C callbacks and late deallocs can use it.
 *
 *     EXTSHIM_STATE(spam_state, struct spam_state, spam_state_clear)
 *     EXTSHIM_OBJECT(SpamError)
 *
 *     struct spam_state *st = ExtShim_STATE(spam_state, struct spam_state);
 *     PyErr_SetString(ExtShim_GET(SpamError), "no more eggs");
 *
 * How it works: while a single interpreter has ever used the binary, the handle itself holds the
 * value: one load and one branch. The second interpreter's ExtShim_Begin() ends that for good; from
 * then on a lock-free table keyed by interpreter pointer leads to the interpreter's block of slots.
 * The block is anchored by a capsule in the interpreter's dict. Its destructor releases the
 * objects; the memory stays until the interpreter's address is used again, because objects that die
 * later (in warnings.filters, for example) still come here.
 *
 * See docs/shim.md. PEP 684, PEP 630.
 */
#ifndef EXTSHIM_STATE_H
#define EXTSHIM_STATE_H

#include "base.h"

EXTSHIM_BEGIN_C

/* What a slot holds; says how it is filled on first use and how it is released. */
typedef enum {
    EXTSHIM_KIND_MEMORY = 1, /* zeroed memory of `size` bytes, released by `clear` */
    EXTSHIM_KIND_OBJECT,     /* an object that ExtShim_SET() put there */
    EXTSHIM_KIND_STRING,     /* interned str, made from `text` */
    EXTSHIM_KIND_IMPORT,     /* attribute `more` of module `text` */
    EXTSHIM_KIND_EXCEPTION,  /* exception class `text`, doc in `more`, base in `link` or `base` */
    EXTSHIM_KIND_CAPSULE,    /* C pointer of the capsule `text` ("pkg.mod.NAME") */
    EXTSHIM_KIND_TYPE, /* heap type made from a static one; the handle is inside an ExtShim_Type */
    EXTSHIM_KIND_FREELIST /* memory of `size` bytes that holds dead instances */
} ExtShim_Kind;

/* A handle. Only the macros below fill it; `only`, `index`, `place` and `next` belong to the
 * library, which writes them under its own process-wide lock. */
typedef struct ExtShim_Handle {
    void *only;                  /* atomic: the value while one interpreter uses the binary */
    int index;                   /* atomic: slot number from 1 on; 0: not numbered yet */
    int place;                   /* atomic: the same below EXTSHIM_FIRST_SLOTS, else 0 */
    int kind;                    /* ExtShim_Kind */
    size_t size;                 /* bytes, for MEMORY and FREELIST */
    const char *text;            /* see ExtShim_Kind */
    const char *more;            /* see ExtShim_Kind */
    void (*clear)(void *value);  /* MEMORY: releases the objects in it */
    const char *base;            /* EXCEPTION: name of a builtin base class, or NULL */
    struct ExtShim_Handle *link; /* EXCEPTION: handle of the base class, or NULL */
    struct ExtShim_Handle *next; /* all numbered handles, newest first */
} ExtShim_Handle;

/* Initialiser of a handle, for the macros below.
 *
 * Returns: an initialiser.
 * Refs: none.
 * Threads: none.
 * Since: 0.1. */
#define EXTSHIM_HANDLE_INIT_FULL(kind, size, text, more, clear, base, link)                        \
    {                                                                                              \
        NULL, 0, 0, (kind), (size), (text), (more), (clear), (base), (link), NULL                  \
    }

/* The same for all kinds but EXCEPTION.
 *
 * Returns: an initialiser.
 * Refs: none.
 * Threads: none.
 * Since: 0.1. */
#define EXTSHIM_HANDLE_INIT(kind, size, text, more, clear)                                         \
    EXTSHIM_HANDLE_INIT_FULL(kind, size, text, more, clear, NULL, NULL)

/* Declares `name`: one zeroed `type` per interpreter. `clear_function` (static void f(void *), or
 * NULL) releases the objects in it when the interpreter ends; it must leave NULLs behind, since
 * late deallocs still see the memory. File scope, one definition.
 *
 * Returns: a declaration.
 * Refs: the memory owns what its fields own; `clear_function` releases that.
 * Threads: none; the value is reached from any attached thread.
 * Since: 0.1.
 * See: PEP 630. */
#define EXTSHIM_STATE(name, type, clear_function)                                                  \
    static ExtShim_Handle name =                                                                   \
        EXTSHIM_HANDLE_INIT(EXTSHIM_KIND_MEMORY, sizeof(type), #name, NULL, (clear_function));

/* The same for a state that several files use: this in the header that they share, and
 * EXTSHIM_STATE_DEFINE in one of them.
 *
 * Returns: a declaration.
 * Refs: none.
 * Threads: none; the value is reached from any attached thread.
 * Since: 0.1. */
#define EXTSHIM_STATE_EXTERN(name) extern EXTSHIM_HIDDEN ExtShim_Handle name;

/* The definition that belongs to EXTSHIM_STATE_EXTERN; parameters as EXTSHIM_STATE.
 *
 * Returns: a declaration.
 * Refs: as EXTSHIM_STATE.
 * Threads: none; the value is reached from any attached thread.
 * Since: 0.1. */
#define EXTSHIM_STATE_DEFINE(name, type, clear_function)                                           \
    EXTSHIM_HIDDEN ExtShim_Handle name =                                                           \
        EXTSHIM_HANDLE_INIT(EXTSHIM_KIND_MEMORY, sizeof(type), #name, NULL, (clear_function));

/* Declares `name` in place of `static PyObject *name;`: NULL until ExtShim_SET().
 *
 * Returns: a declaration.
 * Refs: each interpreter owns one reference to its value and drops it at its end.
 * Threads: none; the value is reached from any attached thread.
 * Since: 0.1.
 * See: PEP 630. */
#define EXTSHIM_OBJECT(name)                                                                       \
    static ExtShim_Handle name = EXTSHIM_HANDLE_INIT(EXTSHIM_KIND_OBJECT, 0, #name, NULL, NULL);

/* The same for a variable that several files use: this in the header that they share.
 *
 * Returns: a declaration.
 * Refs: as EXTSHIM_OBJECT.
 * Threads: none; the value is reached from any attached thread.
 * Since: 0.1. */
#define EXTSHIM_OBJECT_EXTERN(name) extern EXTSHIM_HIDDEN ExtShim_Handle name;

/* The definition that belongs to EXTSHIM_OBJECT_EXTERN, in one of the files.
 *
 * Returns: a declaration.
 * Refs: as EXTSHIM_OBJECT.
 * Threads: none; the value is reached from any attached thread.
 * Since: 0.1. */
#define EXTSHIM_OBJECT_DEFINE(name)                                                                \
    EXTSHIM_HIDDEN ExtShim_Handle name =                                                           \
        EXTSHIM_HANDLE_INIT(EXTSHIM_KIND_OBJECT, 0, #name, NULL, NULL);

/* Makes the shim ready in the attached interpreter. EXTSHIM_MODINIT and ExtShim_Module_Create()
 * call it; a module with a Py_mod_exec of its own calls it there first. Repeating it is harmless.
 * `module_name`: dotted name, for undotted types and messages; copied.
 *
 * Returns: 0; -1 with MemoryError, or RuntimeError where the interpreter has no dict.
 * Refs: none.
 * Threads: needs an attached thread state; runs no Python code of the user.
 * Since: 0.1.
 * See: PEP 489 (exec slots), PyInterpreterState_GetDict. */
EXTSHIM_HIDDEN int ExtShim_Begin(const char *module_name);

/* Where the interpreters' slots are, by a hash of their addresses; ExtShim_Get() looks at one place
 * only. A place keeps its key for ever, so key and slots always belong together. */
enum { EXTSHIM_ENTRIES_LOG = 8, EXTSHIM_ENTRIES = 1 << 8, EXTSHIM_FIRST_SLOTS = 64 };

typedef struct {
    PyInterpreterState *interp; /* atomic */
    void **slots;               /* atomic; slots[0] is always NULL, for a handle without a number */
} ExtShim_Entry;

extern EXTSHIM_HIDDEN ExtShim_Entry extshim_entries[EXTSHIM_ENTRIES];

/* Hash of an interpreter's address: the states are large, so the low bits say nothing. The upper
 * bits are the good ones.
 *
 * Returns: the hash, 32 bits.
 * Refs: none.
 * Threads: any; `interp` is not looked into.
 * Since: 0.1. */
static inline uint32_t
ExtShim_Hash(const PyInterpreterState *interp)
{
    return (uint32_t)((uintptr_t)interp >> 4) * 0x9E3779B1u;
}

#if EXTSHIM_LIMITED || PY_VERSION_HEX >= 0x030F0000
#define EXTSHIM_HERE_TYPE_ PyInterpreterState
#define EXTSHIM_HERE_CALL_ PyInterpreterState_Get
#define EXTSHIM_HERE_INTERP_(found) (found)
#else
#define EXTSHIM_HERE_TYPE_ PyThreadState
#define EXTSHIM_HERE_INTERP_(found) ((found)->interp)
#if PY_VERSION_HEX >= 0x030D0000
#define EXTSHIM_HERE_CALL_ PyThreadState_GetUnchecked
#else
#define EXTSHIM_HERE_CALL_ _PyThreadState_UncheckedGet
#endif
#endif

#if defined(_MSC_VER)
/* A function of a DLL is no constant there, and is called through a pointer anyway. */
#define extshim_here EXTSHIM_HERE_CALL_
#else
/* The call that every look-up makes. Through a pointer of our own it spares the jump in the
 * linkage table, which a tight loop notices. */
extern EXTSHIM_HIDDEN EXTSHIM_HERE_TYPE_ *(*const extshim_here)(void);
#endif

/* PyInterpreterState_Get() without its checks, where the headers show the field: half the
 * instructions. From 3.15 on that function has none to spare.
 *
 * Returns: the attached interpreter.
 * Refs: none.
 * Threads: needs an attached thread state.
 * Since: 0.1. */
static inline PyInterpreterState *
ExtShim_InterpHere(void)
{
    return EXTSHIM_HERE_INTERP_(extshim_here());
}

/* The slow part of ExtShim_Get(): the whole table, and the first use in an interpreter.
 *
 * Returns: the value; NULL with an exception, or NULL without one for an OBJECT that was never
 * set.
 * Refs: borrowed from the interpreter's block.
 * Threads: needs an attached thread state; the first use of an IMPORT, EXCEPTION, CAPSULE or TYPE
 * runs Python code.
 * Since: 0.1.
 * See: docs/shim.md, "What a lookup costs". */
EXTSHIM_HIDDEN void *ExtShim_GetSlow(ExtShim_Handle *handle);

/* The attached interpreter's value of `handle`.
 *
 * Returns: the value; NULL with an exception where the first use failed; NULL without one for an
 * OBJECT that was never set, and after the interpreter's teardown for everything but memory and
 * types (which compare equal to the type of a live instance still).
 * Refs: borrowed from the interpreter's block.
 * Threads: needs an attached thread state; see ExtShim_GetSlow() for the first use.
 * Since: 0.1.
 * See: PEP 684. */
static inline void *
ExtShim_Get(ExtShim_Handle *handle)
{
    void *value = EXTSHIM_LOAD_PTR(&handle->only);
    if (EXTSHIM_LIKELY(value != NULL)) {
        return value;
    }
    PyInterpreterState *interp = ExtShim_InterpHere();
    ExtShim_Entry *entry = &extshim_entries[ExtShim_Hash(interp) >> (32 - EXTSHIM_ENTRIES_LOG)];
    if (EXTSHIM_LIKELY(EXTSHIM_LOAD_PTR(&entry->interp) == interp)) {
        void **slots = (void **)EXTSHIM_LOAD_PTR(&entry->slots);
        value = EXTSHIM_LOAD_PTR(&slots[EXTSHIM_LOAD_INT(&handle->place)]);
        if (EXTSHIM_LIKELY(value != NULL)) {
            return value;
        }
    }
    return ExtShim_GetSlow(handle);
}

/* Puts `value` (or NULL) into an OBJECT handle for the attached interpreter. Meant for module
 * initialisation; where values change at run time and other threads read them, use
 * ExtShim_GetRef().
 *
 * Returns: 0; -1 with an exception (MemoryError; SystemError before ExtShim_Begin(); RuntimeError
 * when the interpreter is being torn down).
 * Refs: takes a new reference to `value`, releases the old one.
 * Threads: needs an attached thread state; releasing the old value may run Python code.
 * Since: 0.1.
 * See: PEP 684. */
EXTSHIM_HIDDEN int ExtShim_Set(ExtShim_Handle *handle, PyObject *value);

/* Like ExtShim_Set(), but takes over the caller's reference: ExtShim_SET_NEW(x, PyFoo_New()) stands
 * for x = PyFoo_New(). A NULL value is taken for the failure that made it.
 *
 * Returns: 0; -1 with an exception, also where `value` is NULL.
 * Refs: steals `value`, also on failure.
 * Threads: as ExtShim_Set().
 * Since: 0.1.
 * See: PEP 684. */
EXTSHIM_HIDDEN int ExtShim_SetNew(ExtShim_Handle *handle, PyObject *value);

/* The value of an object handle with a reference of its own: safe against an ExtShim_Set() in
 * another thread.
 *
 * Returns: the object; NULL without an exception where none is set, NULL with one on failure.
 * Refs: new.
 * Threads: needs an attached thread state; the first use as ExtShim_GetSlow().
 * Since: 0.1.
 * See: PEP 703. */
EXTSHIM_HIDDEN PyObject *ExtShim_GetRef(ExtShim_Handle *handle);

/* The memory of EXTSHIM_STATE(name, type, ...) in the attached interpreter, as type *.
 *
 * Returns: the memory, zeroed on first use; NULL with MemoryError (first use only), or SystemError
 * before ExtShim_Begin().
 * Refs: none; the memory outlives all code of the interpreter.
 * Threads: needs an attached thread state; runs no Python code.
 * Since: 0.1. */
#define ExtShim_STATE(name, type) ((type *)ExtShim_Get(&(name)))

/* The object of an OBJECT, STRING, IMPORT or EXCEPTION handle, as PyObject *.
 *
 * Returns: as ExtShim_Get().
 * Refs: borrowed; ExtShim_GetRef() gives a reference.
 * Threads: as ExtShim_Get().
 * Since: 0.1. */
#define ExtShim_GET(name) ((PyObject *)ExtShim_Get(&(name)))

/* ExtShim_Set() by the handle's name, for a value of any object type.
 *
 * Returns: as ExtShim_Set().
 * Refs: takes a new reference to `value`.
 * Threads: as ExtShim_Set().
 * Since: 0.1. */
#define ExtShim_SET(name, value) ExtShim_Set(&(name), (PyObject *)(value))

/* ExtShim_SetNew() by the handle's name, for a value of any object type.
 *
 * Returns: as ExtShim_SetNew().
 * Refs: steals `value`, also on failure.
 * Threads: as ExtShim_Set().
 * Since: 0.1. */
#define ExtShim_SET_NEW(name, value) ExtShim_SetNew(&(name), (PyObject *)(value))

/* qsort() with a context for the comparator: qsort_r(), whose arguments differ from system to
 * system. A state that the caller looked up once goes down as `context`, so that comparing costs
 * no look-up at all.
 *
 *     ExtShim_Sort(items, count, sizeof(*items), compare, ExtShim_STATE(counts, struct counts));
 *
 * Returns: nothing.
 * Refs: none.
 * Threads: any; `compare` runs on the calling thread.
 * Since: 0.1. */
EXTSHIM_HIDDEN void ExtShim_Sort(void *base, size_t count, size_t size,
                                 int (*compare)(const void *left, const void *right, void *context),
                                 void *context);

EXTSHIM_END_C

#endif /* EXTSHIM_STATE_H */
