"""Verdict files: written by the checker, read back by it and by the pure Python gate alike."""

import hashlib
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
from unittest import mock

from support import (BUILD_FT, BUILD_OWN, DECLARE_FT, DECLARE_OWN, EXTCHECK, FIXED_SLOTS, INCLUDE,
                     PACKAGE, GateTest, need, pure_packages, source)
from extcheck_build import GateRefused, gate, record

SUPPORTS = ("--supports-own-gil", "--supports-free-threaded")
PYPROJECT = """\
[build-system]
requires = ["setuptools", "extcheck-build"]
build-backend = "setuptools.build_meta"

[project]
name = "spam"
version = "1.0"

[tool.setuptools]
py-modules = []
ext-modules = [{name = "spam", sources = ["spam.c"], depends = ["spam.h"]}]

[tool.setuptools.cmdclass]
build_ext = "extcheck_build.hook.build_ext"

[tool.extcheck-build]
supports-own-gil = true
supports-free-threaded = true
"""


def seal(content):
    """A verdict file's text with the right checksum."""
    return record.payload({k: v for k, v in content.items() if k != "checksum"})


class Policy(GateTest):
    """The checker and the Python package decide alike, for every verdict and every switch."""

    def content(self, own, threaded, fixed):
        digest = hashlib.sha256((self.folder / "spam.c").read_bytes()).hexdigest()
        return {"kind": "extcheck-verdict", "format": 1, "checker": "0.1.0", "rules": "1",
                "modules": [{"module": "spam", "python": "3.14",
                             "verdicts": {"own-gil": {"verdict": own, "reason": "1 blocker",
                                                      "rule": "GLB07", "file": "spam.c",
                                                      "line": 3},
                                          "free-threaded": {"verdict": threaded, "reason": None}},
                             "fixed": {"own-gil": fixed, "gil-not-used": fixed},
                             "single-phase": (own, threaded) == ("not-ready", "unknown"),
                             "sources": [["spam.c", digest]]}]}

    def in_python(self, soabi, supports, env):
        wishes = {"supports_own_gil": "--supports-own-gil" in supports,
                  "supports_free_threaded": "--supports-free-threaded" in supports}
        switches = {name: "" for name in (BUILD_FT, BUILD_OWN, DECLARE_FT, DECLARE_OWN)}
        with mock.patch.dict(os.environ, {**switches, **env}), mock.patch.object(gate, "say"):
            try:
                gate.without_checker("spam", [str(self.folder / "spam.c")], self.folder / "py",
                                     soabi, root=str(self.folder), **wishes)
            except GateRefused:
                return 1
        return 0

    def compare(self, soabi, supports, env):
        """One combination; returns the exit code that both give."""
        done = self.run_program(EXTCHECK, "gate", "--module", "spam", "--output-dir", "c", "-q",
                                "--soabi", soabi, *supports, "--from-verdict",
                                "extcheck-verdict.json", "spam.c", **env)
        self.assertEqual(self.in_python(soabi, supports, env), done.code, done)
        names = sorted(path.name for path in (self.folder / "c").iterdir())
        self.assertEqual(names, sorted(path.name for path in (self.folder / "py").iterdir()))
        for name in names:
            mine, its = ((self.folder / one / name).read_text() for one in ("c", "py"))
            if name.endswith(".json"):
                self.assertTrue(record.checksum_holds(mine.encode()))
                self.assertTrue(record.checksum_holds(its.encode()))
                mine, its = ({k: v for k, v in json.loads(text).items() if k != "checksum"}
                             for text in (mine, its))
                its["verdicts"] = {k: {n: v for n, v in one.items()}
                                   for k, one in its["verdicts"].items()}
                self.assertEqual(mine, its)
            elif name.endswith(".h"):
                self.assertEqual(mine.split("*/", 1)[1], its.split("*/", 1)[1])
        return done.code

    def test_every_combination(self):
        self.write("spam.c", source("ready"))
        (self.folder / "py").mkdir()
        verdicts = ("ready", "ready-with-warnings", "runs-with-gil", "not-ready", "unknown")
        environments = [{}, {BUILD_OWN: "1"}, {BUILD_OWN: "1", DECLARE_OWN: "1"}, {BUILD_FT: "1"},
                        {BUILD_FT: "1", DECLARE_FT: "1"}, {DECLARE_FT: "1", DECLARE_OWN: "1"},
                        {BUILD_OWN: "1", BUILD_FT: "1", DECLARE_FT: "1"}]
        pairs = [(one, "ready") for one in verdicts] + [("ready", one) for one in verdicts[1:]]
        pairs += [("not-ready", "unknown")]
        codes = []
        for (own, threaded), fixed in itertools.product(pairs, (False, True)):
            text = seal(self.content(own, threaded, fixed))
            self.write("extcheck-verdict.json", text)
            for soabi, supports, env in itertools.product(
                    ("cpython-313-x86_64-linux-gnu", "cpython-313t-x86_64-linux-gnu",
                     "cpython-311-x86_64-linux-gnu"), ((), SUPPORTS), environments):
                with self.subTest(own=own, threaded=threaded, fixed=fixed, soabi=soabi,
                                  supports=supports, env=env):
                    codes.append(self.compare(soabi, supports, env))
        self.assertEqual(set(codes), {0, 1})


