/*
 * testmod: shim_table_good
 * purpose: the table is filled under a once flag of the shim
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil: it is filled once, and every value is right
 * free-threaded: ok
 * notes: plain numbers may serve all interpreters
 * build: with the shim
 */
#include "extshim.h"

enum { TABLE_SIZE = 262144, PARTS = 64 };

static long long squares[TABLE_SIZE];
static ExtShim_Once filled = EXTSHIM_ONCE_INIT;

static int
shim_table_fill(void *Py_UNUSED(argument))
{
    for (long long n = 0; n < TABLE_SIZE; n++) {
        for (int part = 0; part < PARTS; part++) {
            squares[n] += n * (n / PARTS + (part < n % PARTS));
        }
    }
    return 0;
}

static PyObject *
shim_table_square(PyObject *Py_UNUSED(module), PyObject *arg)
{
    long n = PyLong_AsLong(arg);
    if (n == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (n < 0 || n >= TABLE_SIZE) {
        PyErr_SetString(PyExc_ValueError, "square() wants 0 <= n < 262144");
        return NULL;
    }
    if (ExtShim_Once_Call(&filled, shim_table_fill, NULL) < 0) {
        return NULL;
    }
    return PyLong_FromLongLong(squares[n]);
}

static PyMethodDef shim_table_methods[] = {
    {"square", shim_table_square, METH_O, "square(n): n * n for n below 262144"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot shim_table_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef shim_table_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "shim_table_good",
    .m_size = 0,
    .m_methods = shim_table_methods,
    .m_slots = shim_table_slots,
};

PyMODINIT_FUNC
PyInit_shim_table_good(void)
{
    return PyModuleDef_Init(&shim_table_def);
}
