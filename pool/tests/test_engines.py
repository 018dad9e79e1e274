#!/usr/bin/env python3
"""Dask and joblib from the index over extpool: engines/*_cases.py, each in an environment of its
own. Long runs add the other interpreters and Celery."""

import os
import pathlib
import subprocess
import sys
import unittest

import pooltest
import venvs

ENGINES = pathlib.Path(__file__).resolve().parent / "engines"
LIMIT = 300  # seconds
PACKAGES = {"dask": ("distributed==2026.8.0", "dask==2026.8.0"), "joblib": ("joblib==1.6.0",),
            "celery": ("celery==5.7.0",)}
RUNS = [("dask", "3.14"), ("joblib", "3.14")]
if os.environ.get("EXTCHECK_LONG"):
    RUNS += [("celery", "3.14"), ("dask", "3.13"), ("joblib", "3.13"), ("joblib", "3.15")]


class Engines(unittest.TestCase):
    def run_cases(self, engine, version):
        python = pooltest.interpreters()[version]
        inside = venvs.provide(python, *PACKAGES[engine])
        folder = pooltest.built(version, python)
        done = subprocess.run([inside, "-X", "faulthandler", ENGINES / f"{engine}_cases.py"],
                              env=pooltest.environment(folder), capture_output=True, text=True,
                              timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-6000:])
        self.assertRegex(done.stderr, r"Ran [1-9]\d* tests? in .*\n\nOK")


def add(engine, version):
    def test(self):
        self.run_cases(engine, version)
    setattr(Engines, f"test_{engine}_{version.replace('.', '_')}", test)


for wanted in RUNS:
    add(*wanted)

if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=2)
