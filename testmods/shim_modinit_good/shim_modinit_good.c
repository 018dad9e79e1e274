/*
 * testmod: shim_modinit_good
 * purpose: EXTSHIM_MODINIT runs the same init function for each interpreter
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil: the module can be imported and used
 * free-threaded: ok
 * notes: what it declares comes from the build gate; here the driver says it
 * build: with the shim
 */
#include "extshim.h"

static PyObject *
shim_modinit_answer(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(42);
}

static PyMethodDef shim_modinit_methods[] = {
    {"answer", shim_modinit_answer, METH_NOARGS, "the answer"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef shim_modinit_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_modinit_good",
    .m_size = 0,
    .m_methods = shim_modinit_methods,
};

EXTSHIM_MODINIT(shim_modinit_good)
{
    PyObject *module = ExtShim_Module_Create(&shim_modinit_def);
    return module;
}
