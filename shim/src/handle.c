/* handle.c - look-up behind a handle: the slot, its first use, its replacement, its release. */
#include "internal.h"

/* All under the lock. `newest` is also read without it where only numbered handles matter. */
static ExtShim_Handle *newest;
static int handle_count;
/* While one interpreter only has used this binary: that one. It stays when the interpreter ends,
 * and another one at the same address continues; the first different one ends it for good. */
static const void *single; /* its address only */
static int several;        /* two interpreters have used this binary */

ExtShim_Handle *
extshim_handle_list(void)
{
    return (ExtShim_Handle *)EXTSHIM_LOAD_PTR(&newest);
}

int
extshim_handle_index(ExtShim_Handle *handle)
{
    int index = EXTSHIM_LOAD_INT(&handle->index);
    if (index != 0) {
        return index;
    }
    extshim_lock();
    index = handle->index;
    if (index == 0) {
        index = ++handle_count;
        handle->next = newest;
        EXTSHIM_STORE_PTR(&newest, handle);
        EXTSHIM_STORE_INT(&handle->place, index < EXTSHIM_FIRST_SLOTS ? index : 0);
        EXTSHIM_STORE_INT(&handle->index, index);
    }
    extshim_unlock();
    return index;
}

void
extshim_mode_enter(PyInterpreterState *interp)
{
    if (several) {
        return;
    }
    if (single == NULL) {
        single = interp;
        return;
    }
    /* Either the former interpreter's values are gone, or there are two interpreters now. */
    for (ExtShim_Handle *handle = newest; handle != NULL; handle = handle->next) {
        EXTSHIM_STORE_PTR(&handle->only, NULL);
    }
    if (single != interp) {
        several = 1;
    }
}

void
extshim_slot_store(struct extshim_block *block, ExtShim_Handle *handle, void **slot, void *value)
{
    EXTSHIM_STORE_PTR(slot, value);
    if (!several && single == block->interp) {
        EXTSHIM_STORE_PTR(&handle->only, value);
    }
}

static int
handle_holds_object(const ExtShim_Handle *handle)
{
    return handle->kind == EXTSHIM_KIND_OBJECT || handle->kind == EXTSHIM_KIND_STRING ||
           handle->kind == EXTSHIM_KIND_IMPORT || handle->kind == EXTSHIM_KIND_EXCEPTION ||
           handle->kind == EXTSHIM_KIND_TYPE;
}

static int
handle_holds_memory(const ExtShim_Handle *handle)
{
    return handle->kind == EXTSHIM_KIND_MEMORY || handle->kind == EXTSHIM_KIND_FREELIST;
}

static void *
handle_make(struct extshim_block *block, ExtShim_Handle *handle)
{
    void *memory;
    switch ((ExtShim_Kind)handle->kind) {
    case EXTSHIM_KIND_MEMORY:
    case EXTSHIM_KIND_FREELIST:
        memory = extshim_allocate(1, handle->size == 0 ? 1 : handle->size);
        return memory != NULL ? memory : (void *)PyErr_NoMemory();
    case EXTSHIM_KIND_STRING:
        return extshim_make_string(handle);
    case EXTSHIM_KIND_IMPORT:
        return extshim_make_import(handle);
    case EXTSHIM_KIND_EXCEPTION:
        return extshim_make_exception(handle);
    case EXTSHIM_KIND_CAPSULE:
        return extshim_make_capsule(handle);
    case EXTSHIM_KIND_TYPE:
#if !EXTSHIM_LIMITED
        return extshim_make_type(block, handle);
#endif
    case EXTSHIM_KIND_OBJECT:
        break;
    }
    (void)block;
    return NULL;
}

static void
handle_discard(const ExtShim_Handle *handle, void *value)
{
    if (handle_holds_memory(handle)) {
        extshim_free(value);
    }
    else if (handle_holds_object(handle)) {
        Py_DECREF((PyObject *)value);
    }
}

/* First use of the handle in this interpreter. Two threads may both make a value; one is kept. */
static void *
handle_fill(struct extshim_block *block, ExtShim_Handle *handle, void **slot)
{
    if (handle->kind == EXTSHIM_KIND_OBJECT) {
        return NULL;
    }
    if (EXTSHIM_LOAD_INT(&block->life) == EXTSHIM_DEAD && !handle_holds_memory(handle)) {
        PyErr_Format(PyExc_RuntimeError, "extshim: '%s' is gone, the interpreter is ending",
                     handle->text);
        return NULL;
    }
    void *fresh = handle_make(block, handle);
    if (fresh == NULL) {
        /* PyType_FromModuleAndSpec() of some versions forgets to say that memory ran out. */
        return PyErr_Occurred() ? NULL : (void *)PyErr_NoMemory();
    }
    extshim_lock();
    void *value = *slot;
    if (value == NULL) {
        extshim_slot_store(block, handle, slot, fresh);
    }
    extshim_unlock();
    if (value != NULL) {
        handle_discard(handle, fresh);
        return value;
    }
    return fresh;
}

