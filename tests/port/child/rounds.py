"""Times the cases of FOLDER/workload.py once: rounds.py FOLDER. Prints one line a case: ns per call.

The driver runs it in turn for the plain and the ported build, so that a busy machine slows both.
"""

import sys
import time

sys.path.insert(0, sys.argv[1])
import workload  # noqa: E402

REPEATS, SLICE = 8, 0.004


def once(call, loops):
    start = time.thread_time_ns()
    for _ in range(loops):
        call()
    return (time.thread_time_ns() - start) / loops


def measure(call):
    """The best of several short slices of processor time: what nothing else disturbed."""
    loops = 1
    while once(call, loops) * loops < SLICE * 1e9 and loops < 1 << 20:
        loops *= 2
    return min(once(call, loops) for _ in range(REPEATS))


for name, call in workload.CASES:
    print(f"{measure(call):.1f}\t{name}")
