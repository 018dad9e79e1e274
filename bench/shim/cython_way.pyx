# cython: language_level=3, subinterpreters_compatible=own_gil, freethreading_compatible=True
"""Cython's module state, for cython_way.c to measure. It keeps what this file has: a constant."""

cdef extern from *:
    """
    static double way_loop(long count);
    """
    double way_loop(long count)

kept = "a constant of the module"


def loop(count):
    return way_loop(count)
