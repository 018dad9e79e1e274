#!/usr/bin/env python3
"""Runs ../examples with small inputs in every interpreter. Each example compares the pool's result
with that of one interpreter and fails when they differ; what it prints is compared with what is
worked out here in another way, or known."""

import contextlib
import difflib
import hashlib
import io
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import textwrap
import unittest
import unittest.mock

import pooltest

EXAMPLES = pathlib.Path(__file__).resolve().parents[1] / "examples"
LIMIT = 120  # seconds
LONGEST = 80  # lines

sys.path.insert(0, str(EXAMPLES))
import measure  # noqa: E402


def primes_below(limit):
    numbers = set(range(2, limit))
    for number in range(2, int(limit ** 0.5) + 1):
        numbers.difference_update(range(number * number, limit, number))
    return len(numbers)


def tree_hash(leaves):
    """From the top: a node of height h covers 2 ** h leaves, fewer at the end."""
    def node(begin, height):
        if height == 0:
            return leaves[begin]
        half = 1 << (height - 1)
        parts = [node(place, height - 1) for place in (begin, begin + half) if place < len(leaves)]
        return hashlib.sha256(b"".join(parts)).digest()
    return node(0, (len(leaves) - 1).bit_length()).hex()


def file_hash(number):
    body = random.Random(number).randbytes(20_000)
    return tree_hash([hashlib.sha256(body[i:i + 512]).digest() for i in range(0, 20_000, 512)])


def first_day():
    degrees = [(n % 90 - 32) / 1.8 for n in range(0, 5000, 28) if n % 50]
    return len(degrees), round(sum(degrees) / len(degrees), 2)


# Lines that the small run prints.
QUEENS = ["  ValueError: two queens in one column: (3, 3)",
          "4 ways to place 6 queens, 1 board refused"]
PRINTS = {
    "heavy_arithmetic": [f"primes below 12000: {primes_below(12000)}"],
    "parse_json": ["4 files, 0.4 MB", "AT: 33446.23", "DE: 29979.96", "FR: 30742.62",
                   "PT: 31432.59"],
    "fetch_and_hash": [f"file {number}: {file_hash(number)}" for number in range(3)],
    "migrate_before": QUEENS,
    "migrate_after": QUEENS,
    "filter_images": ["image a: 64 x 48, mean 128.23", "image d: 64 x 48, mean 126.36"],
    "compress_files": ["text-0.txt: 3708 bytes, ", "text-7.txt: 3701 bytes, "],
    "etl_pipeline": [f"4900 rows of 28 days; first day: {first_day()}"],
    "parse_logs": ["  server-5.log: 1200 lines, 53.9 MB sent, 34 errors",
                   "4200 lines in 6 files"],
    "analyse_pages": ["6 pages, 600 links; first: "
                      "(100, [('delta', 96), ('cloud', 68), ('bridge', 26)])"],
}


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pythons = pooltest.interpreters()

    def run_example(self, version, name):
        python = self.pythons[version]
        folder = pooltest.built(version, python)
        done = subprocess.run([python, "-W", "error", EXAMPLES / f"{name}.py", "--small",
                               "--workers", "2"], env=pooltest.environment(folder),
                              capture_output=True, text=True, timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-4000:])
        self.assertNotRegex(done.stderr, "Traceback|Warning")
        self.assertRegex(done.stdout, r"(?m)^one interpreter: +[\d.]+ s\n"
                                      r"2 in a pool: +[\d.]+ s, [\d.]+ times as fast$")
        for line in PRINTS[name]:
            self.assertIn("\n" + line, "\n" + done.stdout)


def add(version, name):
    def test(self):
        self.run_example(version, name)
    setattr(Examples, f"test_{name}_{version.replace('.', '_')}", test)


for wanted in pooltest.WANTED:
    for example in PRINTS:
        add(wanted, example)


class Documents(unittest.TestCase):
    def run_first_example(self, page):
        """What the first block of the page prints that imports the pool."""
        text = (pooltest.ROOT / page).read_text(encoding="utf-8")
        block = re.search(r"(?m)^    from extpool import .*\n(?:(?:    .*)?\n)+", text)[0]
        python = pooltest.interpreters()["3.14"]
        with tempfile.TemporaryDirectory() as folder:
            script = pathlib.Path(folder, "example.py")
            script.write_text(textwrap.dedent(block), encoding="utf-8")
            done = subprocess.run([python, "-W", "error", script], text=True, timeout=LIMIT,
                                  env=pooltest.environment(pooltest.built("3.14", python)),
                                  capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_readme(self):
        self.assertEqual(self.run_first_example("README.md"),
                         f"{sum(len(str(3 ** n)) for n in range(2000))}\n")

    def test_pool_page(self):
        self.assertEqual(self.run_first_example("docs/pool.md"),
                         f"{sum(n ** n for n in range(1000))}\n")


class Scripts(unittest.TestCase):
    def test_all_are_run_short_and_described(self):
        found = {path.stem for path in EXAMPLES.glob("*.py")} - {"measure"}
        self.assertEqual(found, {*PRINTS, "checked_modules"})  # that one: test_quickstart.py
        readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
        for name in sorted(found):
            text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
            self.assertLessEqual(text.count("\n"), LONGEST, name)
            self.assertRegex(text, r'\A"""[^"]*\n    PYTHONPATH=\S+ python3\.14 \S*pool/examples/')
            self.assertIn(f"`{name}.py`", readme)

    def test_migration_changes_one_line(self):
        before, after = ((EXAMPLES / f"migrate_{name}.py").read_text(encoding="utf-8").splitlines()
                         for name in ("before", "after"))
        changes = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
        self.assertEqual(changes, [
            "- from concurrent.futures import ThreadPoolExecutor as Executor",
            "+ from extpool import InterpreterPool as Executor"])

    def test_no_workers_is_bad_usage(self):
        err = io.StringIO()
        with contextlib.redirect_stderr(err), unittest.mock.patch.object(
                sys, "argv", ["x.py", "--workers", "0"]):
            with self.assertRaises(SystemExit) as raised:
                measure.options("x")
        self.assertEqual(raised.exception.code, 2)
        self.assertIn("--workers", err.getvalue())

    def test_a_wrong_result_is_refused(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(measure.compare(2, lambda: [1], lambda: [1]), [1])
            with self.assertRaisesRegex(SystemExit, "result"):
                measure.compare(2, lambda: [1], lambda: [2])

    def test_long_runs_tell_how_far_they_are(self):
        err = io.StringIO()
        with contextlib.redirect_stderr(err):
            self.assertEqual(list(measure.progress("abc", 3, patience=0)), ["a", "b", "c"])
            self.assertEqual(list(measure.progress("abc", 3, patience=60)), ["a", "b", "c"])
        self.assertEqual(err.getvalue(), "  1 of 3 done\n  2 of 3 done\n")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=2)
