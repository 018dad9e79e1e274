"""Many interpreters: in parallel with their own GIL, one after another at the same addresses."""

import sys

from shimtest import Tally, build, gil_env, pythons, run_child

OWN_GIL = ["-DEXTSHIM_CLAIM_OWN_GIL=1"]
FREE = ["-DEXTSHIM_CLAIM_OWN_GIL=1", "-DEXTSHIM_CLAIM_GIL_NOT_USED=1"]
THREADS, ROUNDS, USES = 3, 40, 20
FIRST_ROUNDS = 6


def flags(python):
    return FREE if python.build == "free-threaded" else OWN_GIL


def parallel(python):
    folder = build(python, "kinds", ["kinds.c"], flags(python))
    return run_child(python, "stress.py", folder, THREADS, ROUNDS, USES, env=gil_env(python),
                     timeout=500).strip()


def first_import(python):
    """In two processes: only once in each is the binary new to all."""
    folder = build(python, "kinds", ["kinds.c"], flags(python))
    path = next(folder.glob("*.so"))
    said = [run_child(python, "first_import.py", folder, path, 3, 4, FIRST_ROUNDS, "own",
                      env=gil_env(python)) for _ in range(2)]
    return said[-1].strip()


def sequence(python):
    folder = build(python, "kinds", ["kinds.c"], flags(python))
    only = ["shared"] if python.minor < (3, 12) or not python.runs else []
    return run_child(python, "reuse.py", folder, *only).strip()


def main():
    tally = Tally(__doc__)
    for python in pythons():
        tally.add(f"one after another {python.label}", sequence, python)
    for python in pythons((3, 12), crashy=False):
        tally.add(f"in parallel {python.label}", parallel, python)
        tally.add(f"first import {python.label}", first_import, python)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
