"""Subinterpreters under one name for all versions. Runs inside the interpreter under test."""

import sys

try:
    import _interpreters as api
except ImportError:
    import _xxsubinterpreters as api


def create(own_gil=True):
    if api.__name__ == "_interpreters":
        return api.create("isolated" if own_gil else "legacy")
    if sys.version_info < (3, 10):
        return api.create()
    return api.create(isolated=own_gil)


def execute(interpreter, code):
    """Runs code there; an exception there is a RuntimeError here."""
    paths = [path for path in sys.path if path]
    problem = api.run_string(interpreter, f"import sys\nsys.path[:0] = {paths!r}\n" + code)
    if problem is not None:
        raise RuntimeError(getattr(problem, "formatted", None) or str(problem))


def destroy(interpreter):
    api.destroy(interpreter)


def resident_kb():
    with open("/proc/self/statm", encoding="ascii") as stream:
        return int(stream.read().split()[1]) * 4
