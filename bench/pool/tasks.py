"""What the benchmarked pools run; a module, so that every kind of pool can import it."""

import json


def identity(value):
    return value


def nothing(_=None):
    return None


def heavy(count):
    total = 0
    for i in range(count):
        total += (i * i) % 7
    return total


def parse(path):
    with open(path, encoding="utf-8") as file:
        return len(json.load(file))


def memory():
    """Memory that only this process has, kB. Clean pages of files count as private or not with who
    else runs the same program."""
    total = 0
    with open("/proc/self/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith("Private_Dirty"):
                total += int(line.split()[1])
    return total
