/*
 * testmod: local_static_good
 * purpose: a module keeps a string object in its state and swaps it under a lock
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil, shared-gil, reload: an instance gives back only what it was given
 * free-threaded: ok
 * notes: the critical section is a block without effect in builds with the GIL; older headers
 *     lack it
 */
#include <Python.h>

#ifndef Py_BEGIN_CRITICAL_SECTION
#define Py_BEGIN_CRITICAL_SECTION(op) {
#define Py_END_CRITICAL_SECTION() }
#endif

typedef struct {
    PyObject *kept;
} module_state;

static module_state *
local_static_state(PyObject *module)
{
    return (module_state *)PyModule_GetState(module);
}

static PyObject *
local_static_swap(PyObject *module, PyObject *obj)
{
    module_state *state = local_static_state(module);
    PyObject *before;
    PyObject *text = PyObject_Repr(obj);
    if (text == NULL) {
        return NULL;
    }
    Py_BEGIN_CRITICAL_SECTION(module);
    before = state->kept;
    state->kept = text;
    Py_END_CRITICAL_SECTION();
    if (before == NULL) {
        Py_RETURN_NONE;
    }
    return before;
}

static int
local_static_traverse(PyObject *module, visitproc visit, void *arg)
{
    Py_VISIT(local_static_state(module)->kept);
    return 0;
}

static int
local_static_clear(PyObject *module)
{
    Py_CLEAR(local_static_state(module)->kept);
    return 0;
}

static void
local_static_free(void *module)
{
    (void)local_static_clear((PyObject *)module);
}

static PyMethodDef local_static_methods[] = {
    {"swap", local_static_swap, METH_O, "swap(obj): keep repr(obj), return the one before"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot local_static_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef local_static_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "local_static_good",
    .m_size = sizeof(module_state),
    .m_methods = local_static_methods,
    .m_slots = local_static_slots,
    .m_traverse = local_static_traverse,
    .m_clear = local_static_clear,
    .m_free = local_static_free,
};

PyMODINIT_FUNC
PyInit_local_static_good(void)
{
    return PyModuleDef_Init(&local_static_def);
}
