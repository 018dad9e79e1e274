/*
 * testmod: cpp_cache_bad
 * purpose: a function-local static std::vector grows at run time
 * hazard: CPP04
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil: two interpreters that append at once lose values or crash
 * free-threaded: fails "appending"
 * notes: the compiler makes the construction safe, not the use
 */
#include <Python.h>
#include <new>
#include <vector>

namespace {

std::vector<long> &
cpp_cache_values()
{
    static std::vector<long> values; /* expect: CPP04 */
    return values;
}

PyObject *
cpp_cache_remember(PyObject *Py_UNUSED(module), PyObject *arg)
{
    long value = PyLong_AsLong(arg);
    if (value == -1 && PyErr_Occurred()) {
        return nullptr;
    }
    try {
        cpp_cache_values().push_back(value);
    }
    catch (const std::bad_alloc &) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

PyObject *
cpp_cache_count(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromSize_t(cpp_cache_values().size());
}

PyMethodDef cpp_cache_methods[] = {
    {"remember", cpp_cache_remember, METH_O, "remember(n): keep n"},
    {"count", cpp_cache_count, METH_NOARGS, "how many are kept"},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef_Slot cpp_cache_slots[] = {
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, nullptr},
};

PyModuleDef cpp_cache_def = {
    PyModuleDef_HEAD_INIT,
    "cpp_cache_bad",
    nullptr,
    0,
    cpp_cache_methods,
    cpp_cache_slots,
    nullptr,
    nullptr,
    nullptr,
};

}  // namespace

PyMODINIT_FUNC
PyInit_cpp_cache_bad(void)
{
    return PyModuleDef_Init(&cpp_cache_def);
}