void *
ExtShim_GetSlow(ExtShim_Handle *handle)
{
    struct extshim_block *block = extshim_table_find(PyInterpreterState_Get());
    if (block == NULL) {
        block = extshim_block_here(); /* sets the error */
        if (block == NULL) {
            return NULL;
        }
    }
    void **slot = extshim_block_slot(block, extshim_handle_index(handle));
    if (slot == NULL) {
        return PyErr_NoMemory();
    }
    void *value = EXTSHIM_LOAD_PTR(slot);
    return value != NULL ? value : handle_fill(block, handle, slot);
}

int
ExtShim_Set(ExtShim_Handle *handle, PyObject *value)
{
    struct extshim_block *block = extshim_block_here();
    if (block == NULL) {
        return -1;
    }
    if (handle->kind != EXTSHIM_KIND_OBJECT) {
        PyErr_Format(PyExc_SystemError, "extshim: '%s' is not an EXTSHIM_OBJECT", handle->text);
        return -1;
    }
    if (EXTSHIM_LOAD_INT(&block->life) == EXTSHIM_DEAD && value != NULL) {
        PyErr_Format(PyExc_RuntimeError, "extshim: cannot set '%s', the interpreter is ending",
                     handle->text);
        return -1;
    }
    void **slot = extshim_block_slot(block, extshim_handle_index(handle));
    if (slot == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    Py_XINCREF(value);
    extshim_lock();
    PyObject *old = (PyObject *)*slot;
    extshim_slot_store(block, handle, slot, value);
    extshim_unlock();
    Py_XDECREF(old);
    return 0;
}

int
ExtShim_SetNew(ExtShim_Handle *handle, PyObject *value)
{
    if (value == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_SystemError, "extshim: NULL for '%s' without an exception",
                         handle->text);
        }
        return -1;
    }
    int result = ExtShim_Set(handle, value);
    Py_DECREF(value);
    return result;
}

PyObject *
ExtShim_GetRef(ExtShim_Handle *handle)
{
    PyObject *value = (PyObject *)ExtShim_Get(handle);
    if (value == NULL) {
        return NULL;
    }
    struct extshim_block *block = extshim_block_here();
    void **slot = block == NULL ? NULL : extshim_block_slot(block, extshim_handle_index(handle));
    if (slot == NULL) {
        return NULL;
    }
    /* Read again under the lock: an ExtShim_Set() in between would have dropped the value. */
    extshim_lock();
    value = (PyObject *)*slot;
    Py_XINCREF(value);
    extshim_unlock();
    return value;
}

/* Takes the value out of the block; what is left of a type is its address, for comparisons. */
static void *
handle_take(struct extshim_block *block, ExtShim_Handle *handle)
{
    void **slot = extshim_block_peek(block, handle->index);
    if (slot == NULL) {
        return NULL;
    }
    extshim_lock();
    void *value = *slot;
    if (!handle_holds_memory(handle) && handle->kind != EXTSHIM_KIND_TYPE) {
        extshim_slot_store(block, handle, slot, NULL);
    }
    extshim_unlock();
    return value;
}

static int
handle_phase(const ExtShim_Handle *handle)
{
    if (handle_holds_memory(handle)) {
        return 0;
    }
    return handle->kind == EXTSHIM_KIND_TYPE ? 2 : 1;
}

static void
handle_release(ExtShim_Handle *handle, void *value)
{
    switch ((ExtShim_Kind)handle->kind) {
    case EXTSHIM_KIND_MEMORY:
        if (handle->clear != NULL) {
            handle->clear(value);
        }
        break;
    case EXTSHIM_KIND_FREELIST:
        extshim_freelist_release(handle, value);
        break;
    case EXTSHIM_KIND_TYPE:
#if !EXTSHIM_LIMITED
        extshim_type_release((PyTypeObject *)value);
#endif
        break;
    case EXTSHIM_KIND_CAPSULE:
        break;
    default:
        Py_DECREF((PyObject *)value);
        break;
    }
}

void
extshim_handles_release(struct extshim_block *block)
{
    /* What users put into memory may need the types to die; the types go last. */
    for (int phase = 0; phase < 3; phase++) {
        ExtShim_Handle *handle = extshim_handle_list();
        for (; handle != NULL; handle = handle->next) {
            if (handle_phase(handle) == phase) {
                void *value = handle_take(block, handle);
                if (value != NULL) {
                    handle_release(handle, value);
                }
            }
        }
    }
}

void
extshim_handles_free(struct extshim_block *block)
{
    ExtShim_Handle *handle = extshim_handle_list();
    for (; handle != NULL; handle = handle->next) {
        if (handle_holds_memory(handle)) {
            void **slot = extshim_block_peek(block, handle->index);
            if (slot != NULL) {
                extshim_free(*slot);
            }
        }
    }
}
