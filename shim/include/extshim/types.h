/* extshim/types.h - an untouched `static PyTypeObject` becomes a heap type per interpreter.
 *
 *     static PyTypeObject Foo_Type = { PyVarObject_HEAD_INIT(NULL, 0) .tp_name = "spam.Foo", ... };
 *     EXTSHIM_STATIC_TYPE(Foo_Type)
 *
 *     if (ExtShim_READY(Foo_Type) < 0) ...                       was PyType_Ready(&Foo_Type)
 *     PyObject_New(FooObject, ExtShim_TYPE(Foo_Type))            was &Foo_Type
 *
 * The static type is only a template: nothing but the shim may use its address. Base classes and
 * metaclasses that are templates as well are named as before (`.tp_base = &Bar_Type`) and converted
 * first. The new types are immutable from 3.10 on; on 3.9 they are mutable.
 *
 * Every instance of a heap type owns a reference to its type. The wrappers that the macro generates
 * keep that book: dealloc releases it, traverse visits it, so the functions of the static type stay
 * as they are. See docs/shim.md for what cannot be converted and how it is refused.
 * PEP 630, PEP 697.
 */
#ifndef EXTSHIM_TYPES_H
#define EXTSHIM_TYPES_H

#include "state.h"

#if EXTSHIM_LIMITED

#define EXTSHIM_STATIC_TYPE(T)                                                                     \
    EXTSHIM_ERROR_("EXTSHIM_STATIC_TYPE needs the full API: the limited hides PyTypeObject")
#define EXTSHIM_TYPE_DEFINE(T) EXTSHIM_STATIC_TYPE(T)
#define EXTSHIM_TYPE_EXTERN(T) EXTSHIM_STATIC_TYPE(T)

#else

EXTSHIM_BEGIN_C

/* What the macros below declare for a template. */
typedef struct ExtShim_Type {
    ExtShim_Handle handle;
    PyTypeObject *static_type; /* the template; read, never written */
    destructor dealloc;        /* generated wrappers of this template */
    traverseproc traverse;
    destructor finalize;
    char *dotted_name;         /* atomic: tp_name with the module's name where it has no dot */
    struct ExtShim_Type *next; /* all templates of the binary */
} ExtShim_Type;

