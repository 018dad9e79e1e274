/* type_book.c - the reference that every instance of a heap type owns to its type: released in
 * dealloc, visited in traverse, kept when a finalizer revives the instance, dropped at the end. */
#include "internal.h"

#if !EXTSHIM_LIMITED

static ExtShim_Type *templates; /* atomic head; nodes are never removed */

void
ExtShim_TypeEnlist(ExtShim_Type *type)
{
    extshim_lock();
    type->next = templates;
    EXTSHIM_STORE_PTR(&templates, type);
    extshim_unlock();
}

ExtShim_Type *
extshim_template_find(const PyTypeObject *static_type)
{
    ExtShim_Type *type = (ExtShim_Type *)EXTSHIM_LOAD_PTR(&templates);
    while (type != NULL && type->static_type != static_type) {
        type = type->next;
    }
    return type;
}

typedef void (*book_slot)(void);

enum book_which { BOOK_DEALLOC, BOOK_TRAVERSE };

static inline book_slot
book_slot_of(const PyTypeObject *type, enum book_which which)
{
    return which == BOOK_DEALLOC ? (book_slot)type->tp_dealloc : (book_slot)type->tp_traverse;
}

static inline book_slot
book_wrapper_of(const ExtShim_Type *type, enum book_which which)
{
    return which == BOOK_DEALLOC ? (book_slot)type->dealloc : (book_slot)type->traverse;
}

/* The wrapper runs for the instance itself, not because a derived template's dealloc (or traverse)
 * called its base's through the heap type: only then does the type's reference belong to this call.
 */
static inline int
book_is_outermost(const PyTypeObject *type, const ExtShim_Type *mine, enum book_which which)
{
    book_slot found = book_slot_of(type, which), own = book_wrapper_of(mine, which);
    if (found == own) {
        return 1;
    }
    const ExtShim_Type *known = (const ExtShim_Type *)EXTSHIM_LOAD_PTR(&templates);
    for (; known != NULL; known = known->next) {
        if (book_wrapper_of(known, which) == found) {
            return 0;
        }
    }
    /* A class made in Python: its dealloc goes to the first base with another one, as CPython's
     * subtype_dealloc does, and leaves the type's reference to a base that is a heap type. */
    const PyTypeObject *base = type->tp_base;
    while (base != NULL && book_slot_of(base, which) == found) {
        base = base->tp_base;
    }
    return base != NULL && book_slot_of(base, which) == own;
}

/* Instances whose dealloc runs and whose type has a finalizer: it may revive them, and after the
 * dealloc nobody can look at the instance to find out. Lives on the dealloc's C stack. */
struct dying {
    const void *self; /* its address only */
    int revived;
    struct dying *next;
};

static struct dying *dying_now; /* under the lock */

static void
book_dying_add(struct dying *entry, PyObject *self)
{
    entry->self = self;
    entry->revived = 0;
    extshim_lock();
    entry->next = dying_now;
    dying_now = entry;
    extshim_unlock();
}

static void
book_dying_remove(struct dying *entry)
{
    extshim_lock();
    struct dying **place = &dying_now;
    while (*place != entry) {
        place = &(*place)->next;
    }
    *place = entry->next;
    extshim_unlock();
}

/* The template's own dealloc, and the reference to the type with it. */
static void
book_dealloc_now(const ExtShim_Type *type, PyObject *self)
{
    PyTypeObject *heap_type = Py_TYPE(self);
    if (type->static_type->tp_finalize == NULL) {
        type->static_type->tp_dealloc(self);
        Py_DECREF(heap_type);
        return;
    }
    struct dying entry;
    book_dying_add(&entry, self);
    type->static_type->tp_dealloc(self);
    book_dying_remove(&entry);
    if (!entry.revived) {
        Py_DECREF(heap_type);
    }
}

void
ExtShim_TypeFinalize(ExtShim_Type *type, PyObject *self)
{
    /* For the call PyObject_CallFinalizerFromDealloc() holds a reference; one that is left beside
     * it afterwards has revived the instance. */
    Py_ssize_t before = Py_REFCNT(self);
    type->static_type->tp_finalize(self);
    if (Py_REFCNT(self) <= before) {
        return;
    }
    extshim_lock();
    struct dying *entry = dying_now;
    while (entry != NULL && entry->self != self) {
        entry = entry->next;
    }
    if (entry != NULL) {
        entry->revived = 1;
    }
    extshim_unlock();
}

void
ExtShim_TypeDealloc(ExtShim_Type *type, PyObject *self)
{
    PyTypeObject *heap_type = Py_TYPE(self);
    if (!book_is_outermost(heap_type, type, BOOK_DEALLOC)) {
        type->static_type->tp_dealloc(self);
        return;
    }
#if PY_VERSION_HEX < 0x030E0000
    /* The template's own Py_TRASHCAN_BEGIN compares tp_dealloc with itself and finds the wrapper:
     * the depth of nested containers is limited here instead. From 3.14 on _Py_Dealloc() does it.
     */
    if (PyType_IS_GC(heap_type) && heap_type->tp_dealloc == type->dealloc) {
        PyObject_GC_UnTrack(self);
        Py_TRASHCAN_BEGIN(self, type->dealloc);
        /* Tracked again, as subtype_dealloc() does it: deallocs of CPython's exceptions, which a
         * template's may go on to, crash on instances that are not. */
        PyObject_GC_Track(self);
        book_dealloc_now(type, self);
        Py_TRASHCAN_END;
        return;
    }
#endif
    book_dealloc_now(type, self);
}

int
ExtShim_TypeTraverse(ExtShim_Type *type, PyObject *self, visitproc visit, void *arg)
{
    PyTypeObject *heap_type = Py_TYPE(self);
    if (book_is_outermost(heap_type, type, BOOK_TRAVERSE)) {
        Py_VISIT(heap_type);
    }
    traverseproc original = type->static_type->tp_traverse;
    if (original == NULL) {
        /* Inherited from a base that knows nothing of heap types, dict for example. */
        const PyTypeObject *base = type->static_type->tp_base;
        while (base != NULL && base->tp_traverse == NULL) {
            base = base->tp_base;
        }
        original = base == NULL ? NULL : base->tp_traverse;
    }
    return original == NULL ? 0 : original(self, visit, arg);
}

/* Instances of a type without garbage collection that stand in the type's own dict (Decimal.ZERO)
 * form a cycle that nobody can see: type -> dict -> instance -> type. */
static void
book_drop_own_instances(PyTypeObject *type)
{
    PyObject *dict = type->tp_dict;
    if (dict == NULL || PyType_IS_GC(type)) {
        return;
    }
    PyObject *items = PyDict_Items(dict);
    for (Py_ssize_t i = 0; items != NULL && i < PyList_GET_SIZE(items); i++) {
        PyObject *pair = PyList_GET_ITEM(items, i);
        if (PyObject_TypeCheck(PyTuple_GET_ITEM(pair, 1), type)) {
            (void)PyDict_DelItem(dict, PyTuple_GET_ITEM(pair, 0));
        }
    }
    Py_XDECREF(items);
    PyErr_Clear();
    PyType_Modified(type);
}

void
extshim_type_release(PyTypeObject *type)
{
    book_drop_own_instances(type);
    Py_DECREF(type);
}

#endif /* !EXTSHIM_LIMITED */
