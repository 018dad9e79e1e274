/* freelist.c - dead instances per interpreter, with the type's reference count in balance. */
#include "internal.h"

#if !EXTSHIM_LIMITED

#ifndef Py_GIL_DISABLED
static int
freelist_limit(const ExtShim_Handle *list)
{
    return (int)((list->size - sizeof(int)) / sizeof(PyObject *)) - 1;
}
#endif

PyObject *
ExtShim_FreelistPop(ExtShim_Handle *list, PyTypeObject *type)
{
#ifdef Py_GIL_DISABLED
    (void)list;
    (void)type;
    return NULL;
#else
    ExtShim_FreelistRoom *room = (ExtShim_FreelistRoom *)ExtShim_Get(list);
    if (room == NULL) {
        PyErr_Clear(); /* without the list an ordinary allocation follows */
        return NULL;
    }
    if (room->count == 0) {
        return NULL;
    }
    PyObject *object = room->items[--room->count];
    return PyObject_Init(object, type); /* one reference to it, one from it to its heap type */
#endif
}

int
ExtShim_FreelistPush(ExtShim_Handle *list, PyObject *object)
{
#ifdef Py_GIL_DISABLED
    (void)list;
    (void)object;
    return 0;
#else
    ExtShim_FreelistRoom *room = (ExtShim_FreelistRoom *)ExtShim_Get(list);
    if (room == NULL) {
        PyErr_Clear();
        return 0;
    }
    /* A limit below 0 closes the list: the interpreter is ending. */
    if (room->count < 0 || room->count >= freelist_limit(list)) {
        return 0;
    }
    room->items[room->count++] = object;
    return 1;
#endif
}

void
extshim_freelist_release(ExtShim_Handle *handle, void *memory)
{
    ExtShim_FreelistRoom *room = (ExtShim_FreelistRoom *)memory;
    int count = room->count;
    room->count = -1;
    for (int i = 0; i < count; i++) {
        handle->clear(room->items[i]);
    }
}

#else

void
extshim_freelist_release(ExtShim_Handle *handle, void *memory)
{
    (void)handle;
    (void)memory;
}

#endif
