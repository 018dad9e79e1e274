/* C++: static members, constructors, namespaces, thread_local, lambdas. */
#include <Python.h>
#include <atomic>
#include <mutex>
#include <string>

namespace inner {
PyObject *cache; /* fact: variable name=cache id=inner::cache class=object-pointer */
static std::string label; /* fact: variable name=label class=cpp-object is_nontrivial=1 */
}

namespace {
int hidden; /* fact: variable name=hidden linkage=internal */
}

struct Registry {
    static PyObject *instance; /* fact: variable name=instance storage=member */
    static inline int count = 0; /* fact: variable name=count storage=member */
    int size = 0;
    void grow() { count++; size++; } /* fact: function name=grow; access var~Registry::count how=rmw */
};
PyObject *Registry::instance = nullptr;

static std::atomic<long> hits{0}; /* fact: variable name=hits is_atomic=1 */
static std::mutex guard; /* fact: variable name=guard class=lock */
constexpr int limit = 3; /* fact: variable name=limit is_const=1 */
thread_local PyObject *mine = nullptr; /* fact: variable name=mine is_tls=1 init=null */

static PyObject *
get()
{
    static PyObject *kept = PyDict_New(); /* fact: variable name=kept func~get init=dynamic; call callee=PyDict_New */
    hits++; /* fact: access var~hits how=atomic-rmw */
    hits.store(4); /* fact: access var~hits how=atomic-store */
    std::lock_guard<std::mutex> held(guard);
    auto set = [](PyObject *value) { inner::cache = value; }; /* fact: access var=inner::cache how=write */
    set(kept);
    return inner::cache; /* fact: jump kind=return value=var:inner::cache */
}

extern "C" PyMODINIT_FUNC
PyInit_classes() /* fact: entry kind=pyinit name=classes */
{
    return get();
}
