"""Mutexes, critical sections, once flags, and callbacks that arrive in foreign threads."""

import sys

from shimtest import Tally, build, gil_env, pythons, run_child

CLAIMS = ["-DEXTSHIM_CLAIM_OWN_GIL=1"]


def works(python):
    claims = CLAIMS + (["-DEXTSHIM_CLAIM_GIL_NOT_USED=1"]
                       if python.build == "free-threaded" else [])
    folder = build(python, "threads_probe", ["threads_probe.c"], claims)
    kind = ["own"] if python.minor >= (3, 12) and python.runs else []
    return run_child(python, "threads_use.py", folder, *kind, env=gil_env(python),
                     timeout=300).strip()


def main():
    tally = Tally(__doc__)
    for python in pythons():
        tally.add(f"threads {python.label}", works, python)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
