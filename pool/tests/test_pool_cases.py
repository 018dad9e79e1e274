#!/usr/bin/env python3
"""Runs cases/*.py in every interpreter the pool supports, each file under a watchdog."""

import pathlib
import subprocess
import sys
import unittest

import pooltest

HERE = pathlib.Path(__file__).resolve().parent
CASES = ("start", "values", "calls", "sharing", "faults", "commands", "script")
LIMIT = 240  # seconds


class PoolCases(unittest.TestCase):
    def run_case(self, version, case):
        python = pooltest.interpreters()[version]
        folder = pooltest.built(version, python)
        done = subprocess.run([python, "-X", "faulthandler", HERE / "cases" / f"{case}.py"],
                              env=pooltest.environment(folder), capture_output=True, text=True,
                              timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-6000:])
        self.assertRegex(done.stderr, r"Ran [1-9]\d* tests? in .*\n\nOK")


def add(version, case):
    def test(self):
        self.run_case(version, case)
    setattr(PoolCases, f"test_{case}_{version.replace('.', '_')}", test)


for wanted in pooltest.WANTED:
    for name in CASES:
        add(wanted, name)

if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=2)
