/* caches.c - first use of strings, imports, exceptions and capsules. */
#include "internal.h"

void *
extshim_make_string(ExtShim_Handle *handle)
{
    return PyUnicode_InternFromString(handle->text);
}

void *
extshim_make_import(ExtShim_Handle *handle)
{
    PyObject *module = PyImport_ImportModule(handle->text);
    if (module == NULL || handle->more == NULL) {
        return module;
    }
    PyObject *value = PyObject_GetAttrString(module, handle->more);
    Py_DECREF(module);
    return value;
}

/* New reference to the builtin of that name. */
static PyObject *
exception_builtin(const char *name)
{
    PyObject *builtins = PyImport_ImportModule("builtins");
    if (builtins == NULL) {
        return NULL;
    }
    PyObject *value = PyObject_GetAttrString(builtins, name);
    Py_DECREF(builtins);
    return value;
}

void *
extshim_make_exception(ExtShim_Handle *handle)
{
    PyObject *base = NULL;
    if (handle->link != NULL) {
        base = ExtShim_GetRef(handle->link);
        if (base == NULL) {
            if (!PyErr_Occurred()) {
                PyErr_Format(PyExc_SystemError, "extshim: base class of '%s' is not set",
                             handle->text);
            }
            return NULL;
        }
    }
    else if (handle->base != NULL) {
        base = exception_builtin(handle->base);
        if (base == NULL) {
            return NULL;
        }
    }
    PyObject *made = PyErr_NewExceptionWithDoc(handle->text, handle->more, base, NULL);
    Py_XDECREF(base);
    return made;
}

/* Imports what stands before the last dot and gets the capsule from it: PyCapsule_Import() does not
 * import "mod" of "pkg.mod.NAME", and turns each of its failures into an ImportError. */
static PyObject *
capsule_from_module(const char *dotted, const char *dot)
{
    PyObject *name = PyUnicode_FromStringAndSize(dotted, dot - dotted);
    if (name == NULL) {
        return NULL;
    }
    PyObject *module = PyImport_Import(name);
    Py_DECREF(name);
    if (module == NULL) {
        return NULL;
    }
    PyObject *capsule = PyObject_GetAttrString(module, dot + 1);
    Py_DECREF(module);
    return capsule;
}

void *
extshim_make_capsule(ExtShim_Handle *handle)
{
    const char *dot = strrchr(handle->text, '.');
    PyObject *capsule = dot == NULL ? NULL : capsule_from_module(handle->text, dot);
    void *pointer = NULL;
    if (capsule != NULL) {
        pointer = PyCapsule_GetPointer(capsule, handle->text);
        Py_DECREF(capsule); /* the module keeps it */
    }
    else if (dot == NULL || PyErr_ExceptionMatches(PyExc_ModuleNotFoundError)) {
        PyErr_Clear(); /* "mod.Class.NAME" has no module before its last dot */
        pointer = PyCapsule_Import(handle->text, 0);
    }
    if (pointer == NULL && !PyErr_Occurred()) {
        PyErr_Format(PyExc_ImportError, "extshim: the capsule %s holds NULL", handle->text);
    }
    return pointer;
}

int
ExtShim_CAPI_Export(PyObject *module, const char *attribute, ExtShim_Handle *table)
{
    void *pointer = ExtShim_Get(table);
    if (pointer == NULL) {
        return -1;
    }
    PyObject *name = PyModule_GetNameObject(module);
    if (name == NULL) {
        return -1;
    }
    PyObject *dotted = PyUnicode_FromFormat("%U.%s", name, attribute);
    Py_DECREF(name);
    if (dotted == NULL) {
        return -1;
    }
    PyObject *bytes = PyUnicode_AsUTF8String(dotted);
    Py_DECREF(dotted);
    if (bytes == NULL) {
        return -1;
    }
    /* PyCapsule keeps the pointer to its name: it must live as long as the capsule may. */
    size_t size = (size_t)PyBytes_Size(bytes) + 1;
    char *kept = (char *)extshim_allocate(1, size);
    if (kept == NULL) {
        Py_DECREF(bytes);
        PyErr_NoMemory();
        return -1;
    }
    memcpy(kept, PyBytes_AsString(bytes), size);
    Py_DECREF(bytes);
    PyObject *capsule = PyCapsule_New(pointer, kept, extshim_capsule_free_name);
    if (capsule == NULL) {
        extshim_free(kept);
        return -1;
    }
    int result = PyObject_SetAttrString(module, attribute, capsule);
    Py_DECREF(capsule);
    return result;
}

void
extshim_capsule_free_name(PyObject *capsule)
{
    extshim_free((void *)(uintptr_t)PyCapsule_GetName(capsule));
}
