/* Types that are known by name: Python's, the C library's, and those of C++ libraries. */
#include <string.h>

#include "source/walk/types.h"

struct type_name {
    const char *name, *class;
};

/* Names of structs and typedefs, as canonical clang spells them (without "struct "). */
static const struct type_name record_classes[] = {
    {"PyModuleDef", "moduledef"},
    {"PyMethodDef", "methoddef"},
    {"PyGetSetDef", "getsetdef"},
    {"PyMemberDef", "memberdef"},
    {"PyModuleDef_Slot", "moduleslot"},
    {"PySlot", "pyslot"},
    {"PyType_Slot", "typeslot"},
    {"PyType_Spec", "typespec"},
    {"PyStructSequence_Field", "structseq-field"},
    {"PyStructSequence_Desc", "structseq-desc"},
    {"PyABIInfo", "abiinfo"},
    {"_PyArg_Parser", "arg-parser"},
    {"PyNumberMethods", "suite"},
    {"PySequenceMethods", "suite"},
    {"PyMappingMethods", "suite"},
    {"PyAsyncMethods", "suite"},
    {"PyBufferProcs", "suite"},
    {"PyMutex", "lock"},
    {"pthread_mutex_t", "lock"},
    {"pthread_rwlock_t", "lock"},
    {"pthread_spinlock_t", "lock"},
    {"pthread_cond_t", "lock"},
    {"mtx_t", "lock"},
    {"cnd_t", "lock"},
    {"sem_t", "lock"},
    {"std::mutex", "lock"},
    {"std::recursive_mutex", "lock"},
    {"std::shared_mutex", "lock"},
    {"std::timed_mutex", "lock"},
    {"std::condition_variable", "lock"},
    {"std::atomic_flag", "lock"},
    {"PyThread_type_lock", "lock"},
    {"_PyOnceFlag", "once"},
    {"pthread_once_t", "once"},
    {"once_flag", "once"},
    {"std::once_flag", "once"},
    {"pthread_key_t", "tss"},
    {"Py_tss_t", "tss"},
    {"_Py_tss_t", "tss"},
    {"tss_t", "tss"},
    {"Tcl_ThreadDataKey", "tss"},
    {"ExtShim_Handle", "shim-handle"},
    {"ExtShim_Type", "shim-type"},
    {"ExtShim_Mutex", "lock"},
    {"ExtShim_Once", "once"},
    {"_typeobject", "type-object"},
    {"PyTypeObject", "type-object"},
    {"PyGILState_STATE", "thread-state"},
};

static const struct type_name pointee_classes[] = {
    {"_ts", "thread-state"},
    {"PyThreadState", "thread-state"},
    {"_is", "thread-state"},
    {"PyInterpreterState", "thread-state"},
    {"PyInterpreterGuard", "thread-state"},
    {"_IO_FILE", "file"},
    {"FILE", "file"},
    {"__dirstream", "file"},
    {"_object", "object-pointer"},
    {"PyObject", "object-pointer"},
    {"_typeobject", "object-pointer"},
    {"PyVarObject", "object-pointer"},
    {"PyModuleDef", "moduledef-pointer"},
};

static const char *
types_look_up(const struct type_name *table, size_t n, const char *name)
{
    for (size_t i = 0; name && i < n; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return table[i].class;
        }
    }
    return NULL;
}

const char *
types_known_record(const char *name)
{
    return types_look_up(record_classes, sizeof(record_classes) / sizeof(*record_classes), name);
}

const char *
types_known_pointee(const char *name)
{
    return types_look_up(pointee_classes, sizeof(pointee_classes) / sizeof(*pointee_classes), name);
}

static const char *
types_unnamed(struct unit *u, const char *s, const char *at)
{
    struct str out = {0};
    str_addn(&out, s, (size_t)(at - s));
    /* The line tells two of them apart; the column and the folder do not. */
    const char *colon = strchr(at, ':');
    size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
    str_addf(&out, " %.*s)", (int)digits, colon ? colon + 1 : "");
    const char *kept = intern(u->strings, out.s);
    str_free(&out);
    return kept;
}

const char *
types_plain_name(struct unit *u, CXType type)
{
    struct str name = {0};
    str_add(&name, unit_type_text(u, type));
    const char *s = name.s ? name.s : "";
    static const char *const words[] = {"const ", "volatile ", "struct ",
                                        "union ", "enum ",     "class "};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words);) {
        if (str_starts(s, words[i])) {
            s += strlen(words[i]);
            i = 0;
        }
        else {
            i++;
        }
    }
    /* "(unnamed struct at FILE:12:3)": the place differs between versions of clang. */
    const char *at = strstr(s, " at ");
    const char *open = strstr(s, "(unnamed");
    open = open ? open : strstr(s, "(anonymous");
    const char *kept = open && at > open ? types_unnamed(u, s, at) : intern(u->strings, s);
    str_free(&name);
    return kept;
}

bool
types_owns_memory(const char *name)
{
    static const char *const names[] = {
        "basic_string<",   "vector<",     "map<",        "unordered_", "set<",
        "multimap<",       "multiset<",   "deque<",      "list<",      "forward_list<",
        "function<",       "shared_ptr<", "unique_ptr<", "queue<",     "stack<",
        "priority_queue<", "optional<",   "any",         "thread",     "basic_ostringstream<"};
    const char *plain = str_starts(name, "std::") ? name + 5 : "";
    plain = str_starts(plain, "__cxx11::") ? plain + 9 : plain;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (str_starts(plain, names[i])) {
            return true;
        }
    }
    return false;
}

bool
types_is_handle(const char *name)
{
    static const char *const handles[] = {"pybind11::object",     "pybind11::handle",
                                          "pybind11::function",   "pybind11::module_",
                                          "pybind11::dict",       "pybind11::list",
                                          "pybind11::str",        "pybind11::tuple",
                                          "pybind11::type",       "pybind11::exception<",
                                          "nanobind::object",     "nanobind::handle",
                                          "nanobind::callable",   "boost::python::api::object",
                                          "boost::python::object"};
    for (size_t i = 0; i < sizeof(handles) / sizeof(*handles); i++) {
        if (str_starts(name, handles[i])) {
            return true;
        }
    }
    return false;
}
