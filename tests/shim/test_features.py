"""Rarer kinds of types: finalizers that revive, metaclasses, builtin bases, freelists, all slots."""

import sys

from shimtest import Tally, build, pythons, run_child


def works(python):
    folder = build(python, "features", ["features.c"],
                   ["-DEXTSHIM_CLAIM_OWN_GIL=1"])
    own = ["own"] if python.minor >= (3, 12) and python.runs else []
    return run_child(python, "features_use.py", folder, *own).strip()


def main():
    tally = Tally(__doc__)
    for python in pythons():
        tally.add(f"features {python.label}", works, python)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
