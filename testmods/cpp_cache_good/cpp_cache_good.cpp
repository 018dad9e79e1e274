/*
 * testmod: cpp_cache_good
 * purpose: a std::vector in module state, with a mutex beside it
 * hazard: none
 * python: 3.9
 * import-main: ok
 * import-twice: ok
 * import-subinterpreter: ok
 * exercise: own-gil: nothing is lost
 * free-threaded: ok
 * notes: the mutex is never held while Python code may run
 */
#include <Python.h>
#include <cstddef>
#include <mutex>
#include <new>
#include <vector>

namespace {

struct value_list {
    std::mutex lock;
    std::vector<long> values;
};

struct module_state {
    value_list *list;
};

module_state *
cpp_cache_state(PyObject *module)
{
    return static_cast<module_state *>(PyModule_GetState(module));
}

PyObject *
cpp_cache_remember(PyObject *module, PyObject *arg)
{
    value_list *list = cpp_cache_state(module)->list;
    long value = PyLong_AsLong(arg);
    if (value == -1 && PyErr_Occurred()) {
        return nullptr;
    }
    try {
        std::lock_guard<std::mutex> guard(list->lock);
        list->values.push_back(value);
    }
    catch (const std::bad_alloc &) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

PyObject *
cpp_cache_count(PyObject *module, PyObject *Py_UNUSED(ignored))
{
    value_list *list = cpp_cache_state(module)->list;
    std::size_t count;
    {
        std::lock_guard<std::mutex> guard(list->lock);
        count = list->values.size();
    }
    return PyLong_FromSize_t(count);
}

int
cpp_cache_exec(PyObject *module)
{
    value_list *list = new (std::nothrow) value_list;
    if (list == nullptr) {
        PyErr_NoMemory();
        return -1;
    }
    cpp_cache_state(module)->list = list;
    return 0;
}

void
cpp_cache_free(void *module)
{
    module_state *state = cpp_cache_state(static_cast<PyObject *>(module));
    delete state->list;
    state->list = nullptr;
}

PyMethodDef cpp_cache_methods[] = {
    {"remember", cpp_cache_remember, METH_O, "remember(n): keep n"},
    {"count", cpp_cache_count, METH_NOARGS, "how many are kept"},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef_Slot cpp_cache_slots[] = {
    {Py_mod_exec, reinterpret_cast<void *>(cpp_cache_exec)},
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
    "cpp_cache_good",
    nullptr,
    sizeof(module_state),
    cpp_cache_methods,
    cpp_cache_slots,
    nullptr,
    nullptr,
    cpp_cache_free,
};

}  // namespace

PyMODINIT_FUNC
PyInit_cpp_cache_good(void)
{
    return PyModuleDef_Init(&cpp_cache_def);
}