class Files(GateTest):
    def setUp(self):
        super().setUp()
        self.write("spam.h", "#define SPAM 1\n")
        self.write("spam.c", source("ready").replace(
            "extshim_gate.h\"", "extshim_gate.h\"\n#include \"spam.h\"", 1))
        self.expect(0, EXTCHECK, "--isolated", "-q", "--write-verdict", "extcheck-verdict.json",
                    *SUPPORTS, "spam.c", "--", f"-I{INCLUDE}")

    def read(self, code, *files, soabi="cpython-313t-x86_64-linux-gnu"):
        return self.expect(code, EXTCHECK, "gate", "--module", "spam", "--output-dir", "out",
                           "--soabi", soabi, *SUPPORTS, "--from-verdict", "extcheck-verdict.json",
                           *files)

    def python_says(self):
        return record.find(self.folder / "extcheck-verdict.json", "spam",
                           [str(self.folder / "spam.c")], str(self.folder))

    def test_read_back(self):
        self.read(0, "spam.c")
        self.assertEqual(self.record()["claims"], {"own-gil": True, "gil-not-used": True})
        self.assertEqual([n for n, _ in self.record()["sources"]], ["spam.c", "spam.h"])
        found, why = self.python_says()
        self.assertIsNone(why)
        self.assertEqual(found["verdicts"]["own-gil"]["verdict"], "ready")

    def refused(self, text):
        self.assertIn(text, self.read(2, "spam.c").err)
        found, why = self.python_says()
        self.assertIsNone(found)
        self.assertIn(text, why)

    def test_a_changed_source(self):
        with open(self.folder / "spam.c", "a", encoding="utf-8") as file:
            file.write("\n")
        self.refused("spam.c has changed since it was judged")

    def test_a_changed_header(self):
        self.write("spam.h", "#define SPAM 2\n")
        self.refused("spam.h has changed since it was judged")

    def test_a_missing_header(self):
        (self.folder / "spam.h").unlink()
        self.refused("spam.h cannot be read")

    def test_a_source_that_was_not_judged(self):
        self.write("more.c", "int more;\n")
        self.assertIn("more.c was not judged", self.read(2, "spam.c", "more.c").err)
        found, why = record.find(self.folder / "extcheck-verdict.json", "spam",
                                 [str(self.folder / "more.c")], str(self.folder))
        self.assertIsNone(found)
        self.assertIn("was not judged", why)

    def test_an_edited_file(self):
        path = self.folder / "extcheck-verdict.json"
        path.write_text(path.read_text().replace('"ready"', '"READY"', 1))
        self.refused("its checksum does not hold")

    def test_nothing_to_write(self):
        self.write("lone.c", "int lone;\n")
        done = self.expect(2, EXTCHECK, "--isolated", "--write-verdict", "lone.json", "lone.c")
        self.assertIn("no module among the files", done.err)
        self.assertFalse((self.folder / "lone.json").exists())
        self.assertIn("cannot write", self.expect(
            2, EXTCHECK, "--isolated", "--write-verdict", "no/such.json", "spam.c", "--",
            f"-I{INCLUDE}").err)

    def test_another_module(self):
        path = self.folder / "extcheck-verdict.json"
        path.write_text(path.read_text().replace('"module": "spam"', '"module": "eggs"'))
        path.write_text(seal(json.loads(path.read_text())))
        self.refused("it has no module 'spam'")

    def test_sound_checksums_of_nonsense(self):
        for content in ({"kind": "extcheck-verdict", "format": 2, "modules": []},
                        {"kind": "recipe", "format": 1}, {"a": 1}):
            self.write("extcheck-verdict.json", seal(content))
            self.refused("it is no verdict file")
        for content in ({"modules": 3}, {"modules": [3, None, {"module": 4}]},
                        {"modules": [{"module": "spam", "sources": [["spam.c"]]}]},
                        {"modules": [{"module": "spam", "sources": "spam.c"}]},
                        {"modules": [{"module": "spam"}]},
                        {"modules": [{"module": "spam", "sources": [["spam.c", 7]]}]}):
            self.write("extcheck-verdict.json", seal(
                {"kind": "extcheck-verdict", "format": 1, **content}))
            self.read(2, "spam.c")
            self.assertIsNone(self.python_says()[0])

    def test_a_file_that_is_not_there_or_no_json(self):
        path = self.folder / "extcheck-verdict.json"
        path.write_bytes(b"\xff\0")
        self.refused("its checksum does not hold")
        path.unlink()
        self.refused("No such file")


