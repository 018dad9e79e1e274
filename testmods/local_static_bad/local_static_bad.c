/*
 * testmod: local_static_bad
 * purpose: a function keeps a string object in a local static variable
 * hazard: LOC02
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil, reload: an object that one instance kept comes out of the other
 * free-threaded: undefined
 * notes: the object then has two owners with different locks, and an allocator that is not its
 *     own
 */
#include <Python.h>

static PyObject *
local_static_swap(PyObject *Py_UNUSED(module), PyObject *obj)
{
    static PyObject *kept = NULL; /* expect: LOC02 */
    PyObject *text = PyObject_Repr(obj);
    if (text == NULL) {
        return NULL;
    }
    PyObject *before = kept;
    kept = text;
    if (before == NULL) {
        Py_RETURN_NONE;
    }
    return before;
}

static PyMethodDef local_static_methods[] = {
    {"swap", local_static_swap, METH_O, "swap(obj): keep repr(obj), return the one before"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot local_static_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, /* expect: INI13 */
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef local_static_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "local_static_bad",
    .m_size = 0,
    .m_methods = local_static_methods,
    .m_slots = local_static_slots,
};

PyMODINIT_FUNC
PyInit_local_static_bad(void)
{
    return PyModuleDef_Init(&local_static_def);
}
