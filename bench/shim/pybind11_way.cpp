/* pybind11_way.cpp - one access to what pybind11 keeps for the interpreter. */
#include <pybind11/pybind11.h>

#include "loop.h"

static double
way_loop(long count)
{
    double begin = loop_seconds();
    for (long i = 0; i < count; i++) {
        __asm__ volatile("" : : "r"(&pybind11::detail::get_internals()) : "memory");
    }
    return 1e9 * (loop_seconds() - begin) / (double)count;
}

PYBIND11_MODULE(pybind11_way, module, pybind11::mod_gil_not_used(),
                pybind11::multiple_interpreters::per_interpreter_gil())
{
    module.def("loop", way_loop);
}
