/* A module definition by position, in single phase. */
#include <Python.h>

static PyMethodDef methods[] = {{NULL}};

static struct PyModuleDef old_def = {PyModuleDef_HEAD_INIT, "old", NULL, -1, methods, NULL, NULL, NULL, NULL}; /* fact: moduledef name=old size=-1 methods=var:single_phase.c#methods slots=null */

PyMODINIT_FUNC
PyInit_old(void) /* fact: entry kind=pyinit name=old */
{
    return PyModule_Create(&old_def); /* fact: call callee~PyModule_Create */
}
