#!/usr/bin/env python3
"""Ten million tasks and five hundred pools: the process grows by less than 5 MB after warm-up.

Python 3.13 loses memory with every interpreter that ends, so this is measured on 3.14 and 3.15.
What counts is written memory: pages of the interpreter's file turn private and shared again with
other processes that run it, 9 MB at a time."""

import subprocess
import sys
import unittest

import pooltest

TASKS, POOLS = 10_000_000, 500
LIMIT_KB = 5000
TIME_LIMIT = 1500  # seconds

PROGRAM = """
import gc, sys
import extpool
import functions_for_tests as f

def private():
    gc.collect()
    with open("/proc/self/smaps_rollup", encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file if "Private_Dirty" in line)

def calls(pool, count):
    right = 0
    for start in range(0, count, 1000):
        futures = [pool.submit(f.identity, n) for n in range(start, start + 1000)]
        right += sum(future.result() == start + n for n, future in enumerate(futures))
    assert right == count, (right, count)

def pools(count):
    for n in range(count):
        with extpool.InterpreterPool(2) as pool:
            assert [pool.submit(f.identity, (n, "x")).result() for _ in range(2)] == [(n, "x")] * 2

tasks, count = map(int, sys.argv[1:])
with extpool.InterpreterPool(2) as pool:
    calls(pool, tasks // 10)
    before = private()
    calls(pool, tasks)
    print("tasks", private() - before)
pools(max(10, count // 10))
before = private()
pools(count)
print("pools", private() - before)
"""


class Growth(unittest.TestCase):
    def measure(self, version):
        python = pooltest.interpreters()[version]
        folder = pooltest.built(version, python)
        env = pooltest.environment(folder)
        env["PYTHONPATH"] += f":{pooltest.HERE / 'cases'}"
        done = subprocess.run([python, "-c", PROGRAM, str(TASKS), str(POOLS)], env=env,
                              capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        grown = {name: int(kilobytes) for name, kilobytes in
                 (line.split() for line in done.stdout.splitlines())}
        print(f"{version}: grown by (kB) {grown}", file=sys.stderr)
        self.assertEqual(set(grown), {"tasks", "pools"})
        self.assertLess(max(grown.values()), LIMIT_KB)

    def test_3_14(self):
        self.measure("3.14")

    def test_3_15(self):
        self.measure("3.15")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=2)
