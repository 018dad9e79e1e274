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

#ifndef Py_GIL_DISABLED
/* The interpreter's list, or NULL: then there is none to use. An exception that is set stays. */
static ExtShim_FreelistRoom *
freelist_room(ExtShim_Handle *list)
{
    void *room = EXTSHIM_LOAD_PTR(&list->only);
    if (EXTSHIM_LIKELY(room != NULL)) {
        return (ExtShim_FreelistRoom *)room;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    room = ExtShim_GetSlow(list);
    PyErr_Restore(type, value, traceback);
    return (ExtShim_FreelistRoom *)room;
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
    ExtShim_FreelistRoom *room = freelist_room(list);
    if (room == NULL || room->count <= 0) {
        return NULL; /* an ordinary allocation follows */
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
    ExtShim_FreelistRoom *room = freelist_room(list);
    /* A count below 0 closes the list: the interpreter is ending. */
    if (room == NULL || room->count < 0 || room->count >= freelist_limit(list)) {
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
