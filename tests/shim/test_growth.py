"""Interpreters created and destroyed one after another: the shim leaves nothing behind.

3.14 and 3.15 must not grow by more than 5 MB in 1,000 interpreters. Older versions leak by
themselves: there a control that only makes and ends empty interpreters sets the measure.
"""

import sys

from shimtest import Failure, Tally, build, gil_env, pythons, run_child

LIMIT_KB = 5 * 1024
# What the control may differ by: pages that malloc keeps, and one module object's dict.
NOISE_KB = 2048
CLAIMS = ["-DEXTSHIM_CLAIM_OWN_GIL=1"]


def growth(python, folder, count, what):
    return int(run_child(python, "growth.py", folder, count, what, timeout=1800,
                         env=dict(gil_env(python), MALLOC_ARENA_MAX="1")))


def grows(python, count):
    claims = CLAIMS + (["-DEXTSHIM_CLAIM_GIL_NOT_USED=1"]
                       if python.build == "free-threaded" else [])
    folder = build(python, "kinds", ["kinds.c"], claims)
    used = growth(python, folder, count, "use")
    text = f"{used} KB over {count} interpreters"
    if python.minor >= (3, 14) and python.build == "gil":
        if used > LIMIT_KB:
            raise Failure(text)
        return text
    control = growth(python, folder, count, "empty")
    if used > control + max(NOISE_KB, control // 20):
        raise Failure(f"{text}, empty ones: {control} KB")
    return f"{text}, empty ones: {control} KB"


def main():
    tally = Tally(__doc__)
    count = 1000 if tally.options.long else 100
    for python in pythons((3, 13), crashy=False):
        tally.add(f"growth {python.label}", grows, python, count)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
