/* exported: a module with an export hook only (3.15), which refuses interpreters. */
#include <Python.h>

static int count;

static PyObject *
exported_count(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(++count);
}

static PyMethodDef exported_methods[] = {
    {"count", exported_count, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static int
exported_exec(PyObject *module)
{
    return PyModule_AddIntConstant(module, "executed", ++count);
}

PyABIInfo_VAR(exported_abi);

static PySlot exported_slots[] = {
    PySlot_DATA(Py_mod_abi, &exported_abi),
    PySlot_STATIC_DATA(Py_mod_name, "exported"),
    PySlot_STATIC_DATA(Py_mod_methods, exported_methods),
    PySlot_FUNC(Py_mod_exec, exported_exec),
    PySlot_DATA(Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED),
    PySlot_END,
};

PyMODEXPORT_FUNC
PyModExport_exported(void)
{
    return exported_slots;
}
