/*
 * testmod: pymem_static_good
 * purpose: memory of PyMem_RawMalloc is kept in a static pointer, under a lock
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil(gil): nothing aborts
 * free-threaded: ok
 * notes: the raw domain is one for the process; the lock is never held while Python code may run
 */
#include <Python.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *copy;

static PyObject *
pymem_static_keep(PyObject *Py_UNUSED(module), PyObject *arg)
{
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(arg, &size);
    if (text == NULL) {
        return NULL;
    }
    char *fresh = PyMem_RawMalloc((size_t)size + 1);
    if (fresh == NULL) {
        return PyErr_NoMemory();
    }
    memcpy(fresh, text, (size_t)size + 1);
    pthread_mutex_lock(&lock);
    char *before = copy;
    copy = fresh;
    pthread_mutex_unlock(&lock);
    PyMem_RawFree(before);
    Py_RETURN_NONE;
}

/* A copy of the copy: the str object is made without the lock. */
static PyObject *
pymem_static_kept(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    pthread_mutex_lock(&lock);
    size_t size = copy == NULL ? 0 : strlen(copy);
    char *mine = PyMem_RawMalloc(size + 1);
    if (mine != NULL && size != 0) {
        memcpy(mine, copy, size);
    }
    pthread_mutex_unlock(&lock);
    if (mine == NULL) {
        return PyErr_NoMemory();
    }
    PyObject *result = PyUnicode_FromStringAndSize(mine, (Py_ssize_t)size);
    PyMem_RawFree(mine);
    return result;
}

static PyMethodDef pymem_static_methods[] = {
    {"keep", pymem_static_keep, METH_O, "keep(str): keep a copy, drop the one before"},
    {"kept", pymem_static_kept, METH_NOARGS, "the text that is kept"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot pymem_static_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef pymem_static_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pymem_static_good",
    .m_size = 0,
    .m_methods = pymem_static_methods,
    .m_slots = pymem_static_slots,
};

PyMODINIT_FUNC
PyInit_pymem_static_good(void)
{
    return PyModuleDef_Init(&pymem_static_def);
}
