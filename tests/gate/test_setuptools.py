"""setuptools as packages really use it: classic setup.py, a build_ext of somebody else, C and C++ in
one module; a checker that gives no answer; verdict files that no longer fit."""

import shutil
import sys
import unittest

from support import (BUILD_OWN, EXTCHECK, FIXED_SLOTS, INCLUDE, PACKAGE, GateTest, need,
                     pure_packages, source)

OTHER = """\
from setuptools.command.build_ext import build_ext


class OtherBuildExt(build_ext):
    def build_extensions(self):
        for ext in self.extensions:
            ext.extra_compile_args = ["-std=c++11"]
        super().build_extensions()
"""
SETUP = """\
import os
import sys

from setuptools import Extension, setup

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "tools")]
from extcheck_build.hook import build_ext
from other import OtherBuildExt


class BuildExt(OtherBuildExt, build_ext):
    pass


setup(name="spam", version="1.0", py_modules=[], cmdclass={"build_ext": BuildExt},
      ext_modules=[Extension("spam", ["spam.cpp", "more.c"])])
"""
PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[tool.extcheck-build]
supports-own-gil = true
"""
# Valid C only: C++ takes no pointer of another type.
MORE_C = "void *more_empty(void);\nint *more(void)\n{\n    return more_empty();\n}\n" \
         "void *more_empty(void)\n{\n    return 0;\n}\n"
NO_ANSWER = "#!/bin/sh\n[ \"$1\" = --version ] && echo extcheck 9.9 && exit 0\nexit %d\n"
SUPPORTS = ("--supports-own-gil", "--supports-free-threaded")
GIL, FREE = "cpython-313-x86_64-linux-gnu", "cpython-313t-x86_64-linux-gnu"


class Classic(GateTest):
    """No [project]; the hook's package is a copy in the project."""

    def setUp(self):
        super().setUp()
        self.setuptools = pure_packages("setuptools==80.9.0")
        self.write("setup.py", SETUP)
        self.write("other.py", OTHER)
        self.write("pyproject.toml", PYPROJECT)
        self.write("spam.cpp", source("ready"))
        self.write("more.c", MORE_C)
        shutil.copytree(PACKAGE / "extcheck_build", self.folder / "tools/extcheck_build",
                        ignore=shutil.ignore_patterns("__pycache__"))

    def setup_py(self, code, python, *arguments):
        return self.expect(code, python.path, "setup.py", *arguments, PYTHONPATH=self.setuptools,
                           EXTCHECK=EXTCHECK)

    def write_verdict(self):
        self.expect(0, EXTCHECK, "--isolated", "-q", "--write-verdict", "extcheck-verdict.json",
                    *SUPPORTS, "spam.cpp", "more.c")

    def test_built_with_flags_of_the_other_language(self):
        (python,) = need("3.13")
        done = self.setup_py(0, python, "build_ext", "--build-lib", "lib")
        self.assertIn("declares own-GIL support", done.err)
        self.assertTrue(self.imported(python, self.folder / "lib")[0])

    def test_sdist_looks_at_the_verdict_file(self):
        (python,) = need("3.13")
        self.assertNotIn("extcheck:", self.setup_py(0, python, "-q", "sdist").text)
        self.write_verdict()
        self.assertNotIn("extcheck:", self.setup_py(0, python, "-q", "sdist").text)
        self.write("more.c", MORE_C + "int edited;\n")
        done = self.setup_py(0, python, "-q", "sdist")
        self.assertEqual(done.text.count("more.c has changed since it was judged"), 1, done)
        self.assertIn("--write-verdict", done.text)
        self.assertNotIn("has changed", self.setup_py(0, python, "-q", "egg_info").text)


