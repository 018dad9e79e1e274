/* Calls whose result, a pointer, is only compared. */
#include <Python.h>

PyObject *owner(void);

int
compare(PyObject *list, PyObject *value)
{
    if (!PyList_GetItem(list, 0)) { /* fact: call callee=PyList_GetItem result=tested */
        return 0;
    }
    if (PyDict_GetItem(value, list) == NULL && owner()) { /* fact: call callee~PyDict_GetItem|owner result=tested */
        return 1;
    }
    PyObject *kept = owner(); /* fact: call callee=owner result=stored */
    return PyTuple_GetItem(list, 1) != kept; /* fact: call callee=PyTuple_GetItem result=tested */
}

Py_ssize_t
count(PyObject *list)
{
    return PyList_Size(list) + 1; /* fact: call callee=PyList_Size result=used */
}
