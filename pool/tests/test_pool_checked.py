#!/usr/bin/env python3
"""The pool's own C, checked by extcheck: ready for both targets, nothing suppressed."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

import pooltest

EXTCHECK = os.environ.get("EXTCHECK")
SOURCES = sorted((pooltest.ROOT / "pool" / "src").glob("*.c"))


class Checked(unittest.TestCase):
    def test_ready_for_both_targets(self):
        python = pooltest.interpreters()["3.14"]
        flags = pooltest.pool_build.include_flags(python, pooltest.pool_build.probe(python))
        done = subprocess.run(
            [EXTCHECK, "--isolated", "--target", "own-gil", "--target", "free-threaded",
             "--format", "json", *map(str, SOURCES), "--",
             *[flag.replace("-isystem", "-I") for flag in flags], "-std=gnu11"],
            cwd=pooltest.ROOT, capture_output=True, text=True, timeout=300, check=False)
        report = json.loads(done.stdout)
        bad = [f"{f['file']}:{f['line']}: {f['rule']}" for f in report["findings"]
               if {"hazard", "blocker"} & set(f["severities"].values())]
        self.assertEqual(bad, [])
        self.assertIn('"ready"', done.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_nothing_is_suppressed(self):
        words = ("extcheck" + ": ignore", "extcheck" + ":ignore")
        marked = [path.name for path in SOURCES
                  if any(word in path.read_text(encoding="utf-8") for word in words)]
        self.assertEqual(marked, [])
        self.assertGreater(len(SOURCES), 15)


if __name__ == "__main__":
    if not EXTCHECK:
        sys.exit("set EXTCHECK to the checker's binary")
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=2)
