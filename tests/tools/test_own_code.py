#!/usr/bin/env python3
"""extcheck on C that must be clean: its own sources and the good halves of the test modules."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXTCHECK = os.path.abspath(os.environ.get("EXTCHECK") or ROOT / "build/dev/extcheck")
if not os.path.exists(EXTCHECK):
    sys.exit(f"there is no {EXTCHECK}: build it, or set EXTCHECK")
BUILD = pathlib.Path(EXTCHECK).parent


def check(files, *options):
    done = subprocess.run([EXTCHECK, "--isolated", "--target", "all", "--format", "json", *options,
                           *map(str, files)], cwd=ROOT, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=300, check=False)
    return done, json.loads(done.stdout)


class OwnCode(unittest.TestCase):
    maxDiff = None

    def assert_clean(self, report):
        bad = [f"{f['file']}:{f['line']}: {f['rule']} {f['severities']}"
               for f in report["findings"] if {"hazard", "blocker"} & set(f["severities"].values())]
        self.assertEqual(bad, [])
        self.assertFalse([f for f in report["findings"] if f["suppression"]])

    def test_checker(self):
        files = sorted((ROOT / "checker").rglob("*.c"))
        self.assertGreater(len(files), 60)
        # The flags are in the database of this build. A program owns its process, so what the PST
        # rules say about fork(), exit() and signal handlers of a module does not concern it.
        done, report = check(files, "--python", "3.14", "-p", BUILD, "--ignore", "PST")
        self.assertEqual(done.returncode, 0, done.stdout[:3000] + done.stderr)
        self.assertRegex(done.stderr, rf"analysed {len(files)}/{len(files)} files")
        self.assert_clean(report)

    def test_checker_has_no_suppressions(self):
        for path in (ROOT / "checker").rglob("*.[ch]"):
            self.assertNotIn("extcheck: " + "ignore", path.read_text("utf-8").replace(
                "`extcheck: " + "ignore", ""), path)

    def test_good_halves(self):
        files = sorted(path for path in ROOT.glob("testmods/*_good/*")
                       if path.suffix in (".c", ".cpp"))
        self.assertGreaterEqual(len(files), 10)
        done, report = check(files, "--python", "3.14")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assert_clean(report)
        names = {module["name"] for module in report["modules"]}
        self.assertLessEqual({path.stem for path in files}, names)


if __name__ == "__main__":
    unittest.main()
