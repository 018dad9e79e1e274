/* block.c - the life of an interpreter's block: made by ExtShim_Begin(), anchored in the
 * interpreter's dict, emptied by the anchor's destructor, freed when its address is used again. */
#include "internal.h"

#include <stdio.h>
#define ANCHOR_PREFIX "extshim.state."
enum { ANCHOR_MAX = EXTSHIM_NAME_MAX + 64 };

/* Identifies this copy of the shim: the same module loaded twice has two of them. */
static const char anchor_identity = 0;

static void
block_free(struct extshim_block *block)
{
    if (block == NULL) {
        return;
    }
    extshim_handles_free(block);
    for (int chunk = 0; chunk < EXTSHIM_MORE_CHUNKS; chunk++) {
        extshim_free(block->more[chunk]);
    }
    extshim_free(block);
}

/* "extshim.state.LAYOUT.MODULE@ADDRESS": module and layout for whoever looks into the dict, the
 * address because a private copy of the same module is another binary. */
static void
block_anchor_name(char *name, const char *module_name)
{
    (void)snprintf(name, ANCHOR_MAX, ANCHOR_PREFIX "%d.%s@%p", EXTSHIM_LAYOUT, module_name,
                   (const void *)&anchor_identity);
}

/* First phase of the end: the objects go, while the thread state is still attached and objects can
 * be deallocated. Runs when the interpreter's dict is cleared, also where the module leaked. */
static void
block_anchor_destroy(PyObject *capsule)
{
    struct extshim_block *block = (struct extshim_block *)PyCapsule_GetContext(capsule);
    if (block == NULL) {
        return; /* never anchored */
    }
    EXTSHIM_STORE_INT(&block->life, EXTSHIM_DEAD);
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    extshim_lock();
    struct extshim_door *door = block->door;
    block->door = NULL;
    extshim_unlock();
    extshim_door_abandon(door);
    extshim_modules_release(block);
    extshim_handles_release(block);
    PyErr_Restore(type, value, traceback);
}

/* The dict that lives as long as the interpreter, with an error where there is none.
 *
 * CPython makes it on the first call, and without the GIL two threads may each make one, of which
 * one is lost together with the anchor in it. So every shim of the process asks under the lock of
 * one and the same object of the interpreter. */
static PyObject *
block_interpreter_dict(PyInterpreterState *interp)
{
    PyObject *dict;
    EXTSHIM_BEGIN_CRITICAL_SECTION(PyImport_GetModuleDict());
    dict = PyInterpreterState_GetDict(interp);
    EXTSHIM_END_CRITICAL_SECTION();
    if (dict == NULL && !PyErr_Occurred()) {
        PyErr_SetString(PyExc_RuntimeError,
                        "extshim: this interpreter has no dict to keep module state in");
    }
    return dict;
}

/* What the dict has under that name, a new reference; NULL, perhaps with an exception. */
static PyObject *
block_find(PyObject *dict, const char *name)
{
    PyObject *key = PyUnicode_FromString(name);
    if (key == NULL) {
        return NULL;
    }
#if PY_VERSION_HEX >= 0x030D0000 && (!EXTSHIM_LIMITED || Py_LIMITED_API + 0 >= 0x030D0000)
    PyObject *found;
    (void)PyDict_GetItemRef(dict, key, &found);
#else
    PyObject *found = PyDict_GetItemWithError(dict, key); /* only the shim writes this key */
    Py_XINCREF(found);
#endif
    Py_DECREF(key);
    return found;
}

