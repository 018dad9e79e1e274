"""For every call of the shim: the n-th allocation fails, for every n until the call succeeds."""

import collections
import gc
import sys

import memory_probe

CALLS = [
    "ExtShim_Begin", "ExtShim_Get memory", "ExtShim_Set", "ExtShim_SetNew", "ExtShim_GetRef",
    "ExtShim_Get import", "ExtShim_Get exception", "ExtShim_CAPI_Export", "ExtShim_Get capsule",
    "ExtShim_Get type", "ExtShim_AddType", "ExtShim_FreelistPop", "ExtShim_Module_Create",
    "ExtShim_InterpOnce", "ExtShim_Interp_Save",
]
LIMIT = 3000


def until_success(name, arguments):
    """Number of failures before the call gets through with all it asks for."""
    failures = 0
    for number in range(LIMIT):
        result, failed, error = memory_probe.attempt(name, *arguments(number))
        if not failed:
            assert result == 0, f"{name}: fails with {error} although no allocation failed"
            return failures
        failures += 1
        if result == 0:
            continue  # it could do without (a cache of Python's own, for example)
        assert error is MemoryError, f"{name}, allocation {number}: {error} in place of MemoryError"
    raise AssertionError(f"{name} never succeeded")


def main(calls, kind):
    import atexit  # what a first import allocates is CPython's own
    assert atexit and collections
    sys.modules["memory_probe"] = memory_probe
    memory_probe.attempt("warm up", -1, -1)
    gc.disable()
    total = 0
    for name in CALLS:
        if name in calls or not calls:
            total += until_success(
                name, (lambda n: (n, -1)) if kind == "python" else (lambda n: (-1, n)))
            result, _, error = memory_probe.attempt(name, -1, -1)
            assert result == 0, f"{name}: the next call fails with {error}"
    print(f"{total} failures of {kind} allocations")


main(sys.argv[2:], sys.argv[1])
