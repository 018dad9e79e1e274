#!/usr/bin/env python3
"""extcheck on C that must be clean: its own sources, the shim's in a module that is built with them,
and the good halves of the test modules."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXTCHECK = os.path.abspath(os.environ.get("EXTCHECK") or ROOT / "build/dev/extcheck")
if not os.path.exists(EXTCHECK):
    sys.exit(f"there is no {EXTCHECK}: build it, or set EXTCHECK")
BUILD = pathlib.Path(EXTCHECK).parent
CLAIMS = ("-DEXTSHIM_CLAIM_OWN_GIL=1", "-DEXTSHIM_CLAIM_GIL_NOT_USED=1")


def check(files, *options, flags=(), cwd=ROOT):
    done = subprocess.run([EXTCHECK, "--isolated", "--target", "all", "--format", "json", *options,
                           *map(str, files), *(["--", *flags] if flags else [])], cwd=cwd,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
                          check=False)
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
        done, report = check(files, "--python", "3.14", flags=("-Ishim/include", *CLAIMS))
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assert_clean(report)
        names = {module["name"] for module in report["modules"]}
        self.assertLessEqual({path.stem for path in files}, names)

    def test_shim_in_a_module(self):
        """As a project has it that copies the shim: its headers and sources are the project's own."""
        with tempfile.TemporaryDirectory(prefix="extshim-vendored-") as folder:
            project = pathlib.Path(folder)
            shutil.copytree(ROOT / "shim" / "include", project / "include")
            shutil.copytree(ROOT / "shim" / "src", project / "src")
            for name in ("shim_type_good", "shim_modinit_good", "shim_thread_good"):
                shutil.copy(ROOT / "testmods" / name / f"{name}.c", project)
            (project / "pyproject.toml").write_text("", encoding="utf-8")
            for name in ("shim_type_good", "shim_modinit_good", "shim_thread_good"):
                for python in ("3.13", "3.14", "3.15"):
                    with self.subTest(module=name, python=python):
                        self.check_vendored(project, name, python)

    def check_vendored(self, project, name, python):
        sources = sorted(path.relative_to(project) for path in project.glob("src/*.c"))
        done, report = check([f"{name}.c", *sources], "--python", python,
                             flags=("-Iinclude", *CLAIMS), cwd=project)
        self.assertEqual(done.returncode, 0, done.stdout[:3000] + done.stderr)
        self.assert_clean(report)
        module, = (module for module in report["modules"] if module["name"] == name)
        for target in ("own-gil", "shared-gil", "free-threaded"):
            self.assertEqual(module["verdicts"][target]["verdict"], "ready", module["verdicts"])


if __name__ == "__main__":
    unittest.main()