/* Is `block` the one that this very interpreter made, not a former one's at the same address? */
static int
block_is_anchored(const struct extshim_block *block, PyObject *dict)
{
    char name[ANCHOR_MAX];
    block_anchor_name(name, block->module_name);
    PyObject *capsule = block_find(dict, name);
    if (capsule == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    int anchored =
        PyCapsule_CheckExact(capsule) && PyCapsule_GetContext(capsule) == (const void *)block;
    Py_DECREF(capsule);
    return anchored;
}

static int
block_anchor(struct extshim_block *block, PyObject *dict)
{
    char name[ANCHOR_MAX];
    block_anchor_name(name, block->module_name);
    PyObject *capsule =
        PyCapsule_New((void *)&anchor_identity, ANCHOR_PREFIX, block_anchor_destroy);
    if (capsule == NULL) {
        return -1;
    }
    /* The context is set last: before that the destructor leaves the block alone. */
    int failed =
        PyDict_SetItemString(dict, name, capsule) < 0 || PyCapsule_SetContext(capsule, block) < 0;
    Py_DECREF(capsule);
    return failed ? -1 : 0;
}

/* What the table has for the interpreter, with its life; NULL: nothing. */
static struct extshim_block *
block_present(PyInterpreterState *interp, int *life)
{
    extshim_lock(); /* a dead block may be on its way to be freed by another thread */
    struct extshim_block *block = extshim_table_find(interp);
    *life = block == NULL ? EXTSHIM_DEAD : EXTSHIM_LOAD_INT(&block->life);
    extshim_unlock();
    return block;
}

/* Puts a new block in place of `seen` and frees that. 1: done; 0: another thread was faster; -1
 * with an exception. */
static int
block_register(struct extshim_block *block, const struct extshim_block *seen)
{
    struct extshim_block *old = NULL;
    for (;;) {
        if (extshim_table_reserve(block->interp) < 0) {
            PyErr_NoMemory();
            return -1;
        }
        extshim_lock();
        int same = extshim_table_find(block->interp) == seen;
        int put = same && extshim_table_put(block, &old) == 0;
        if (put) {
            extshim_mode_enter(block->interp);
        }
        extshim_unlock();
        if (put) {
            block_free(old);
            return 1;
        }
        if (!same) {
            return 0;
        }
    }
}

static struct extshim_block *
block_new(PyInterpreterState *interp, const char *module_name)
{
    struct extshim_block *block =
        (struct extshim_block *)extshim_allocate(1, sizeof(struct extshim_block));
    if (block == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    block->interp = interp;
    block->life = EXTSHIM_STARTING;
    (void)PyOS_snprintf(block->module_name, sizeof(block->module_name), "%s", module_name);
    return block;
}

/* Makes the interpreter's block unless another thread does. 1: made; 0: look again; -1 with an
 * exception. */
static int
block_start(PyInterpreterState *interp, const struct extshim_block *seen, const char *module_name,
            PyObject *dict)
{
    struct extshim_block *block = block_new(interp, module_name);
    if (block == NULL) {
        return -1;
    }
    int registered = block_register(block, seen);
    if (registered <= 0) {
        extshim_free(block);
        return registered;
    }
    int anchored = block_anchor(block, dict);
    /* After a failure it stays in the table unused: the next ExtShim_Begin() replaces it. */
    extshim_park_store(&block->life, anchored < 0 ? EXTSHIM_DEAD : EXTSHIM_ALIVE);
    return anchored < 0 ? -1 : 1;
}

int
ExtShim_Begin(const char *module_name)
{
    PyInterpreterState *interp = PyInterpreterState_Get();
    PyObject *dict = block_interpreter_dict(interp);
    if (dict == NULL) {
        return -1;
    }
    int result = 0;
    while (result == 0) {
        int life;
        struct extshim_block *block = block_present(interp, &life);
        if (life == EXTSHIM_STARTING) {
            extshim_park_int(&block->life, EXTSHIM_STARTING);
            continue;
        }
        if (life == EXTSHIM_ALIVE) {
            result = block_is_anchored(block, dict);
        }
        if (result == 0) {
            result = block_start(interp, block, module_name, dict);
        }
    }
    return result < 0 ? -1 : 0;
}

struct extshim_block *
extshim_block_here(void)
{
    struct extshim_block *block = extshim_table_find(PyInterpreterState_Get());
    if (block == NULL) {
        PyErr_SetString(PyExc_SystemError,
                        "extshim: ExtShim_Begin() was not called in this interpreter; use "
                        "EXTSHIM_MODINIT, or call it first in the module's Py_mod_exec function");
    }
    return block;
}

static int
block_chunk_of(int rest, int *offset)
{
    int chunk = 0;
    int size = EXTSHIM_FIRST_SLOTS;
    while (rest >= size) {
        rest -= size;
        size *= 2;
        chunk++;
    }
    *offset = rest;
    return chunk;
}

void **
extshim_block_peek(struct extshim_block *block, int index)
{
    if (index < EXTSHIM_FIRST_SLOTS) {
        return &block->first[index];
    }
    int offset;
    int chunk = block_chunk_of(index - EXTSHIM_FIRST_SLOTS, &offset);
    if (chunk >= EXTSHIM_MORE_CHUNKS) {
        return NULL;
    }
    void **slots = (void **)EXTSHIM_LOAD_PTR(&block->more[chunk]);
    return slots == NULL ? NULL : &slots[offset];
}

void **
extshim_block_slot(struct extshim_block *block, int index)
{
    if (index < EXTSHIM_FIRST_SLOTS) {
        return &block->first[index];
    }
    int offset;
    int chunk = block_chunk_of(index - EXTSHIM_FIRST_SLOTS, &offset);
    if (chunk >= EXTSHIM_MORE_CHUNKS) {
        return NULL;
    }
    void **slots = (void **)EXTSHIM_LOAD_PTR(&block->more[chunk]);
    if (slots == NULL) {
        void **fresh =
            (void **)extshim_allocate((size_t)EXTSHIM_FIRST_SLOTS << chunk, sizeof(*fresh));
        if (fresh == NULL) {
            return NULL;
        }
        extshim_lock();
        slots = (void **)EXTSHIM_LOAD_PTR(&block->more[chunk]);
        if (slots == NULL) {
            EXTSHIM_STORE_PTR(&block->more[chunk], fresh);
            slots = fresh;
            fresh = NULL;
        }
        extshim_unlock();
        extshim_free(fresh);
    }
    return &slots[offset];
}
