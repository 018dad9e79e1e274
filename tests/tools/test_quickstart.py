#!/usr/bin/env python3
"""The end of ./quickstart: modules go through the gate into the pool, a bad one is refused twice."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXTCHECK = pathlib.Path(os.environ.get("EXTCHECK") or ROOT / "build/dev/extcheck").absolute()
CHAIN = "tools/lib/chain.py"
OUTPUT = EXTCHECK.parent / "quickstart-chain"
LIMIT = 300  # seconds


def python_3_14():
    listed = subprocess.run([sys.executable, ROOT / "tools/pythons", "list", "--run"], check=True,
                            capture_output=True, text=True).stdout
    found = [line.split("\t")[2] for line in listed.splitlines() if line.startswith("3.14.")]
    if not found:
        raise unittest.SkipTest("there is no 3.14: tools/pythons ensure 3.14")
    return found[0]


class Chain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.python = python_3_14()
        cls.code, cls.out = cls.run_chain()

    @classmethod
    def run_chain(cls):
        done = subprocess.run([sys.executable, ROOT / CHAIN, "--extcheck", EXTCHECK, "--python",
                               cls.python, "--output", OUTPUT, "--small"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=LIMIT, check=False)
        return done.returncode, done.stdout

    def example(self, *words):
        env = {**os.environ, "PYTHONPATH": f"{OUTPUT / 'pool'}:{OUTPUT / 'modules'}"}
        return subprocess.run([self.python, ROOT / "pool/examples/checked_modules.py", *words],
                              env=env, capture_output=True, text=True, timeout=LIMIT, check=False)

    def test_all_steps_in_their_order(self):
        self.assertEqual(self.code, 0, self.out)
        place = 0
        for step in (r"extcheck: gate: 'shim_table_good' is built .*; declares own-GIL support",
                     r"(?m)^built .*/modules/shim_table_good\.cpython-314",
                     r"extcheck: gate: 'shim_cache_good' is built",
                     r"error: module 'shim_cache_bad' is not-ready for own-gil",
                     r"shim_cache_bad\.c:15: blocker: .*\[GLB07\]",
                     r"(?m)^\$ extcheck --write-verdict ",
                     r"\d+ in a pool: +[\d.]+ s, [\d.]+ times as fast\n"
                     r"sum of 200000 squares: 2666646666700000\n",
                     r"shim_cache_bad: ImportError: .*has no note of extcheck.*--write-verdict",
                     r"shim_cache_bad: ImportError: .*not-ready for own-gil: "
                     r"GLB07 testmods/shim_cache_bad/shim_cache_bad\.c:15"):
            found = re.search(step, self.out[place:])
            self.assertTrue(found, f"{step} is not in\n{self.out[place:]}")
            place += found.end()

    def test_a_second_run_builds_nothing(self):
        before = {path: path.stat().st_mtime_ns for path in OUTPUT.glob("*/*.so")}
        self.assertEqual(len(before), 3)
        code, out = self.run_chain()
        self.assertEqual(code, 0, out)
        self.assertEqual(before, {path: path.stat().st_mtime_ns for path in before})

    def test_a_module_that_is_not_refused_fails_the_chain(self):
        done = self.example("shim_cache_good")
        self.assertEqual((done.returncode, done.stdout), (1, "shim_cache_good: imported\n"))
        self.assertIn("not refused: shim_cache_good", done.stderr)

    def test_quickstart_ends_with_it(self):
        text = (ROOT / "quickstart").read_text(encoding="utf-8")
        self.assertIn(f"python3 {CHAIN} --extcheck", text)
        self.assertLess(text.index("\ncheck_testmods\n"), text.index("\nrun_in_pool\n"))


if __name__ == "__main__":
    unittest.main()
