#define _GNU_SOURCE
#include "private_copy.h"

#if defined(__linux__) && defined(__GLIBC__) && !defined(Py_GIL_DISABLED)
#define COPY_WORKS
#include <dlfcn.h>
#include <string.h>

#include "private_image.h"

#define IMAGE_NAME "extpool private image"

/* ---- images ---- */

static void
copy_free(PyObject *capsule)
{
    struct private_image *image = PyCapsule_GetPointer(capsule, IMAGE_NAME);
    if (image) {
        private_image_close(image);
    }
}

static PyObject *
copy_string(const struct private_image *image, ElfW(Sxword) tag)
{
    for (size_t i = 0; i < image->elf.dynamic_count; i++) {
        const char *string = private_elf_string(&image->elf, i, tag);
        if (string) {
            return PyUnicode_DecodeFSDefault(string);
        }
    }
    Py_RETURN_NONE;
}

static PyObject *
copy_needed(const struct private_image *image)
{
    PyObject *names = PyList_New(0);
    for (size_t i = 0; names && i < image->elf.dynamic_count; i++) {
        const char *string = private_elf_string(&image->elf, i, DT_NEEDED);
        PyObject *name = string ? PyUnicode_DecodeFSDefault(string) : NULL;
        if (string && (!name || PyList_Append(names, name) < 0)) {
            Py_CLEAR(names);
        }
        Py_XDECREF(name);
    }
    return names;
}

static PyObject *
copy_open(PyObject *Py_UNUSED(module), PyObject *path)
{
    char error[PRIVATE_IMAGE_ERROR] = "";
    PyObject *bytes;
    if (!PyUnicode_FSConverter(path, &bytes)) {
        return NULL;
    }
    struct private_image *image;
    Py_BEGIN_ALLOW_THREADS image =
        private_image_open(PyBytes_AS_STRING(bytes), error, sizeof(error));
    Py_END_ALLOW_THREADS Py_DECREF(bytes);
    if (!image) {
        PyErr_SetString(PyExc_ImportError, error);
        return NULL;
    }
    PyObject *capsule = PyCapsule_New(image, IMAGE_NAME, copy_free);
    if (!capsule) {
        private_image_close(image);
        return NULL;
    }
    return Py_BuildValue("(NINNNN)", capsule, image->number, copy_string(image, DT_SONAME),
                         copy_needed(image), copy_string(image, DT_RPATH),
                         copy_string(image, DT_RUNPATH));
}

static PyObject *
copy_name(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned number;
    PyObject *name;
    if (!PyArg_ParseTuple(args, "IO&:copy_name", &number, PyUnicode_FSConverter, &name)) {
        return NULL;
    }
    PyObject *result = NULL;
    PyObject *other = PyBytes_FromStringAndSize(PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name));
    if (other && private_image_name(number, PyBytes_AS_STRING(other)) < 0) {
        PyErr_Format(PyExc_ImportError, "the name %s is too short to be told apart",
                     PyBytes_AS_STRING(name));
    }
    else if (other) {
        result = PyUnicode_DecodeFSDefault(PyBytes_AS_STRING(other));
    }
    Py_XDECREF(other);
    Py_DECREF(name);
    return result;
}

static int
copy_rename(struct private_image *image, PyObject *pairs)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(pairs); i++) {
        PyObject *name;
        PyObject *other;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(pairs, i), "O&O&", PyUnicode_FSConverter, &name,
                              PyUnicode_FSConverter, &other)) {
            return -1;
        }
        const char *problem =
            private_image_rename(image, PyBytes_AS_STRING(name), PyBytes_AS_STRING(other));
        if (problem) {
            PyErr_Format(PyExc_ImportError, "its reference to %s cannot be changed: %s",
                         PyBytes_AS_STRING(name), problem);
        }
        Py_DECREF(name);
        Py_DECREF(other);
        if (problem) {
            return -1;
        }
    }
    return 0;
}

static PyObject *
copy_load(PyObject *Py_UNUSED(module), PyObject *args)
{
    char error[PRIVATE_IMAGE_ERROR];
    PyObject *capsule;
    PyObject *pairs;
    int flags;
    if (!PyArg_ParseTuple(args, "OO!i:copy_load", &capsule, &PyTuple_Type, &pairs, &flags)) {
        return NULL;
    }
    struct private_image *image = PyCapsule_GetPointer(capsule, IMAGE_NAME);
    if (!image || copy_rename(image, pairs) < 0) {
        return NULL;
    }
    /* Not detached: constructors of the image may use this interpreter, as with any import. */
    void *handle = private_image_load(image, flags, error, sizeof(error));
    if (!handle) {
        PyErr_SetString(PyExc_ImportError, error);
        return NULL;
    }
    return PyLong_FromVoidPtr(handle);
}

/* Converts a number made by PyLong_FromVoidPtr(). */
static int
copy_address(PyObject *number, void *address)
{
    void *value = PyLong_AsVoidPtr(number);
    *(void **)address = value;
    return value || !PyErr_Occurred();
}

