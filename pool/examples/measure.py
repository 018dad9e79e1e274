"""What the examples share: their options, both runs side by side, progress."""

import argparse
import os
import sys
import time


def options(description, *more):
    """The command line of every example: workers, and small for a run of a moment; more of them as
    (name, what add_argument() takes)."""
    parser = argparse.ArgumentParser(description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1,
                        help="interpreters of the pool (default: one per processor)")
    parser.add_argument("--small", action="store_true", help="a small input, done in a moment")
    for name, settings in more:
        parser.add_argument(name, **settings)
    found = parser.parse_args()
    if found.workers < 1:
        parser.error("--workers: at least 1")
    return found


def compare(workers, alone, pooled):
    """Calls both, prints how long each took, and returns their result, which must be the same."""
    before = time.perf_counter()
    expected = alone()
    between = time.perf_counter()
    result = pooled()
    after = time.perf_counter()
    print(f"one interpreter: {between - before:6.2f} s")
    print(f"{workers} in a pool:     {after - between:6.2f} s, "
          f"{(between - before) / (after - between):.2f} times as fast")
    if result != expected:
        sys.exit("the pool's result is not that of one interpreter")
    return result


def progress(results, total, patience=2.0):
    """Hands on what results yields; tells stderr how far it is, once that takes seconds."""
    shown = time.monotonic()
    for done, result in enumerate(results, 1):
        yield result
        if time.monotonic() - shown >= patience and done < total:
            shown = time.monotonic()
            print(f"  {done} of {total} done", file=sys.stderr, flush=True)
