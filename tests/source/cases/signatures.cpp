/* A function is the same one however its parameter types are spelled. */
#include <Python.h>
#include <string>

namespace shop {
typedef std::string word;

class K {
public:
    enum M { A, B };
    typedef int number;
    bool f(double v, int *b) const { return g(v, b, A); } /* fact: call callee=g "id=shop::K::g(double, int *, shop::K::M)" */

private:
    bool g(double v, int *b, M m) const;
    void h(PyObject *o, number n, const word &w, FILE *file, ...);
};
}

namespace {
struct hidden {
    int a;
};
}

bool
shop::K::g(double v, int *b, K::M m) const /* fact: function "id=shop::K::g(double, int *, shop::K::M)" */
{
    return v > *b + m;
}

void
shop::K::h(PyObject *o, int n, const std::string &w, FILE *file, ...) /* fact: function "id=shop::K::h(PyObject *, int, const std::basic_string<char> &, FILE *, ...)" */
{
}

static void
inner(hidden *at) /* fact: function "id=signatures.cpp#inner(hidden *)" */
{
}

void
outer(PyTypeObject *type, unsigned long n) /* fact: function "id=outer(PyTypeObject *, unsigned long)" */
{
    inner(nullptr); /* fact: call callee=inner "id=signatures.cpp#inner(hidden *)" */
}

/* A template in an instance of a class template is the one that the class's template has. */
template <typename T> struct Box {
    template <typename F> long apply(T value) { return F()(value); } /* fact: function "id=Box::apply(T)" */
    long take(T value);
};

template <typename T> long
Box<T>::take(T value)
{
    return apply<Box<T>>(value);
}

struct Twice {
    long operator()(long value) const { return 2 * value; }
};

static long
boxed(long value)
{
    Box<long> box;
    return box.apply<Twice>(value); /* fact: call func~boxed callee=apply "id=Box::apply(T)" */
}
