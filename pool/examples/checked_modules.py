"""Extension modules that extcheck has judged, in the pool; ./quickstart builds them and runs this.

    cd build/quickstart/chain
    PYTHONPATH=pool:modules python3.14 ../../../pool/examples/checked_modules.py [MODULE...]

Each worker imports shim_table_good and shim_cache_good, which came through the gate. With names of
modules it only tries to import those, and fails unless all are refused: they have no note, or
--verdicts FILE says that they are not ready.
"""

import importlib
import sys

import measure
from extpool import InterpreterPool


def sum_of_squares(begin, end):
    """Works with both modules: one computes, the other remembers, per interpreter."""
    import shim_cache_good
    import shim_table_good
    total = 0
    for number in range(begin, end):
        square = shim_table_good.square(number % 250_000)
        shim_cache_good.put(number % 100, square)
        total += square
    return total


def try_import(name):
    importlib.import_module(name)


def accepted(names, verdicts):
    """Prints what a worker says to each of the modules; returns those that it imported."""
    imported = []
    with InterpreterPool(1, verdicts=verdicts) as pool:
        for name in names:
            error = pool.submit(try_import, name).exception()
            print(f"{name}: " + (f"{type(error).__name__}: {error}" if error else "imported"))
            imported += [] if error else [name]
    return imported


def main():
    options = measure.options(__doc__, ("modules", {"nargs": "*", "metavar": "MODULE"}),
                              ("--verdicts", {"metavar": "FILE"}))
    if options.modules:
        names = accepted(options.modules, options.verdicts)
        sys.exit(f"not refused: {', '.join(names)}" if names else 0)
    step = 10_000 if options.small else 250_000
    begins, ends = range(0, 20 * step, step), range(step, 21 * step, step)

    def pooled():
        with InterpreterPool(options.workers) as pool:
            return sum(measure.progress(pool.map(sum_of_squares, begins, ends), len(begins)))

    total = measure.compare(options.workers, lambda: sum(map(sum_of_squares, begins, ends)),
                            pooled)
    print(f"sum of {20 * step} squares: {total}")


if __name__ == "__main__":
    main()
