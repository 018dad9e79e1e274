/* internal.h - what the shim's own files share; users never see it.
 *
 * Reading order: lock.c, table.c (interpreter -> block), block.c (life of a block), handle.c
 * (look-up and first use), then one file per kind of value; mutex.c, once.c and enter.c stand
 * apart.
 */
#ifndef EXTSHIM_INTERNAL_H
#define EXTSHIM_INTERNAL_H

#include "extshim.h"

#include <stdint.h>
#include <string.h>

enum { EXTSHIM_MORE_CHUNKS = 12, EXTSHIM_NAME_MAX = 128 };

enum extshim_life { EXTSHIM_STARTING = 0, EXTSHIM_ALIVE = 1, EXTSHIM_DEAD = 2 };

/* A module that an interpreter has executed, for ExtShim_State_FindModule(). */
struct extshim_known_module {
    const PyModuleDef *def;
    PyObject *module; /* strong, as PyState_AddModule() keeps it */
    struct extshim_known_module *next;
};

/* A legacy init function that runs now; lives on the C stack of ExtShim_ModuleExec(). */
struct extshim_execution {
    unsigned long thread;
    PyObject *module; /* borrowed */
    struct extshim_execution *next;
};

/* All that one interpreter owns in this binary. */
struct extshim_block {
    void *first[EXTSHIM_FIRST_SLOTS]; /* stands first: it is ExtShim_Entry.slots */
    PyInterpreterState *interp;
    int life;                           /* atomic: enum extshim_life */
    char module_name[EXTSHIM_NAME_MAX]; /* of the first ExtShim_Begin() */
    void **more[EXTSHIM_MORE_CHUNKS]; /* chunk c has EXTSHIM_FIRST_SLOTS << c slots, never moved */
    struct extshim_known_module *modules;
    struct extshim_execution *executing; /* under the lock */
    struct extshim_door *door;           /* atomic: how foreign threads come in; see enter.c */
};

/* A negative size where that is not so. */
typedef char extshim_first_stands_first[offsetof(struct extshim_block, first) == 0 ? 1 : -1];

/* All memory of the shim itself: zeroed, NULL when there is none. A test makes it fail. */
EXTSHIM_HIDDEN void *extshim_allocate(size_t count, size_t size);
EXTSHIM_HIDDEN void extshim_free(void *memory);

/* A process-wide lock for a few loads and stores. Nothing that may run Python, wait or allocate
 * through Python happens under it, so it needs no care about the GIL; fork() takes it as well. */
EXTSHIM_HIDDEN void extshim_lock(void);
EXTSHIM_HIDDEN void extshim_unlock(void);
/* One step of every parking place at a fork: 0 before, 1 in the parent, 2 in the child. */
EXTSHIM_HIDDEN void extshim_park_fork(int phase);
/* Waits, detached, while `*place` is `unwanted`; extshim_park_store() stores and wakes. */
EXTSHIM_HIDDEN void extshim_park_int(int *place, int unwanted);
EXTSHIM_HIDDEN void extshim_park_store(int *place, int value);
/* Counts on by one and wakes those who wait for another value. */
EXTSHIM_HIDDEN void extshim_park_count(int *place);
/* Detaches the calling thread where it is attached; NULL where it was not. */
EXTSHIM_HIDDEN PyThreadState *extshim_detach(void);
/* Attaches it again; nothing to do for NULL. */
EXTSHIM_HIDDEN void extshim_attach(PyThreadState *state);

/* The block of `interp`, also a dead one, or NULL. Lock-free. */
EXTSHIM_HIDDEN struct extshim_block *extshim_table_find(PyInterpreterState *interp);
/* Puts `block` in place of what its interpreter had; `*old` gets that. Caller holds the lock.
 * Returns 0, or -1: no room, call extshim_table_reserve() without the lock and try again. */
EXTSHIM_HIDDEN int extshim_table_put(struct extshim_block *block, struct extshim_block **old);
/* Makes room for one more interpreter. Takes the lock itself. Returns 0 or -1 (no memory). */
EXTSHIM_HIDDEN int extshim_table_reserve(PyInterpreterState *interp);

/* The interpreter of this door is gone: nobody comes in any more, nobody is waited for. */
EXTSHIM_HIDDEN void extshim_door_abandon(struct extshim_door *door);

/* The attached interpreter's block, or NULL with SystemError where ExtShim_Begin() is missing. */
EXTSHIM_HIDDEN struct extshim_block *extshim_block_here(void);
/* Slot of `index` (from 1), or NULL without an exception when memory ran out. */
EXTSHIM_HIDDEN void **extshim_block_slot(struct extshim_block *block, int index);
/* The same without making room: NULL where this block never had the slot. */
EXTSHIM_HIDDEN void **extshim_block_peek(struct extshim_block *block, int index);

/* The module whose legacy init this thread runs now, borrowed, or NULL. */
EXTSHIM_HIDDEN PyObject *extshim_module_executing(const struct extshim_block *block);
/* Drops the modules that ExtShim_State_FindModule() knows. */
EXTSHIM_HIDDEN void extshim_modules_release(struct extshim_block *block);

/* Number of the handle, given on first use. */
EXTSHIM_HIDDEN int extshim_handle_index(ExtShim_Handle *handle);
/* Newest numbered handle; the list only ever grows at this end. */
EXTSHIM_HIDDEN ExtShim_Handle *extshim_handle_list(void);
/* Stores into the slot and, while one interpreter uses the binary, into the handle. Caller holds
 * the lock. */
EXTSHIM_HIDDEN void extshim_slot_store(struct extshim_block *block, ExtShim_Handle *handle,
                                       void **slot, void *value);
/* Called with the lock held when `interp` gets a block: is it still the only one that ever had? */
EXTSHIM_HIDDEN void extshim_mode_enter(PyInterpreterState *interp);
/* Empties all slots of a dying block in the order memory, objects, types. */
EXTSHIM_HIDDEN void extshim_handles_release(struct extshim_block *block);
/* Frees the memory that a dead block still holds; nobody can come here for it any more. */
EXTSHIM_HIDDEN void extshim_handles_free(struct extshim_block *block);

/* First use: makes the value of a handle in `block`. Returns it with a new reference where it is an
 * object, or NULL with an exception. */
EXTSHIM_HIDDEN void *extshim_make_string(ExtShim_Handle *handle);
EXTSHIM_HIDDEN void *extshim_make_import(ExtShim_Handle *handle);
EXTSHIM_HIDDEN void *extshim_make_exception(ExtShim_Handle *handle);
EXTSHIM_HIDDEN void *extshim_make_capsule(ExtShim_Handle *handle);
EXTSHIM_HIDDEN void extshim_capsule_free_name(PyObject *capsule);
EXTSHIM_HIDDEN void extshim_freelist_release(ExtShim_Handle *handle, void *memory);
#if !EXTSHIM_LIMITED
/* The calling thread's attached state, or NULL. */
EXTSHIM_HIDDEN PyThreadState *extshim_thread_state(void);
/* The template whose static type this is, or NULL. */
EXTSHIM_HIDDEN ExtShim_Type *extshim_template_find(const PyTypeObject *static_type);
EXTSHIM_HIDDEN void *extshim_make_type(struct extshim_block *block, ExtShim_Handle *handle);
EXTSHIM_HIDDEN void extshim_type_release(PyTypeObject *type);
#endif

#endif /* EXTSHIM_INTERNAL_H */
