/*
 * testmod: negative_size_bad
 * purpose: m_size -1 says that the module keeps its state outside of the module object
 * hazard: INI02
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: fails "does not support loading in subinterpreters", shared-gil ok on
 *     gil builds
 * exercise: shared-gil(gil), reload: a later import gets a copy of the first module's dict, with
 *     the very same list
 * free-threaded: ok
 * notes: the init function runs once per process; what it made is handed to every later
 *     interpreter
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

static PyMethodDef negative_size_methods[] = {
    {"add", negative_size_add, METH_O, "add(obj): append it to the module's list `seen`"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef negative_size_def = { /* expect: INI02 */
    PyModuleDef_HEAD_INIT,
    .m_name = "negative_size_bad",
    .m_size = -1,
    .m_methods = negative_size_methods,
};

PyMODINIT_FUNC
PyInit_negative_size_bad(void)
{
    PyObject *module = PyModule_Create(&negative_size_def); /* expect: INI01 */
    if (module == NULL) {
        return NULL;
    }
    if (negative_size_fill(module) < 0) {
        Py_DECREF(module);
        return NULL;
    }
#ifdef Py_GIL_DISABLED
    PyUnstable_Module_SetGIL(module, Py_MOD_GIL_NOT_USED);
#endif
    return module;
}
