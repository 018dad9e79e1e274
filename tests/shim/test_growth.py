"""Interpreters created and destroyed one after another: the shim leaves nothing behind.

3.14 and 3.15 must not grow by more than 5 MB in 1,000 interpreters. Older versions leak by
themselves: blocks that are never freed, and with them all pages of the interpreter's arenas that
were ever written to. With malloc() in place of the arenas only the blocks are left, and there the
module must not add to what the search for a module that is not there costs. With arenas, and on
free-threaded builds, which have no other way, the measure is heap.c, the same types written by
hand without the shim; empty interpreters are a second, looser one.
"""

import sys

from shimtest import Failure, Tally, build, gil_env, pythons, run_child

LIMIT_KB = 5 * 1024
# What two runs may differ by: pages that malloc keeps.
NOISE_KB = 2048
# One leaked heap type alone is more than this.
EACH_KB = 1
CLAIMS = ["-DEXTSHIM_CLAIM_OWN_GIL=1"]


def growth(python, folder, count, what, **env):
    return int(run_child(python, "growth.py", folder, count, what, timeout=1800,
                         env=dict(gil_env(python), MALLOC_ARENA_MAX="1", **env)))


def blocks(python, folder, count):
    """What is leaked where every block is malloc()'s."""
    used, control = (growth(python, folder, count, what, PYTHONMALLOC="malloc")
                     for what in ("kinds", "miss"))
    text = f"{used} KB of blocks over {count} interpreters, by a missing module {control} KB"
    if used > control + EACH_KB * count:
        raise Failure(text)
    return text


def by_hand(python, count):
    return growth(python, build(python, "heap", ["heap.c"], shim=False), count, "heap")


def grows(python, count, long):
    claims = CLAIMS + (["-DEXTSHIM_CLAIM_GIL_NOT_USED=1"]
                       if python.build == "free-threaded" else [])
    folder = build(python, "kinds", ["kinds.c"], claims)
    text = ""
    if python.minor < (3, 14) and python.build == "gil":
        text = blocks(python, folder, count)
        if not long:
            return text
        text += "; "
    used = growth(python, folder, count, "kinds")
    text += f"{used} KB over {count} interpreters"
    if python.minor >= (3, 14) and python.build == "gil":
        if used > LIMIT_KB:
            raise Failure(text)
        return text
    control = by_hand(python, count)
    text += f", types written by hand: {control} KB"
    if used > control + max(NOISE_KB, control // 200):
        raise Failure(text)
    if long:
        empty = growth(python, folder, count, "empty")
        text += f", empty ones: {empty} KB"
        if used > empty + max(NOISE_KB, empty // 20):
            raise Failure(text)
    return text


def main():
    tally = Tally(__doc__)
    count = 1000 if tally.options.long else 100
    for python in pythons((3, 13), crashy=False):
        tally.add(f"growth {python.label}", grows, python, count, tally.options.long)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
