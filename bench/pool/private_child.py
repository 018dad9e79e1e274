"""One package under stress, for private_copies.py: three threads of the program keep four workers
busy; each task uses the package from three threads of its interpreter. Results must be those of
the program's own interpreter, which imports the package as usual.

Prints one JSON object. A crash or a hang is seen by the parent."""

import json
import sys
import threading
import time

import private_uses

WORKERS = 4
THREADS = 3
AHEAD = 2  # tasks that each thread of the program keeps submitted
GENERATIONS = 6  # of workers, for what an ended one leaves behind
SETTLE = 2  # of them are not counted


def task(name, seeds):
    """(which interpreter, whether its modules are copies, the results by seed)"""
    import _interpreters
    use = getattr(private_uses, "use_" + name)
    found = {}
    failed = []

    def run(part):
        try:
            for seed in part:
                found[seed] = use(seed)
        except BaseException as error:
            failed.append(error)

    run(seeds[:1])  # packages need not expect to be imported by three threads at once
    threads = [threading.Thread(target=run, args=(seeds[i::THREADS],)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return _interpreters.get_current()[0], found


def memory():
    """kB that only this process has, shared memory without a name included."""
    with open("/proc/self/status", encoding="ascii") as status:
        lines = dict(line.split(":", 1) for line in status)
    return sum(int(lines[key].split()[0]) for key in ("RssAnon", "RssShmem"))


def drive(pool, name, expected, until, report):
    """One thread of the program."""
    waiting = []
    seeds = sorted(expected)
    try:
        while time.monotonic() < until or waiting:
            while len(waiting) < AHEAD and time.monotonic() < until:
                waiting.append(pool.submit(task, name, seeds))
            interpreter, found = waiting.pop(0).result()
            report["interpreters"].add(interpreter)
            report["tasks"] += 1
            report["wrong"] += sum(found[seed] != expected[seed] for seed in seeds)
    except BaseException as error:
        report["errors"].append(f"{type(error).__name__}: {error}")


def stress(name, seconds):
    from extpool import InterpreterPool
    expected = {seed: getattr(private_uses, "use_" + name)(seed) for seed in range(1, 10)}
    report = {"interpreters": set(), "tasks": 0, "wrong": 0, "errors": []}
    before = memory()
    with InterpreterPool(WORKERS, isolation="private-copy") as pool:
        for first in [pool.submit(task, name, [1, 2, 3]) for _ in range(WORKERS)]:
            first.result()  # importing takes some packages longer than the stress
        began = time.monotonic()
        threads = [threading.Thread(target=drive, args=(pool, name, expected, began + seconds,
                                                        report)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        report["live_kb"] = (memory() - before) // WORKERS
        report["copies"] = sorted({made.module for made in pool.decisions()
                                   if made.outcome == "private"})
    report["interpreters"] = len(report["interpreters"])
    return report


def generations(name):
    """kB and seconds for each worker that used the package and ended."""
    from extpool import InterpreterPool
    sizes = []
    began = 0
    for number in range(GENERATIONS):
        began = time.monotonic() if number == SETTLE else began
        with InterpreterPool(1, isolation="private-copy") as pool:
            pool.submit(task, name, [1, 2, 3]).result()
        sizes.append(memory())
    count = GENERATIONS - SETTLE
    return {"left_kb": (sizes[-1] - sizes[SETTLE - 1]) // count,
            "seconds": round((time.monotonic() - began) / count, 2)}


if __name__ == "__main__":
    what, package, duration = sys.argv[1:4]
    result = stress(package, float(duration)) if what == "stress" else generations(package)
    print(json.dumps(result), flush=True)
