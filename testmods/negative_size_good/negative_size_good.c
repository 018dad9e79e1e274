/*
 * testmod: negative_size_good
 * purpose: m_size 0: the module keeps everything in its own dict
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: shared-gil(gil), reload: every instance starts with an empty list
 * free-threaded: ok
 * notes: PyList_Append locks the list itself on free-threaded builds
 */
#include <Python.h>

static PyObject *
negative_size_add(PyObject *module, PyObject *obj)
{
    PyObject *seen = PyObject_GetAttrString(module, "seen");
    if (seen == NULL) {
        return NULL;
    }
    int failed = PyList_Append(seen, obj);
    Py_DECREF(seen);
    if (failed) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static int
negative_size_fill(PyObject *module)
{
    PyObject *seen = PyList_New(0);
    if (seen == NULL) {
        return -1;
    }
    int failed = PyObject_SetAttrString(module, "seen", seen);
    Py_DECREF(seen);
    return failed;
}

static int
negative_size_exec(PyObject *module)
{
    return negative_size_fill(module);
}

static PyMethodDef negative_size_methods[] = {
    {"add", negative_size_add, METH_O, "add(obj): append it to the module's list `seen`"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot negative_size_slots[] = {
    {Py_mod_exec, (void *)negative_size_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef negative_size_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "negative_size_good",
    .m_size = 0,
    .m_methods = negative_size_methods,
    .m_slots = negative_size_slots,
};

PyMODINIT_FUNC
PyInit_negative_size_good(void)
{
    return PyModuleDef_Init(&negative_size_def);
}
