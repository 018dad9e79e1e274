/* type_make.c - makes the heap type of a template, or says why it cannot be made. */
#include "internal.h"

#if !EXTSHIM_LIMITED

#include "type_slots.h"

#include <structmember.h>

/* Flags that PyType_Ready() and the type machinery set themselves. */
#define MADE_FLAGS (Py_TPFLAGS_HEAPTYPE | Py_TPFLAGS_READY | Py_TPFLAGS_READYING)

/* One conversion: everything that is freed at its end. */
struct making {
    ExtShim_Type *type;
    const PyTypeObject *from;
    struct extshim_block *block;
    PyObject *module;       /* borrowed; NULL outside an EXTSHIM_MODINIT function */
    PyTypeObject *base;     /* borrowed; NULL: object */
    PyTypeObject *metatype; /* borrowed; NULL: type's own choice */
    PyObject *bases;        /* new: the base, or a tuple of several; NULL: object */
    PyMemberDef *members;   /* the template's and those for the offsets */
    struct extshim_slots slots;
};

static int
make_refuse(const struct making *m, const char *reason)
{
    PyErr_Format(PyExc_TypeError, "extshim: cannot convert static type '%s': %s",
                 m->from->tp_name != NULL ? m->from->tp_name : m->type->handle.text, reason);
    return -1;
}

/* The heap type that stands for `named`, which a template mentions: its own conversion where it is
 * a template, else itself. Borrowed; NULL with an exception. */
static PyTypeObject *
make_resolve(const struct making *m, PyTypeObject *named, const char *role)
{
    ExtShim_Type *other = extshim_template_find(named);
    if (other != NULL) {
        return (PyTypeObject *)ExtShim_Get(&other->handle);
    }
    if (Py_TYPE((PyObject *)named) != NULL && !PyType_Check((PyObject *)named)) {
        PyErr_Format(PyExc_TypeError,
                     "extshim: cannot convert static type '%s': its %s in tp_bases is no type",
                     m->from->tp_name, role);
        return NULL;
    }
    if ((named->tp_flags & (Py_TPFLAGS_READY | Py_TPFLAGS_HEAPTYPE)) == 0) {
        PyErr_Format(PyExc_TypeError,
                     "extshim: cannot convert static type '%s': its %s '%s' is a static type "
                     "that nobody has made ready; add EXTSHIM_STATIC_TYPE for it",
                     m->from->tp_name, role, named->tp_name);
        return NULL;
    }
    return named;
}

static int
make_check(const struct making *m)
{
    if (m->from->tp_name == NULL) {
        return make_refuse(m, "it has no tp_name");
    }
    if (m->from->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        return make_refuse(m, "its flags say that it is a heap type already");
    }
    if (m->from->tp_flags & Py_TPFLAGS_READY) {
        return make_refuse(m, "PyType_Ready() was called on it; call ExtShim_READY() instead");
    }
    if (m->from->tp_dict != NULL) {
        return make_refuse(m, "its tp_dict is filled by hand; one dict cannot serve several "
                              "interpreters. Set the attributes on ExtShim_TYPE() instead");
    }
    if (m->from->tp_mro != NULL || m->from->tp_subclasses != NULL) {
        return make_refuse(m, "its tp_mro or tp_subclasses is set by hand");
    }
    return 0;
}

static int
make_bases(struct making *m)
{
    if (m->from->tp_bases != NULL) {
        Py_ssize_t count = PyTuple_Size(m->from->tp_bases);
        m->bases = count < 0 ? NULL : PyTuple_New(count);
        for (Py_ssize_t i = 0; m->bases != NULL && i < count; i++) {
            PyTypeObject *base = make_resolve(
                m, (PyTypeObject *)PyTuple_GET_ITEM(m->from->tp_bases, i), "base class");
            if (base == NULL) {
                return -1;
            }
            Py_INCREF(base);
            PyTuple_SET_ITEM(m->bases, i, (PyObject *)base);
            if (i == 0) {
                m->base = base;
            }
        }
        return m->bases == NULL ? -1 : 0;
    }
    if (m->from->tp_base != NULL) {
        m->base = make_resolve(m, m->from->tp_base, "base class");
        if (m->base == NULL) {
            return -1;
        }
        m->bases = PyTuple_Pack(1, (PyObject *)m->base);
        return m->bases == NULL ? -1 : 0;
    }
    return 0;
}

static int
make_check_size(const struct making *m)
{
    if (m->base != NULL && m->from->tp_basicsize != 0 &&
        m->from->tp_basicsize < m->base->tp_basicsize) {
        return make_refuse(m, "its tp_basicsize is smaller than that of its base class");
    }
    return 0;
}

static int
make_metatype(struct making *m)
{
    PyTypeObject *named = Py_TYPE((PyObject *)(uintptr_t)m->from);
    if (named == NULL || named == &PyType_Type) {
        return 0;
    }
    m->metatype = make_resolve(m, named, "metaclass");
    return m->metatype == NULL ? -1 : 0;
}