static PyObject *
copy_alias(PyObject *Py_UNUSED(module), PyObject *args)
{
    void *handle;
    PyObject *alias;
    if (!PyArg_ParseTuple(args, "O&O&:copy_alias", copy_address, &handle, PyUnicode_FSConverter,
                          &alias)) {
        return NULL;
    }
    int result = private_image_alias(handle, PyBytes_AS_STRING(alias));
    Py_DECREF(alias);
    if (result < 0) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

/* ---- modules ---- */

/* The table by which a module with one phase finds itself. The functions are looked up, since rule
 * INI35 takes a call by name for one about the module that calls; this is about another one. */
static int
copy_list(PyObject *created, PyModuleDef *def)
{
    PyObject *(*find)(PyModuleDef *);
    int (*add)(PyObject *, PyModuleDef *);
    void *found = dlsym(RTLD_DEFAULT, "PyState_FindModule");
    void *added = dlsym(RTLD_DEFAULT, "PyState_AddModule");
    if (!found || !added) {
        PyErr_SetString(PyExc_SystemError, "Python has no PyState_AddModule()");
        return -1;
    }
    memcpy(&find, &found, sizeof(find));
    memcpy(&add, &added, sizeof(add));
    return find(def) == created ? 0 : add(created, def);
}

/* What the import system does after an init function with one phase. */
static PyObject *
copy_register(PyObject *created)
{
    PyModuleDef *def = PyModule_Check(created) ? PyModule_GetDef(created) : NULL;
    if (!def) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_SystemError, "the init function returned %R, not a module", created);
        }
        Py_DECREF(created);
        return NULL;
    }
    if (copy_list(created, def) < 0) {
        Py_CLEAR(created);
    }
    return created;
}

static PyObject *
copy_imports(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule;
    const char *name;
    if (!PyArg_ParseTuple(args, "Os:copy_imports", &capsule, &name)) {
        return NULL;
    }
    const struct private_image *image = PyCapsule_GetPointer(capsule, IMAGE_NAME);
    return image ? PyBool_FromLong(private_elf_imports(&image->elf, name)) : NULL;
}

static PyObject *
copy_share(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *path;
    int flags;
    if (!PyArg_ParseTuple(args, "O&i:copy_share", PyUnicode_FSConverter, &path, &flags)) {
        return NULL;
    }
    int loaded = dlopen(PyBytes_AS_STRING(path), flags) != NULL;
    Py_DECREF(path);
    if (!loaded) {
        const char *reason = dlerror();
        PyErr_SetString(PyExc_ImportError, reason ? reason : "dlopen() failed");
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
copy_find(PyObject *Py_UNUSED(module), PyObject *args)
{
    void *handle;
    const char *name;
    if (!PyArg_ParseTuple(args, "O&s:copy_find", copy_address, &handle, &name)) {
        return NULL;
    }
    void *found = dlsym(handle, name);
    if (!found) {
        PyErr_Format(PyExc_ImportError, "it does not define %s", name);
        return NULL;
    }
    return PyLong_FromVoidPtr(found);
}

/* Calls the init function and complains as the import system does. */
static PyObject *
copy_initialize(void *address)
{
    PyObject *(*init)(void);
    memcpy(&init, &address, sizeof(init));
    PyObject *created = init();
    if (!created && !PyErr_Occurred()) {
        PyErr_SetString(PyExc_SystemError, "the init function failed without an exception");
    }
    else if (created && PyErr_Occurred()) {
        Py_CLEAR(created);
    }
    else if (created && !Py_TYPE(created)) {
        PyErr_SetString(PyExc_SystemError, "the init function returned an object without a type");
        return NULL;
    }
    return created;
}

#if PY_VERSION_HEX >= 0x030f0000
/* With an export hook, which returns a table of slots. */
static PyObject *
copy_create_exported(void *address, PyObject *spec)
{
    PySlot *(*hook)(void);
    memcpy(&hook, &address, sizeof(hook));
    const PySlot *slots = hook();
    if (!slots) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_SystemError, "the export hook failed without an exception");
        }
        return NULL;
    }
    return PyModule_FromSlotsAndSpec(slots, spec);
}
#endif

static PyObject *
copy_create(PyObject *Py_UNUSED(module), PyObject *args)
{
    void *address;
    PyObject *spec;
    int exported;
    int phases = 2;
    if (!PyArg_ParseTuple(args, "O&Op:copy_create", copy_address, &address, &spec, &exported)) {
        return NULL;
    }
#if PY_VERSION_HEX >= 0x030f0000
    PyObject *created = exported ? copy_create_exported(address, spec) : copy_initialize(address);
#else
    PyObject *created = copy_initialize(address);
#endif
    if (created && !exported && PyObject_TypeCheck(created, &PyModuleDef_Type)) {
        created = PyModule_FromDefAndSpec((PyModuleDef *)created, spec); /* a def is not counted */
    }
    else if (created && !exported) {
        phases = 1;
        created = copy_register(created);
    }
    return created ? Py_BuildValue("(Ni)", created, phases) : NULL;
}
#endif

PyMethodDef private_copy_methods[] = {
#ifdef COPY_WORKS
    {"copy_open", copy_open, METH_O, NULL},
    {"copy_name", copy_name, METH_VARARGS, NULL},
    {"copy_imports", copy_imports, METH_VARARGS, NULL},
    {"copy_load", copy_load, METH_VARARGS, NULL},
    {"copy_share", copy_share, METH_VARARGS, NULL},
    {"copy_alias", copy_alias, METH_VARARGS, NULL},
    {"copy_find", copy_find, METH_VARARGS, NULL},
    {"copy_create", copy_create, METH_VARARGS, NULL},
#endif
    {NULL, NULL, 0, NULL},
};
