/*
 * testmod: pymem_static_bad
 * purpose: memory of PyMem_Malloc is kept in a static pointer
 * hazard: GLB13
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil(gil): an interpreter frees what another one allocated and the process aborts
 * free-threaded: races
 * notes: every own-GIL interpreter has an allocator of its own since 3.12
 */
#include <Python.h>

static char *copy; /* expect: GLB13 */

static PyObject *
pymem_static_keep(PyObject *Py_UNUSED(module), PyObject *arg)
{
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(arg, &size);
    if (text == NULL) {
        return NULL;
    }
    char *fresh = PyMem_Malloc((size_t)size + 1);
    if (fresh == NULL) {
        return PyErr_NoMemory();
    }
    memcpy(fresh, text, (size_t)size + 1);
    PyMem_Free(copy);
    copy = fresh;
    Py_RETURN_NONE;
}

static PyObject *
pymem_static_kept(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyUnicode_FromString(copy == NULL ? "" : copy);
}

static PyMethodDef pymem_static_methods[] = {
    {"keep", pymem_static_keep, METH_O, "keep(str): keep a copy, drop the one before"},
    {"kept", pymem_static_kept, METH_NOARGS, "the text that is kept"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot pymem_static_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* expect: INI13 */
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef pymem_static_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pymem_static_bad",
    .m_size = 0,
    .m_methods = pymem_static_methods,
    .m_slots = pymem_static_slots,
};

PyMODINIT_FUNC
PyInit_pymem_static_bad(void)
{
    return PyModuleDef_Init(&pymem_static_def);
}
