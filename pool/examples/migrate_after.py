"""A program with a pool of threads (migrate_before.py), and with interpreters (migrate_after.py).

    PYTHONPATH=build/pool/3.14 python3.14 pool/examples/migrate_before.py
    PYTHONPATH=build/pool/3.14 python3.14 pool/examples/migrate_after.py

The two files differ in one line, the import of Executor. submit(), as_completed(), callbacks and
exceptions stay as they are. Threads share one lock and are no faster than one of them alone.
"""

from extpool import InterpreterPool as Executor
from concurrent.futures import as_completed

import measure


def solutions(size, columns):
    """How many ways there are to place the missing queens on a board of size x size."""
    row = len(columns)
    if row == size:
        return 1
    if len(set(columns)) < row:
        raise ValueError(f"two queens in one column: {columns}")
    count = 0
    for column in range(size):
        if all(column != other and abs(column - other) != row - place
               for place, other in enumerate(columns)):
            count += solutions(size, (*columns, column))
    return count


def one_by_one(size):
    return {first: solutions(size, (first,)) for first in range(size)}, 1


def spread(size, workers):
    """({first column: solutions}, number of boards that could not be solved)."""
    counts, failed = {}, 0
    with Executor(workers) as executor:
        futures = {executor.submit(solutions, size, (first,)): first for first in range(size)}
        futures[executor.submit(solutions, size, (3, 3))] = None
        for future in measure.progress(as_completed(futures), len(futures)):
            if error := future.exception():
                print(f"  {type(error).__name__}: {error}")
                failed += 1
            else:
                counts[futures[future]] = future.result()
    return dict(sorted(counts.items())), failed


def main():
    options = measure.options(__doc__)
    size = 6 if options.small else 11
    counts, failed = measure.compare(options.workers, lambda: one_by_one(size),
                                     lambda: spread(size, options.workers))
    print(f"{sum(counts.values())} ways to place {size} queens, {failed} board refused")


if __name__ == "__main__":
    main()