class Trouble(GateTest):
    """What a checker that is there cannot judge is not built as if there were none."""

    def setUp(self):
        super().setUp()
        self.write("spam.c", source("ready"))

    def package(self, code, *arguments, checker, soabi=GIL, **env):
        return self.expect(code, sys.executable, "-m", "extcheck_build", "gate", "--module",
                           "spam", "--output-dir", "out", "--soabi", soabi, *arguments, "spam.c",
                           "--", f"-I{INCLUDE}", PYTHONPATH=PACKAGE, EXTCHECK=checker, **env)

    def checker(self, code=2):
        path = self.write("checker", NO_ANSWER % code)
        path.chmod(0o755)
        return path

    def check_refused(self, text, *arguments, **more):
        done = self.package(1, *arguments, **more)
        self.assertIn(text, done.err)
        self.assertNotIn("not installed", done.err)
        self.assertEqual(list((self.folder / "out").glob("*")), [])

    def test_what_depends_on_a_verdict_is_refused(self):
        judged = "could not judge it (exit code 2)"
        self.check_refused(judged, "--supports-own-gil", checker=self.checker())
        self.check_refused(judged, checker=self.checker(), soabi=FREE)
        self.check_refused("exit code 139", "--supports-own-gil", checker=self.checker(139))
        self.check_refused("wrote no record", "--supports-own-gil", checker=self.checker(0))
        self.check_refused("cannot be run (No such file", "--supports-own-gil",
                           checker=self.folder / "none")
        self.write("spam.c", source("ready", slots=FIXED_SLOTS))
        self.check_refused(judged, checker=self.checker())

    def test_what_depends_on_none_is_built_and_the_note_says_who_looked(self):
        for arguments, env in (((), {}), (("--supports-own-gil",), {BUILD_OWN: "1"})):
            done = self.package(0, *arguments, checker=self.checker(), **env)
            self.assertIn("could not judge it (exit code 2)", done.err)
            record = self.record()
            self.assertEqual(record["checker"], "9.9")
            self.assertEqual(record["verdicts"]["own-gil"]["verdict"], "unknown")
            self.assertEqual(record["claims"], {"own-gil": False, "gil-not-used": False})

    def test_a_source_that_does_not_compile(self):
        """The real checker: a header that is missing, and a macro that only the build knows."""
        self.write("spam.c", '#include "nonexistent_thing.h"\n' + source("ready"))
        self.check_refused("could not judge it", "--supports-own-gil", checker=EXTCHECK)
        self.write("spam.c", source("ready") + "const char *author = _SPAM_AUTHOR;\n")
        done = self.package(1, "--supports-own-gil", checker=EXTCHECK)
        self.assertIn("'_SPAM_AUTHOR' at line", done.err)
        self.assertIn("pass it: -- -DNAME=VALUE", done.err)

    def test_a_verdict_file_that_fits_answers_for_it(self):
        self.expect(0, EXTCHECK, "--isolated", "-q", "--write-verdict", "extcheck-verdict.json",
                    *SUPPORTS, "spam.c", "--", f"-I{INCLUDE}")
        done = self.package(0, "--supports-own-gil", checker=self.checker())
        self.assertIn("gate: 'spam' is built for Python with the GIL; declares own-GIL support and "
                      "that it uses the GIL (by ./extcheck-verdict.json)", done.err)
        done = self.package(0, "--supports-own-gil", checker=EXTCHECK)
        self.assertNotIn("users without extcheck", done.err)
        self.write("spam.c", source("ready") + "\n")
        done = self.package(0, "--supports-own-gil", checker=EXTCHECK)
        self.assertIn("spam.c has changed since it was judged: users without extcheck would get "
                      "no verdict", done.err)
        self.check_refused("has changed", "--supports-own-gil", checker=self.checker())


class Standards(GateTest):
    def test_the_other_language_s_standard_is_left_out(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready").replace("    return result;",
                                                     "    int *class = PyMem_Malloc(4);\n"
                                                     "    PyMem_Free(class);\n    return result;"))
        for flag in ("-std=c++11", "-std=gnu++20", "-std=c11"):
            self.gate(0, python, "--supports-own-gil", flags=(flag,))
            self.assertTrue(self.record()["claims"]["own-gil"], flag)
        self.write("spam.cpp", source("ready").replace("    return result;",
                                                       "    auto same = result;\n"
                                                       "    return same;"))
        for flag in ("-std=c99", "-std=gnu11", "-std=iso9899:2011", "-std=c++14"):
            self.gate(0, python, "--supports-own-gil", files=("spam.cpp",), flags=(flag,))
            self.assertTrue(self.record()["claims"]["own-gil"], flag)
        shutil.copyfile(self.folder / "spam.cpp", self.folder / "spam.c")
        self.gate(0, python, "--supports-own-gil", flags=("-x", "c++", "-std=c++11"))


if __name__ == "__main__":
    unittest.main()
