#!/usr/bin/env python3
"""CPython's tests of InterpreterPoolExecutor and the executor mixins, run against extpool.

What may differ is listed with its reason in cpython_differences.tsv: at most ten tests, none of
the mixins that all executors share. A listed test that passes is an error as well. Many of the
tests sleep and expect that something has happened meanwhile, so on a busy machine any may fail; as
CPython's own runner does, those that did are run again, alone."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

import pooltest

HERE = pathlib.Path(__file__).resolve().parent
LINE = re.compile(r"(ok|failed|skipped|ran)\t(.+)$")
MIXINS = re.compile(r"(AsCompleted|Initializer|Wait|Shutdown)\w*Test\.")
LEAST = 60  # tests CPython has for this
AGAIN = 3  # times


def differences():
    rows = (HERE / "cpython_differences.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return dict(row.split("\t") for row in rows)


class CPythonSuite(unittest.TestCase):
    maxDiff = None

    def run_tests(self, version, *names):
        """(names of those that failed, how many ran, standard error)."""
        python = pooltest.interpreters()[version]
        folder = pooltest.built(version, python)
        done = subprocess.run([python, "-W", "ignore", HERE / "cpython_child.py", folder, *names],
                              env=pooltest.environment(folder), capture_output=True, text=True,
                              timeout=540, check=False)
        results = [match.groups() for match in map(LINE.search, done.stdout.splitlines()) if match]
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        failed = {name for result, name in results if result == "failed"}
        return failed, int(results[-1][1]), done.stderr

    def run_suite(self, version):
        failed, count, text = self.run_tests(version)
        self.assertGreaterEqual(count, LEAST)
        expected = set(differences())
        self.assertLessEqual(expected, failed)
        for _ in range(AGAIN):
            surprises = sorted(failed - expected)
            if not surprises:
                break
            print(f"{version}: again, alone: {', '.join(surprises)}", file=sys.stderr)
            failed, count, text = self.run_tests(version, *surprises)
            self.assertEqual(count, len(surprises))
        self.assertEqual(failed - expected, set(), text[-5000:])

    def test_3_14(self):
        self.run_suite("3.14")

    @unittest.skipUnless(os.environ.get("EXTCHECK_LONG"), "3.15 is for long runs")
    def test_3_15(self):
        self.run_suite("3.15")

    def test_the_table(self):
        table = differences()
        self.assertLessEqual(len(table), 10)
        self.assertEqual([name for name in table if MIXINS.match(name)], [])
        self.assertTrue(all(len(reason) > 20 for reason in table.values()))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=2)