class SourceDistribution(GateTest):
    """A user's `pip install` from source: a virtual environment without extcheck and libclang."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.setuptools = pure_packages("setuptools==80.9.0")
        # Debian 12's own pip cannot speak for newer Pythons.
        cls.pip = pure_packages("pip==25.2")
        holder = tempfile.TemporaryDirectory(prefix="extcheck-gate-users-")
        cls.addClassCleanup(holder.cleanup)
        cls.users = pathlib.Path(holder.name).resolve()
        cls.make_tools()

    def make_sdist(self, kind, verdict=True, slots=None):
        """The unpacked source distribution of a maintainer, who has the checker."""
        self.write("project/pyproject.toml", PYPROJECT)
        self.write("project/spam.h", "#define SPAM 1\n")
        self.write("project/MANIFEST.in", "include extcheck-verdict.json\n")
        text = source(kind, **({"slots": slots} if slots else {}))
        self.write("project/spam.c", text.replace(".h\"\n", ".h\"\n#include \"spam.h\"\n", 1))
        project = self.folder / "project"
        if verdict:
            code = self.run_program(EXTCHECK, "--isolated", "-q", "--write-verdict",
                                    "extcheck-verdict.json", *SUPPORTS, "spam.c", "--",
                                    f"-I{INCLUDE}", cwd=project).code
            self.assertIn(code, (0, 1))
        script = "from setuptools.build_meta import build_sdist; build_sdist('dist')"
        self.expect(0, sys.executable, "-c", script, cwd=project,
                    PYTHONPATH=f"{self.setuptools}:{PACKAGE}")
        (archive,) = (project / "dist").glob("spam-1.0.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(self.folder / "user")
        shutil.rmtree(project)
        return self.folder / "user" / "spam-1.0"

    @classmethod
    def user(cls, python):
        """The interpreter of a virtual environment with nothing in it but what the build asks
        for, made once; its PATH has neither extcheck nor libclang's tools."""
        place = cls.users / f"venv-{python}"
        interpreter = place / "bin" / "python"
        if place.is_dir():
            return interpreter
        subprocess.run([python.path, "-m", "venv", "--without-pip", place], check=True, timeout=300)
        site = pathlib.Path(subprocess.run(
            [interpreter, "-c", "import site; print(site.getsitepackages()[0])"], check=True,
            capture_output=True, text=True, timeout=300).stdout.strip())
        site.mkdir(parents=True, exist_ok=True)
        for folder in (cls.setuptools, PACKAGE):
            for item in folder.iterdir():
                if item.is_dir() and item.name.startswith(("setuptools", "_distutils_hack",
                                                           "pkg_resources", "extcheck_build")):
                    shutil.copytree(item, site / item.name, dirs_exist_ok=True,
                                    ignore=shutil.ignore_patterns("__pycache__"))
        return interpreter

    @classmethod
    def make_tools(cls):
        tools = cls.users / "tools"
        tools.mkdir()
        for name in ("gcc", "cc", "as", "ld", "x86_64-linux-gnu-gcc"):
            if shutil.which(name):
                (tools / name).symlink_to(shutil.which(name))

    def install(self, python, folder, **env):
        interpreter = self.user(python)
        target = self.folder / "installed"
        shutil.rmtree(target, ignore_errors=True)
        env = {"PATH": str(self.users / "tools"), "HOME": str(self.folder),
               "PYTHONPATH": str(self.pip), **env}
        probe = ("import shutil, ctypes.util; assert not shutil.which('extcheck'); "
                 "assert not ctypes.util.find_library('clang')")
        self.assertEqual(subprocess.run([interpreter, "-c", probe], env=env, check=False).returncode,
                         0)
        done = subprocess.run([sys.executable, "-m", "pip", "--python", interpreter, "install", "-v",
                               "--no-index", "--no-deps", "--no-build-isolation", "--no-cache-dir",
                               "--disable-pip-version-check", "--target", target, "."],
                              cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=300, check=False)
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace"), target

    def test_hashes_match(self):
        folder = self.make_sdist("ready")
        for name, expected in (("3.13", (True, True)), ("3.13t", (True, False))):
            with self.subTest(python=name):
                (python,) = need(name)
                code, text, target = self.install(python, folder)
                self.assertEqual(code, 0, text)
                self.assertEqual(self.imported(python, target), expected)

    def test_hashes_match_and_the_verdict_refuses(self):
        gil, threaded = need("3.13", "3.13t")
        folder = self.make_sdist("detached")
        code, text, _ = self.install(threaded, folder)
        self.assertNotEqual(code, 0)
        self.assertIn("not-ready for free-threaded", text)
        self.assertIn("NOG01", text)
        self.assertIn(f"{BUILD_FT}=1", text)
        code, text, _ = self.install(gil, folder)
        self.assertIn("not-ready for own-gil", text)
        self.assertNotEqual(code, 0)
        code, text, target = self.install(threaded, folder, **{BUILD_FT: "1", BUILD_OWN: "1"})
        self.assertEqual(code, 0, text)
        self.assertIn("UNSAFE", text)
        self.assertEqual(self.imported(threaded, target), (False, True))

    def check_unjudged(self, folder, why):
        gil, threaded = need("3.13", "3.13t")
        code, text, target = self.install(gil, folder)
        self.assertEqual(code, 0, text)
        self.assertIn(why, text)
        self.assertIn("built without declaring support for interpreters with their own GIL", text)
        self.assertEqual(self.imported(gil, target), (False, True))
        code, text, _ = self.install(threaded, folder)
        self.assertNotEqual(code, 0)
        self.assertIn(why, text)
        self.assertIn("unknown for free-threaded", text)
        self.assertIn(f"{BUILD_FT}=1", text)
        code, text, target = self.install(threaded, folder, **{BUILD_FT: "1"})
        self.assertEqual(code, 0, text)
        self.assertIn("UNSAFE", text)
        self.assertEqual(self.imported(threaded, target), (False, True))

    def test_no_verdict(self):
        self.check_unjudged(self.make_sdist("ready", verdict=False), "No such file")

    def test_a_patched_source(self):
        folder = self.make_sdist("ready")
        with open(folder / "spam.h", "a", encoding="utf-8") as file:
            file.write("#define PATCHED 1\n")
        self.check_unjudged(folder, "spam.h has changed since it was judged")

    def test_a_source_that_declares_by_itself_is_named(self):
        (python,) = need("3.13")
        folder = self.make_sdist("ready", verdict=False, slots=FIXED_SLOTS)
        code, text, _ = self.install(python, folder)
        self.assertEqual(code, 0, text)
        self.assertIn("declares support for an own GIL by itself", text)


if __name__ == "__main__":
    unittest.main()
