/* twin._user: refuses interpreters, linked to twin._core and using its C API. */
#include <Python.h>

int tally_add(void);
int twin_core_count(void);

static int *core_count;

static PyObject *
user_counts(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return Py_BuildValue("(iii)", *core_count, twin_core_count(), tally_add());
}

static PyMethodDef user_methods[] = {
    {"counts", user_counts, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static int
user_exec(PyObject *Py_UNUSED(module))
{
    static int executed;
    if (executed++) {
        PyErr_SetString(PyExc_ImportError, "cannot be loaded twice in a process");
        return -1;
    }
    PyObject *core = PyImport_ImportModule("twin._core");
    core_count = core ? PyCapsule_Import("twin._core._api", 0) : NULL;
    Py_XDECREF(core);
    return core_count ? 0 : -1;
}

static PyModuleDef_Slot user_slots[] = {
    {Py_mod_exec, user_exec},
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
    {0, NULL},
};

static struct PyModuleDef user_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "twin._user",
    .m_methods = user_methods,
    .m_slots = user_slots,
};

PyMODINIT_FUNC
PyInit__user(void)
{
    return PyModuleDef_Init(&user_def);
}