/* tp_name, or "module.tp_name" where it has no dot: that of the module that is being executed, as a
 * binary may hold several, else the binary's first. Made once per process: before 3.11 a heap type
 * keeps the pointer. */
static const char *
make_name(struct making *m)
{
    if (strchr(m->from->tp_name, '.') != NULL) {
        return m->from->tp_name;
    }
    char *name = (char *)EXTSHIM_LOAD_PTR(&m->type->dotted_name);
    if (name != NULL) {
        return name;
    }
    const char *module_name = m->block->module_name;
    if (m->module != NULL) {
        module_name = PyModule_GetName(m->module);
        if (module_name == NULL) {
            return NULL;
        }
    }
    size_t size = strlen(module_name) + strlen(m->from->tp_name) + 2;
    char *fresh = (char *)extshim_allocate(1, size);
    if (fresh == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    (void)PyOS_snprintf(fresh, size, "%s.%s", module_name, m->from->tp_name);
    extshim_lock();
    name = m->type->dotted_name;
    if (name == NULL) {
        EXTSHIM_STORE_PTR(&m->type->dotted_name, fresh);
        name = fresh;
        fresh = NULL;
    }
    extshim_unlock();
    extshim_free(fresh);
    return name;
}

static void
make_offset_member(PyMemberDef *member, const char *name, Py_ssize_t offset)
{
    member->name = name;
    member->type = T_PYSSIZET;
    member->offset = offset;
    member->flags = READONLY;
}

/* A spec has no slots for the three offsets: members of special names carry them. */
static int
make_members(struct making *m)
{
    size_t count = 0;
    const PyMemberDef *own = m->from->tp_members;
    while (own != NULL && own[count].name != NULL) {
        count++;
    }
    m->members = (PyMemberDef *)extshim_allocate(count + 4, sizeof(PyMemberDef));
    if (m->members == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (count > 0) {
        memcpy(m->members, own, count * sizeof(PyMemberDef));
    }
    if (m->from->tp_dictoffset != 0) {
        make_offset_member(&m->members[count++], "__dictoffset__", m->from->tp_dictoffset);
    }
    if (m->from->tp_weaklistoffset != 0) {
        make_offset_member(&m->members[count++], "__weaklistoffset__", m->from->tp_weaklistoffset);
    }
    if (m->from->tp_vectorcall_offset != 0) {
        make_offset_member(&m->members[count++], "__vectorcalloffset__",
                           m->from->tp_vectorcall_offset);
    }
    if (count > 0) {
        extshim_slots_add(&m->slots, Py_tp_members, m->members);
    }
    return 0;
}

static int
make_is_basic(const struct making *m)
{
    return m->base == NULL || m->base == &PyBaseObject_Type;
}

static unsigned long
make_flags(struct making *m)
{
    unsigned long flags = m->from->tp_flags & ~(unsigned long)MADE_FLAGS;
    flags |= Py_TPFLAGS_DEFAULT;
#if PY_VERSION_HEX >= 0x030A0000
    /* Static types cannot be changed from Python; neither can these, where the bases allow it. */
    if (make_is_basic(m) || !(m->base->tp_flags & Py_TPFLAGS_HEAPTYPE) ||
        (m->base->tp_flags & Py_TPFLAGS_IMMUTABLETYPE)) {
        flags |= Py_TPFLAGS_IMMUTABLETYPE;
    }
    if (m->from->tp_new == NULL && make_is_basic(m)) {
        flags |= Py_TPFLAGS_DISALLOW_INSTANTIATION; /* a static type inherits no object.__new__ */
    }
#endif
    /* A subclass of a collected type that adds nothing is collected by inheritance. As a heap type
     * it has to visit its type, so it gets the wrapper and with it the flag. */
    int inherits = !(flags & Py_TPFLAGS_HAVE_GC) && !make_is_basic(m) &&
                   (m->base->tp_flags & Py_TPFLAGS_HAVE_GC) && m->from->tp_traverse == NULL &&
                   m->from->tp_clear == NULL;
    if (inherits) {
        flags |= Py_TPFLAGS_HAVE_GC;
        if (m->base->tp_clear != NULL) {
            extshim_slots_add(&m->slots, Py_tp_clear, (void *)m->base->tp_clear);
        }
    }
    return flags;
}

static void
make_wrapped_slots(struct making *m, unsigned long flags)
{
    if (m->from->tp_dealloc != NULL) {
        extshim_slots_add(&m->slots, Py_tp_dealloc, (void *)m->type->dealloc);
    }
    if (flags & Py_TPFLAGS_HAVE_GC) {
        extshim_slots_add(&m->slots, Py_tp_traverse, (void *)m->type->traverse);
    }
    if (m->from->tp_finalize != NULL) {
        extshim_slots_add(&m->slots, Py_tp_finalize, (void *)m->type->finalize);
    }
}

#if PY_VERSION_HEX >= 0x030C0000
static PyObject *
make_from_spec(struct making *m, PyType_Spec *spec)
{
    PyTypeObject *metatype = m->metatype;
    if (metatype == NULL || !(metatype->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        return PyType_FromMetaclass(metatype, m->module, spec, m->bases);
    }
    /* PyType_FromMetaclass() refuses metaclasses with a tp_new of their own, since it does not call
     * it. PyType_Ready() did not call it either, so nothing is lost by hiding it meanwhile. */
    newfunc own_new = metatype->tp_new;
    metatype->tp_new = PyType_Type.tp_new;
    PyObject *made = PyType_FromMetaclass(metatype, m->module, spec, m->bases);
    metatype->tp_new = own_new;
    return made;
}
#else
static PyObject *
make_from_spec(struct making *m, PyType_Spec *spec)
{
    if (m->metatype != NULL && m->metatype->tp_basicsize != PyType_Type.tp_basicsize) {
        (void)make_refuse(m, "its metaclass has fields of its own, which needs Python 3.12");
        return NULL;
    }
    PyObject *made = m->module != NULL ? PyType_FromModuleAndSpec(m->module, spec, m->bases)
                                       : PyType_FromSpecWithBases(spec, m->bases);
    if (made != NULL && m->metatype != NULL) {
        PyTypeObject *before = Py_TYPE(made);
        Py_INCREF(m->metatype);
        Py_SET_TYPE(made, m->metatype);
        if (before->tp_flags & Py_TPFLAGS_HEAPTYPE) {
            Py_DECREF(before);
        }
    }
    return made;
}
#endif

#if PY_VERSION_HEX < 0x030A0000
/* PyType_FromSpec() of 3.9 cuts the signature off the doc string, and __text_signature__ with it.
 */
static int
make_whole_doc(const struct making *m, PyTypeObject *made)
{
    if (m->from->tp_doc == NULL) {
        return 0;
    }
    size_t size = strlen(m->from->tp_doc) + 1;
    char *doc =
        (char *)PyObject_Malloc(size); /* the type's dealloc frees it with the same family */
    if (doc == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(doc, m->from->tp_doc, size);
    PyObject_Free((char *)(uintptr_t)made->tp_doc);
    made->tp_doc = doc;
    return 0;
}
#endif

/* What no slot can say on this version. */
static int
make_finish(struct making *m, PyTypeObject *made)
{
#ifndef Py_tp_vectorcall
    made->tp_vectorcall = m->from->tp_vectorcall;
#endif
#if PY_VERSION_HEX < 0x030A0000
    if (m->from->tp_new == NULL && make_is_basic(m)) {
        made->tp_new = NULL;
    }
    if (make_whole_doc(m, made) < 0) {
        return -1;
    }
#endif
    (void)m;
    PyType_Modified(made);
    return 0;
}

static PyObject *
make_type(struct making *m)
{
    if (make_check(m) < 0 || make_bases(m) < 0 || make_check_size(m) < 0 || make_metatype(m) < 0) {
        return NULL;
    }
    extshim_slots_from_static(&m->slots, m->from);
    unsigned long flags = make_flags(m);
    make_wrapped_slots(m, flags);
    if (make_members(m) < 0) {
        return NULL;
    }
    extshim_slots_add(&m->slots, 0, NULL);
    const char *name = make_name(m);
    if (name == NULL) {
        return NULL;
    }
    PyType_Spec spec = {name, (int)m->from->tp_basicsize, (int)m->from->tp_itemsize,
                        (unsigned int)flags, m->slots.items};
    PyObject *made = make_from_spec(m, &spec);
    if (made != NULL && make_finish(m, (PyTypeObject *)made) < 0) {
        Py_CLEAR(made);
    }
    return made;
}

void *
extshim_make_type(struct extshim_block *block, ExtShim_Handle *handle)
{
    struct making m;
    memset(&m, 0, sizeof(m));
    m.type = (ExtShim_Type *)handle; /* the handle is its first member */
    m.from = m.type->static_type;
    m.block = block;
    m.module = extshim_module_executing(block);
    PyObject *made = make_type(&m);
    Py_XDECREF(m.bases);
    extshim_free(m.members);
    return made;
}

int
ExtShim_AddType(PyObject *module, ExtShim_Type *type)
{
    PyTypeObject *made = (PyTypeObject *)ExtShim_Get(&type->handle);
    if (made == NULL) {
        return -1;
    }
    const char *dot = strrchr(type->static_type->tp_name, '.');
    const char *name = dot != NULL ? dot + 1 : type->static_type->tp_name;
    return PyObject_SetAttrString(module, name, (PyObject *)made);
}

#endif /* !EXTSHIM_LIMITED */
