"""Runs inside the interpreter that is measured: measure.py ROUNDS PLAIN SHIM MODE, JSON on stdout.

MODE: alone, several (another interpreter has used the modules) or parallel (it does so now).
"""

import importlib
import importlib.machinery
import importlib.util
import json
import statistics
import sys
import threading
import time

import interps
import lookups

ROUNDS, PLAIN, SHIM, MODE = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
ACCESSES, SORTS, SECONDS = 20000, 4, 0.002
WAYS = ["static", "shim", "module_state", "by_def", "interpreter_dict", "thread_local",
        "reader_count"]
# What the packages themselves do, where they are at hand.
PACKAGES = ["cython_way", "pybind11_way"]
# shim_same, static_same: always the same few arrays, which the processor learns to predict.
SORTINGS = ["static", "shim", "with", "call", "static_same", "shim_same", "call_same"]
OTHER = f"""
import importlib.machinery, importlib.util, lookups
loader = importlib.machinery.ExtensionFileLoader("kinds", {SHIM!r})
spec = importlib.util.spec_from_file_location("kinds", {SHIM!r}, loader=loader)
kinds = importlib.util.module_from_spec(spec)
loader.exec_module(kinds)
lookups.shim(1000)
a, b = kinds.Num(1), kinds.Num(2)
for name in {PACKAGES!r}:
    try:
        __import__(name).loop(1000)
    except ImportError:
        pass
"""
# What the other interpreter does while this one is measured, until the pipe is closed.
BUSY = """
import os, select
while not select.select([{fd}], [], [], 0)[0]:
    lookups.shim(20000)
    lookups.reader_count(2000)
    lookups.sort_shim(1)
    for _ in range(200):
        a + b; a < b; kinds.Num(3); list(kinds.Bag([1, 2]))
"""


def load(path):
    loader = importlib.machinery.ExtensionFileLoader("kinds", path)
    spec = importlib.util.spec_from_file_location("kinds", path, loader=loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def operations(kinds):
    """One entry for each call from Python, as ordinary code makes them."""
    a, b = kinds.Num(3), kinds.Num(4)
    bag = kinds.Bag([1, 2, 3])
    numbers = [kinds.Num(i * 7919 % 64) for i in range(64)]
    num, caller = kinds.Num, kinds.Caller()
    handed_down = kinds.sorted if kinds.__file__ == PLAIN else kinds.sorted_with
    return {
        "create and drop": lambda: num(5),
        "add": lambda: a + b,
        "compare": lambda: a < b,
        "type check": lambda: kinds.is_num(a),
        "method": a.exact,
        "property": lambda: a.double,
        "iterate": lambda: list(bag),
        "vectorcall": lambda: caller(1, 2),
        "sort 64, qsort() left as it was": lambda: kinds.sorted(numbers),
        # The static variable on the plain side, a state that is handed down on the other.
        "sort 64, ExtShim_Sort()": lambda: handed_down(numbers),
    }


def repeat(function, times):
    each = [None] * times
    begin = time.thread_time()
    for _ in each:
        function()
    return (time.thread_time() - begin) / times


def times_for(function):
    """So many that one measurement takes about SECONDS."""
    times = 64
    while repeat(function, times) * times < SECONDS / 2:
        times *= 2
    return times


def measure_operations(result):
    sides = {"plain": operations(load(PLAIN)), "shim": operations(load(SHIM))}
    for name in sides["plain"]:
        times = times_for(sides["plain"][name])
        ratios, samples = [], []
        for number in range(ROUNDS):
            order = ["plain", "shim"] if number % 2 else ["shim", "plain"]
            took = {side: repeat(sides[side][name], times) for side in order}
            ratios.append(took["shim"] / took["plain"])
            samples.append(took["plain"] * 1e9)
        result["operations"][name] = [statistics.median(ratios), statistics.median(samples)]


def measure_accesses(result):
    ways = {way: getattr(lookups, way) for way in WAYS if hasattr(lookups, way)}
    for name in PACKAGES:
        try:
            ways[name] = importlib.import_module(name).loop
        except ImportError:
            pass
    samples = {way: [] for way in ways}
    sorts = {way: [] for way in SORTINGS}
    for _ in range(ROUNDS):
        for way, each in samples.items():
            each.append(ways[way](ACCESSES))
        for way, each in sorts.items():
            each.append(getattr(lookups, "sort_" + way)(SORTS))
    result["accesses"] = {way: statistics.median(each) for way, each in samples.items()}
    for name, way, plain in (("comparator", "shim", "static"),
                             ("comparator, one order", "shim_same", "static_same"),
                             ("call alone", "call", "static"),
                             ("call alone, one order", "call_same", "static_same"),
                             ("comparator, handed down", "with", "static")):
        result[name] = statistics.median(
            shim / base for shim, base in zip(sorts[way], sorts[plain]))


def with_other(function, *arguments):
    if MODE == "alone":
        function(*arguments)
        return
    other = interps.create(sys.version_info >= (3, 12))
    interps.execute(other, OTHER)
    if MODE == "parallel":
        import os
        reader, writer = os.pipe()
        thread = threading.Thread(target=interps.execute,
                                  args=(other, BUSY.format(fd=reader)))
        thread.start()
        function(*arguments)
        os.close(writer)
        thread.join()
    else:
        function(*arguments)
    interps.destroy(other)


def main():
    result = {"operations": {}}
    with_other(lambda: (measure_accesses(result), measure_operations(result)))
    print(json.dumps(result))


main()
