"""Heavy arithmetic on all processors: counts primes, one block of numbers per task.

    PYTHONPATH=build/pool/3.14 python3.14 pool/examples/heavy_arithmetic.py

Each worker is an interpreter with a lock of its own, so plain Python code runs on all processors.
Blocks are many more than workers: who is done early takes the next one.
"""

import measure
from extpool import InterpreterPool


def primes_between(begin, end):
    """How many primes there are from begin to before end."""
    count = 0
    for number in range(max(begin, 2), end):
        divisor = 2
        while divisor * divisor <= number and number % divisor:
            divisor += 1
        count += divisor * divisor > number
    return count


def main():
    options = measure.options(__doc__)
    limit = 12_000 if options.small else 300_000
    begins = range(0, limit, limit // 60)
    ends = range(limit // 60, limit + 1, limit // 60)

    def pooled():
        with InterpreterPool(options.workers) as pool:
            results = pool.map(primes_between, begins, ends)
            return sum(measure.progress(results, len(begins)))

    count = measure.compare(options.workers,
                            lambda: sum(map(primes_between, begins, ends)), pooled)
    print(f"primes below {limit}: {count}")


if __name__ == "__main__":
    main()