#define EXTSHIM_TYPE_PARTS_(storage, T)                                                            \
    static void T##_extshim_dealloc(PyObject *self);                                               \
    static int T##_extshim_traverse(PyObject *self, visitproc visit, void *arg);                   \
    static void T##_extshim_finalize(PyObject *self);                                              \
    storage ExtShim_Type T##_extshim = {EXTSHIM_HANDLE_INIT(EXTSHIM_KIND_TYPE, 0, #T, NULL, NULL), \
                                        &T,                                                        \
                                        T##_extshim_dealloc,                                       \
                                        T##_extshim_traverse,                                      \
                                        T##_extshim_finalize,                                      \
                                        NULL,                                                      \
                                        NULL};                                                     \
    static void T##_extshim_dealloc(PyObject *self)                                                \
    {                                                                                              \
        ExtShim_TypeDealloc(&T##_extshim, self);                                                   \
    }                                                                                              \
    static int T##_extshim_traverse(PyObject *self, visitproc visit, void *arg)                    \
    {                                                                                              \
        return ExtShim_TypeTraverse(&T##_extshim, self, visit, arg);                               \
    }                                                                                              \
    static void T##_extshim_finalize(PyObject *self)                                               \
    {                                                                                              \
        ExtShim_TypeFinalize(&T##_extshim, self);                                                  \
    }                                                                                              \
    EXTSHIM_TYPE_ENLIST_(T)

#if defined(__GNUC__) || defined(__clang__)
/* Templates are known from load time on, so that a derived type finds its base in any order. */
#define EXTSHIM_TYPE_ENLIST_(T)                                                                    \
    __attribute__((constructor)) static void T##_extshim_enlist(void)                              \
    {                                                                                              \
        ExtShim_TypeEnlist(&T##_extshim);                                                          \
    }
#else
/* Untested. Without constructors a base has to be used (ExtShim_READY) before what derives from it.
 */
#define EXTSHIM_TYPE_ENLIST_(T)
#endif

/* Makes the static type `T` (declared above, in this file) a template. File scope.
 *
 * Returns: a declaration.
 * Refs: each interpreter owns one reference to its heap type.
 * Threads: none; the value is reached from any attached thread.
 * Since: 0.1.
 * See: PyType_Spec. */
#define EXTSHIM_STATIC_TYPE(T) EXTSHIM_TYPE_PARTS_(static, T)

/* For a type that several files use: this beside its `extern` declaration in the header, and
 * EXTSHIM_TYPE_DEFINE after its definition.
 *
 * Returns: a declaration.
 * Refs: as EXTSHIM_STATIC_TYPE.
 * Threads: none; the value is reached from any attached thread.
 * Since: 0.1. */
#define EXTSHIM_TYPE_EXTERN(T) extern EXTSHIM_HIDDEN ExtShim_Type T##_extshim;

/* The definition that belongs to EXTSHIM_TYPE_EXTERN.
 *
 * Returns: a declaration.
 * Refs: as EXTSHIM_STATIC_TYPE.
 * Threads: none; the value is reached from any attached thread.
 * Since: 0.1. */
#define EXTSHIM_TYPE_DEFINE(T) EXTSHIM_TYPE_PARTS_(EXTSHIM_HIDDEN, T)

/* The attached interpreter's heap type for the template, as PyTypeObject *.
 *
 * Returns: the type, made on first use; NULL with an exception, TypeError where it cannot be
 * converted.
 * Refs: borrowed.
 * Threads: needs an attached thread state; the first use may run Python code (metaclasses,
 * __init_subclass__, __set_name__).
 * Since: 0.1.
 * See: docs/shim.md, "What cannot be converted". */
#define ExtShim_TYPE(T) ((PyTypeObject *)ExtShim_Get(&T##_extshim.handle))

/* Makes the attached interpreter's type now, in place of PyType_Ready(&T).
 *
 * Returns: 0; -1 with an exception, as ExtShim_TYPE().
 * Refs: none.
 * Threads: as ExtShim_TYPE().
 * Since: 0.1.
 * See: PyType_Ready. */
#define ExtShim_READY(T) (ExtShim_TYPE(T) != NULL ? 0 : -1)

/* Adds the heap type to `module` under the last part of its name, in place of PyType_Ready,
 * Py_INCREF and PyModule_AddObject.
 *
 * Returns: 0; -1 with an exception.
 * Refs: borrows `module`, which gets a reference to the type.
 * Threads: as ExtShim_TYPE().
 * Since: 0.1.
 * See: PyModule_AddType. */
#define ExtShim_ADD_TYPE(module, T) ExtShim_AddType((module), &T##_extshim)

/* Is `object` an instance of the template's type or of a subclass? In place of
 * PyObject_TypeCheck(object, &T), and cheaper than a look-up of the type with several interpreters.
 *
 * Returns: 1 or 0; it sets no exception.
 * Refs: borrows `object`.
 * Threads: as ExtShim_TYPE().
 * Since: 0.1.
 * See: PyObject_TypeCheck. */
#define ExtShim_CHECK(object, T) ExtShim_TypeCheck((PyObject *)(object), &T##_extshim)

/* What ExtShim_CHECK does. Instances never leave their interpreter, so the dealloc that was
 * generated for the template tells its instances from all others; subclasses made in Python have
 * another one.
 *
 * Returns: 1 or 0; it sets no exception.
 * Refs: borrows `object`.
 * Threads: needs an attached thread state; the first use may run Python code (metaclasses,
 * __init_subclass__, __set_name__).
 * Since: 0.1.
 * See: PyObject_TypeCheck. */
static inline int
ExtShim_TypeCheck(PyObject *object, ExtShim_Type *type)
{
    if (Py_TYPE(object)->tp_dealloc == type->dealloc) {
        return 1;
    }
    PyTypeObject *made = (PyTypeObject *)ExtShim_Get(&type->handle);
    if (made == NULL) {
        PyErr_Clear(); /* there is no such type, so this is no instance */
        return 0;
    }
    return PyObject_TypeCheck(object, made);
}

/* What ExtShim_ADD_TYPE does.
 *
 * Returns: 0; -1 with an exception.
 * Refs: borrows `module`, which gets a reference to the type.
 * Threads: needs an attached thread state; the first use may run Python code (metaclasses,
 * __init_subclass__, __set_name__).
 * Since: 0.1.
 * See: PyModule_AddType. */
EXTSHIM_HIDDEN int ExtShim_AddType(PyObject *module, ExtShim_Type *type);

/* Behind the generated tp_dealloc: runs the template's dealloc and releases the instance's type,
 * also for subclasses, resurrected instances and deallocs that call their base's.
 *
 * Returns: nothing.
 * Refs: `self` has none left; drops the instance's reference to its type.
 * Threads: needs an attached thread state; may run Python code.
 * Since: 0.1.
 * See: PEP 630, "Heap types: tp_dealloc". */
EXTSHIM_HIDDEN void ExtShim_TypeDealloc(ExtShim_Type *type, PyObject *self);

/* Behind the generated tp_traverse: visits the instance's type once and what the template visits.
 *
 * Returns: 0, or what `visit` returned.
 * Refs: none.
 * Threads: the collector calls it; runs no Python code.
 * Since: 0.1.
 * See: bpo-40217 (heap types visit their type since 3.9). */
EXTSHIM_HIDDEN int ExtShim_TypeTraverse(ExtShim_Type *type, PyObject *self, visitproc visit,
                                        void *arg);

/* Behind the generated tp_finalize: the template's own, and a note where it revived the instance.
 *
 * Returns: nothing.
 * Refs: borrows `self`.
 * Threads: needs an attached thread state; may run Python code.
 * Since: 0.1.
 * See: PEP 442. */
EXTSHIM_HIDDEN void ExtShim_TypeFinalize(ExtShim_Type *type, PyObject *self);

/* Makes a template known; the generated constructor calls it when the binary is loaded.
 *
 * Returns: nothing.
 * Refs: none.
 * Threads: needs no thread state; runs no Python code.
 * Since: 0.1. */
EXTSHIM_HIDDEN void ExtShim_TypeEnlist(ExtShim_Type *type);

EXTSHIM_END_C

#endif /* EXTSHIM_LIMITED */

#endif /* EXTSHIM_TYPES_H */
