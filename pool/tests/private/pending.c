/* pending: has the program's own interpreter do something, wherever it is. */
#include <Python.h>

static int
pending_nothing(void *Py_UNUSED(ignored))
{
    return 0;
}

static struct PyModuleDef pending_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pending",
    .m_size = 0,
};

PyMODINIT_FUNC
PyInit_pending(void)
{
    return Py_AddPendingCall(pending_nothing, NULL) < 0 ? NULL : PyModule_Create(&pending_def);
}
