/* outside: needs a library that its RPATH finds outside of the folder it is in. */
#include <Python.h>

int outer_add(void);

static int count;

static PyObject *
outside_count(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return Py_BuildValue("(ii)", ++count, outer_add());
}

static PyMethodDef outside_methods[] = {
    {"count", outside_count, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef outside_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "outside",
    .m_size = 0,
    .m_methods = outside_methods,
};

PyMODINIT_FUNC
PyInit_outside(void)
{
    return PyModule_Create(&outside_def);
}
