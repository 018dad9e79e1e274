"""One process of the benchmark: pools side by side, rounds interleaved, figures as JSON.

Started by run.py in the interpreter under test."""

import argparse
import asyncio
import concurrent.futures as cf
import datetime
import json
import math
import multiprocessing
import statistics
import sys
import time

import extpool
import tasks

WORKERS = 2
clock = time.perf_counter


def make(name):
    if name == "extpool":
        return extpool.InterpreterPool(WORKERS)
    if name == "interpreters":
        return cf.InterpreterPoolExecutor(WORKERS)
    if name == "threads":
        return cf.ThreadPoolExecutor(WORKERS)
    return cf.ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("forkserver"))


# Each case takes a pool and returns seconds (per task where it says so).

def throughput(pool, count=10000):
    start = clock()
    futures = [pool.submit(math.factorial, 5) for _ in range(count)]
    for future in futures:
        future.result()
    return (clock() - start) / count


def round_trip(pool, count=1000):
    times = []
    for _ in range(count):
        start = clock()
        pool.submit(math.factorial, 5).result()
        times.append(clock() - start)
    return statistics.median(times)


def chunked_map(pool, count=50000):
    start = clock()
    total = sum(pool.map(math.factorial, [5] * count, chunksize=1000))
    assert total == 120 * count
    return (clock() - start) / count


def with_asyncio(pool, count=3000):
    async def main():
        loop = asyncio.get_running_loop()
        start = clock()
        await asyncio.gather(*[loop.run_in_executor(pool, math.factorial, 5)
                               for _ in range(count)])
        return (clock() - start) / count
    return asyncio.run(main())


def as_completed(pool, count=3000):
    start = clock()
    futures = [pool.submit(math.factorial, 5) for _ in range(count)]
    assert sum(1 for _ in cf.as_completed(futures)) == count
    return (clock() - start) / count


def best_of(function, argument, repeat):
    def case(pool):
        times = []
        for _ in range(repeat):
            start = clock()
            pool.submit(function, argument).result()
            times.append(clock() - start)
        return min(times)
    return case


def scaling(pool, count=1_000_000):
    start = clock()
    for future in [pool.submit(tasks.heavy, count) for _ in range(4)]:
        future.result()
    return clock() - start


BIG = b"x" * 10_000_000
RECORDS = [{"id": i, "name": f"user{i}", "score": i * 0.5, "tags": ["a", "b"]}
           for i in range(2000)]
DATES = [datetime.datetime(2020, 1, 1) + datetime.timedelta(i) for i in range(1000)]
INTS = {"k": list(range(10000))}
INT_DICT = {i: i * 3 for i in range(10000)}

CASES = {
    "trivial tasks": throughput,
    "round trip": round_trip,
    "chunked map": chunked_map,
    "asyncio": with_asyncio,
    "as_completed": as_completed,
    "dict of 10k ints": best_of(len, INTS, 5),
    "dict of 10k ints, one key each": best_of(len, INT_DICT, 5),
    "2,000 records, there and back": best_of(tasks.identity, RECORDS, 3),
    "1,000 datetimes, there and back": best_of(tasks.identity, DATES, 3),
    "10 MB bytes": best_of(len, BIG, 6),
    # As many as the system needs to put the two threads on two processors.
    "10 MB memoryview": best_of(len, memoryview(BIG), 1000),
    "four heavy tasks": scaling,
}


BEGUN = ("[__import__('time').perf_counter(), __import__('os').getpid(),"
         " __import__('_thread').get_ident(), __import__('time').sleep({})]")


def start_up(name, nap=0.02):
    """Seconds until two workers have begun a task each; both then sleep, so that none gets two."""
    start = clock()
    with make(name) as pool:
        begun = [future.result() for future in
                 [pool.submit(eval, BEGUN.format(nap), {}) for _ in range(WORKERS)]]
    if len({tuple(worker) for _, *worker, _ in begun}) < WORKERS:
        return start_up(name, nap * 4)
    return max(when for when, *_ in begun) - start


def orders(names, rounds):
    """Forwards and backwards by turns: whoever comes next finds what the one before left in the
    processors' caches, and processes leave nothing but their own."""
    return [names[::-1] if number % 2 else names for number in range(rounds)]


def run_cases(names, rounds, wanted):
    pools = {name: make(name) for name in names}
    for pool in pools.values():
        for future in [pool.submit(time.sleep, 0.01) for _ in range(8)]:
            future.result()
        for future in [pool.submit(tasks.identity, DATES) for _ in range(8)]:
            future.result()
    results = {case: {name: [] for name in names} for case in CASES if not wanted or case in wanted}
    for order in orders(names, rounds):
        for case in results:
            for name in order:
                if case == "10 MB memoryview" and name == "processes":
                    continue
                time.sleep(0.02)  # what the pool before left behind in its threads
                results[case][name].append(CASES[case](pools[name]))
    for pool in pools.values():
        pool.shutdown()
    if not wanted or "two workers ready" in wanted:
        ready = results["two workers ready"] = {name: [] for name in names}
        for order in orders(names, rounds):
            for name in order:
                ready[name].append(start_up(name))
    return results


def private_memory(name, workers=8):
    """kB per worker that a pool of eight adds to this process, once warm."""
    before = tasks.memory()
    pool = (extpool.InterpreterPool(workers) if name == "extpool"
            else cf.InterpreterPoolExecutor(workers))
    with pool:
        for future in [pool.submit(time.sleep, 0.3) for _ in range(workers)]:
            future.result()
        return (tasks.memory() - before) / workers


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--memory", metavar="POOL")
    parser.add_argument("--case", action="append")
    options = parser.parse_args()
    if options.memory:
        print(json.dumps(private_memory(options.memory)))
        return
    names = ["extpool", "threads", "processes"]
    if hasattr(cf, "InterpreterPoolExecutor"):
        names.insert(1, "interpreters")
    json.dump({"version": sys.version.split()[0],
               "seconds": run_cases(names, options.rounds, options.case)}, sys.stdout)


if __name__ == "__main__":
    main()
