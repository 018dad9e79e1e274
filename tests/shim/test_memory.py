"""Allocation failure: every call of the shim reports MemoryError, and the next call works."""

import re
import sys

from shimtest import Failure, Tally, build, pythons, run_child

# What a kind of allocation must have failed at least, over all calls: less proves nothing.
LEAST = {"python": 40, "own": 8}


def fails(python, kind):
    folder = build(python, "memory_probe", ["memory_probe.c"], ["-DEXTSHIM_TEST_ALLOCATIONS"])
    text = run_child(python, "memory_fails.py", folder, kind,
                     env={"PYTHONMALLOC": "malloc"} if kind == "python" else {}).strip()
    count = int(re.match(r"\d+", text).group())
    if count < LEAST[kind]:
        raise Failure(f"only {text}")
    return text


def main():
    tally = Tally(__doc__)
    for python in pythons():
        for kind in LEAST:
            if python.build == "free-threaded" and kind == "python":
                continue  # its allocator must stay mimalloc, which has no hook for objects
            tally.add(f"{kind} memory {python.label}", fails, python, kind)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
