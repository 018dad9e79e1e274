/* extshim/caches.h - what modules like to keep in statics, one per interpreter: interned strings,
 * imported attributes, exception classes, other modules' C API, dead instances for reuse.
 *
 *     EXTSHIM_STRING(str_append, "append")
 *     EXTSHIM_IMPORT(datetime_class, "datetime", "datetime")
 *     EXTSHIM_EXCEPTION(SpamError, "spam.SpamError", "ValueError", "Raised for bad spam.")
 *
 *     PyObject_GetAttr(list, ExtShim_GET(str_append));
 *
 * All work under Py_LIMITED_API except the freelist. See docs/shim.md.
 */
#ifndef EXTSHIM_CACHES_H
#define EXTSHIM_CACHES_H

#include "state.h"

EXTSHIM_BEGIN_C

/* Declares `name`: the interned string `literal`, made on first use. Read it with
 * ExtShim_GET(name).
 *
 * Returns: a declaration.
 * Refs: each interpreter owns one reference.
 * Threads: none; the value is reached from any attached thread.
 * Since: 0.1.
 * See: PyUnicode_InternFromString. */
#define EXTSHIM_STRING(name, literal)                                                              \
    static ExtShim_Handle name = EXTSHIM_HANDLE_INIT(EXTSHIM_KIND_STRING, 0, (literal), NULL, NULL);

/* Declares `name`: attribute `attribute` of module `module`, imported on first use; with a NULL
 * attribute the module itself. Read it with ExtShim_GET(name).
 *
 * Returns: a declaration.
 * Refs: each interpreter owns one reference.
 * Threads: none; the first use imports, which runs Python code.
 * Since: 0.1.
 * See: PyImport_ImportModule. */
#define EXTSHIM_IMPORT(name, module, attribute)                                                    \
    static ExtShim_Handle name =                                                                   \
        EXTSHIM_HANDLE_INIT(EXTSHIM_KIND_IMPORT, 0, (module), (attribute), NULL);

/* Declares `name`: exception class `dotted` ("spam.SpamError"), made on first use. `builtin` is the
 * name of the builtin exception it derives from, NULL for Exception; `doc` may be NULL.
 *
 * Returns: a declaration.
 * Refs: each interpreter owns one reference.
 * Threads: none; the value is reached from any attached thread.
 * Since: 0.1.
 * See: PyErr_NewExceptionWithDoc. */
#define EXTSHIM_EXCEPTION(name, dotted, builtin, doc)                                              \
    static ExtShim_Handle name = EXTSHIM_HANDLE_INIT_FULL(EXTSHIM_KIND_EXCEPTION, 0, (dotted),     \
                                                          (doc), NULL, (builtin), NULL);

/* The same with a base class that is an EXTSHIM_EXCEPTION or EXTSHIM_OBJECT of this module.
 *
 * Returns: a declaration.
 * Refs: each interpreter owns one reference.
 * Threads: none; the value is reached from any attached thread.
 * Since: 0.1. */
#define EXTSHIM_EXCEPTION_FROM(name, dotted, base_handle, doc)                                     \
    static ExtShim_Handle name = EXTSHIM_HANDLE_INIT_FULL(EXTSHIM_KIND_EXCEPTION, 0, (dotted),     \
                                                          (doc), NULL, NULL, &(base_handle));

/* Declares `name`: the C pointer of the capsule `dotted` ("pkg.mod.C_API"), imported once per
 * interpreter in place of a static pointer. Read it with ExtShim_CAPI(name, type).
 *
 * Returns: a declaration.
 * Refs: none; the exporting module keeps what the pointer leads to.
 * Threads: none; the first use imports, which runs Python code.
 * Since: 0.1.
 * See: PyCapsule_Import. */
#define EXTSHIM_CAPI_IMPORT(name, dotted)                                                          \
    static ExtShim_Handle name = EXTSHIM_HANDLE_INIT(EXTSHIM_KIND_CAPSULE, 0, (dotted), NULL, NULL);

/* The pointer of an EXTSHIM_CAPI_IMPORT in the attached interpreter, as type *.
 *
 * Returns: the pointer; NULL with an exception where the import failed.
 * Refs: none.
 * Threads: needs an attached thread state; the first use imports, which runs Python code.
 * Since: 0.1.
 * See: PyCapsule_Import. */
#define ExtShim_CAPI(name, type) ((type *)ExtShim_Get(&(name)))

/* Adds this interpreter's own copy of a C API table to `module`: attribute `attribute`, capsule
 * named "<module>.<attribute>". `table` is an EXTSHIM_STATE handle whose memory the caller has
 * filled for this interpreter; it lives as long as the interpreter does.
 *
 * Returns: 0; -1 with an exception.
 * Refs: borrows `module`, which gets a reference to the capsule.
 * Threads: needs an attached thread state; runs no Python code of the user.
 * Since: 0.1.
 * See: PyCapsule_New, "Providing a C API for an Extension Module". */
EXTSHIM_HIDDEN int ExtShim_CAPI_Export(PyObject *module, const char *attribute,
                                       ExtShim_Handle *table);

#if !EXTSHIM_LIMITED

/* Room for dead instances of one type; a field of EXTSHIM_KIND_FREELIST memory. */
typedef struct {
    int count;
    PyObject *items[1]; /* as many as the freelist's limit */
} ExtShim_FreelistRoom;

/* Declares `name`: at most `limit` dead instances per interpreter, in place of a static freelist.
 * `free_function` is what the type's dealloc would have called: PyObject_Free or PyObject_GC_Del.
 * Free-threaded builds keep none: their allocator is a freelist per thread already.
 *
 * Returns: a declaration.
 * Refs: the list owns its dead instances, which hold no reference to their type.
 * Threads: none; the value is reached from any attached thread.
 * Since: 0.1.
 * See: ExtShim_FreelistPop, ExtShim_FreelistPush. */
#define EXTSHIM_FREELIST(name, limit, free_function)                                               \
    static ExtShim_Handle name = EXTSHIM_HANDLE_INIT(                                              \
        EXTSHIM_KIND_FREELIST, sizeof(int) + sizeof(PyObject *) * ((size_t)(limit) + 1), #name,    \
        NULL, (free_function));

/* Takes a dead instance from the list and makes it a live one of `type`.
 *
 * Returns: the object with one reference, fields as its dealloc left them, not tracked by the
 * collector; NULL without an exception when the list is empty.
 * Refs: new; `type` gets the reference that every instance of a heap type holds.
 * Threads: needs an attached thread state; runs no Python code.
 * Since: 0.1.
 * See: PyObject_Init. */
EXTSHIM_HIDDEN PyObject *ExtShim_FreelistPop(ExtShim_Handle *list, PyTypeObject *type);

/* Offers a dead instance, at the end of its dealloc and in place of tp_free. The type's reference
 * is dropped by the converted type's own dealloc wrapper, so nothing is to be done for it here.
 *
 * Returns: 1 when the list keeps it; 0: the caller frees it.
 * Refs: `object` has none left.
 * Threads: needs an attached thread state; runs no Python code.
 * Since: 0.1. */
EXTSHIM_HIDDEN int ExtShim_FreelistPush(ExtShim_Handle *list, PyObject *object);

#endif /* !EXTSHIM_LIMITED */

EXTSHIM_END_C

#endif /* EXTSHIM_CACHES_H */
