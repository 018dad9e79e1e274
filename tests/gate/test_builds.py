"""Each build system with one small module: built, refused, overridden; with and without the GIL."""

import json
import os
import pathlib
import shutil
import sys
import unittest

from support import (BUILD_FT, BUILD_OWN, DECLARE_FT, EXTCHECK, INCLUDE, PACKAGE, SHIM, GateTest,
                     need, need_program, pure_packages, source)

CMAKE = """\
cmake_minimum_required(VERSION 3.20)
project(spam LANGUAGES %(language)s)
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
find_package(extcheck REQUIRED)
Python_add_library(spam MODULE WITH_SOABI %(file)s)
extcheck_add_gate(spam %(supports)s)
"""
MESON = """\
project('spam', 'c', default_options: ['buildtype=debugoptimized'])
py = import('python').find_installation(get_option('python'), pure: false)
extcheck = subproject('extcheck', default_options: {'python': get_option('python')})
spam_sources = files('spam.c')
spam_gate = custom_target(
  output: ['extcheck_gate_spam.h', 'extcheck_note_spam.c', 'extcheck_record_spam.json'],
  input: spam_sources,
  command: extcheck.get_variable('gate') + ['--module', 'spam', '--output-dir', '@OUTDIR@',
                                            '--supports-own-gil', '--supports-free-threaded',
                                            '@INPUT@'],
  build_always_stale: true)
py.extension_module('spam', spam_sources, spam_gate,
  c_args: ['-include', meson.current_build_dir() / 'extcheck_gate_spam.h'],
  dependencies: extcheck.get_variable('dependency'))
"""
MAKEFILE = """\
PYTHON ?= python3
GATE := $(shell pkg-config --variable=gate extcheck)
SUFFIX := $(shell $(PYTHON) -c "import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'))")
CFLAGS := -O1 -Wall -fPIC $(PYTHON_FLAGS) $(shell pkg-config --cflags extcheck)

spam$(SUFFIX): spam.c gate
	$(CC) -shared $(CFLAGS) -include gate.d/extcheck_gate_spam.h -o $@ spam.c \\
	    gate.d/extcheck_note_spam.c

gate:
	$(GATE) --module spam --output-dir gate.d --python $(PYTHON) --soabi $(SUFFIX) \\
	    --supports-own-gil --supports-free-threaded spam.c -- $(CFLAGS)

.PHONY: gate
"""
SETUPTOOLS = """\
[build-system]
requires = ["setuptools", "extcheck-build"]
build-backend = "setuptools.build_meta"

[project]
name = "spam"
version = "1.0"

[tool.setuptools]
py-modules = []
ext-modules = [{name = "spam", sources = ["%(file)s"]}]

[tool.setuptools.cmdclass]
build_ext = "extcheck_build.hook.build_ext"

[tool.extcheck-build]
modules = {spam = {supports-own-gil = true, supports-free-threaded = true}}
"""
SCIKIT = """\
[build-system]
requires = ["scikit-build-core", "extcheck-build"]
build-backend = "scikit_build_core.build"

[project]
name = "spam"
version = "1.0"

[tool.scikit-build]
cmake.build-type = "Release"
"""
SUPPORTS = "SUPPORTS_OWN_GIL SUPPORTS_FREE_THREADED"
# What the tests below ask of every build system: the source, the switches, and what comes out:
# (own-GIL interpreters take it, the GIL is on), or the text of the refusal.
CASES = {
    "3.13": [("ready", {}, (True, True)), ("shares", {}, "not-ready for own-gil"),
             ("shares", {BUILD_OWN: "1"}, (False, True)),
             ("shares", {BUILD_OWN: "yes"}, "not-ready for own-gil")],
    "3.13t": [("ready", {}, (True, False)),
              ("detached", {BUILD_OWN: "1"}, "not-ready for free-threaded"),
              ("detached", {BUILD_OWN: "1", BUILD_FT: "1"}, (False, True)),
              ("detached", {BUILD_OWN: "1", BUILD_FT: "1", DECLARE_FT: "1"}, (False, False))],
}
# For what differs only in how the gate is reached.
FEW = {name: [case for case in cases if case[1].get(BUILD_OWN) != "yes" and DECLARE_FT not in case[1]]
       for name, cases in CASES.items()}


class BuildTest(GateTest):
    def check_cases(self, build, names=("3.13", "3.13t"), cases=CASES):
        """build(python, env) -> (Done, folder of the module)."""
        for name in names:
            (python,) = need(name)
            for kind, env, expected in cases[name]:
                with self.subTest(python=name, kind=kind, env=env):
                    self.write("spam.c", source(kind))
                    done, folder = build(python, env)
                    if isinstance(expected, str):
                        self.assertNotEqual(done.code, 0, done)
                        self.assertIn(expected, done.text)
                        self.assertIn("UNSAFE_EXTCHECK_BUILD_", done.text)
                        self.assertEqual(list(folder.rglob("*.so")), [], done)
                        continue
                    self.assertEqual(done.code, 0, done)
                    if env:
                        self.assertIn("UNSAFE", done.text)
                    (module,) = folder.rglob("spam*.so")
                    self.assertIn(b"extcheck\0", module.read_bytes())
                    self.assertEqual(self.imported(python, module.parent), expected)

    def fresh(self, name):
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def kept(self, name):
        """As a developer has it: configured before, with what the last build has left but modules.
        """
        folder = self.folder / name
        for old in folder.rglob("*.so"):
            old.unlink()
        return folder


class CMake(BuildTest):
    def configure(self, python, build, env, *more):
        return self.run_program(
            "cmake", "-S", ".", "-B", build, "-G", "Ninja", f"-DPython_EXECUTABLE={python.path}",
            f"-Dextcheck_DIR={SHIM / 'cmake'}", f"-Dextcheck_EXECUTABLE={EXTCHECK}", *more, **env)

    def build(self, python, env, *more):
        build = self.fresh("build")
        done = self.configure(python, build, env, *more)
        if done.code == 0:
            done = self.run_program("cmake", "--build", build, **env)
        return done, build

    def setUp(self):
        super().setUp()
        need_program("cmake")
        self.write("CMakeLists.txt", CMAKE % {"language": "C", "file": "spam.c",
                                              "supports": SUPPORTS})

    def test_cases(self):
        self.check_cases(self.build)

    def test_through_the_python_package(self):
        self.check_cases(lambda python, env: self.build(python, {**env, "PYTHONPATH": PACKAGE}),
                         cases=FEW)

    def test_makefiles(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready"))
        self.assertEqual(self.configure(python, "build", {}, "-G", "Unix Makefiles").code, 0)
        self.expect(0, "cmake", "--build", "build")
        self.assertEqual(self.imported(python, self.folder / "build"), (True, True))

    def test_a_changed_source_is_judged_again_and_an_unchanged_one_not_compiled(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready"))
        done, build = self.build(python, {})
        self.assertEqual(done.code, 0, done)
        self.assertNotIn("Building", self.expect(0, "cmake", "--build", build).out)
        self.write("spam.c", source("shares"))
        self.assertIn("not-ready", self.run_program("cmake", "--build", build).text)
        self.expect(0, "cmake", "--build", build, **{BUILD_OWN: 1})
        # The switch is gone: what was built with it does not stand.
        self.assertIn("not-ready", self.run_program("cmake", "--build", build).text)

    def test_cxx_only(self):
        (python,) = need("3.13")
        self.write("spam.cpp", source("ready"))
        self.write("CMakeLists.txt", CMAKE % {"language": "CXX", "file": "spam.cpp",
                                              "supports": SUPPORTS})
        done, build = self.build(python, {})
        self.assertEqual(done.code, 0, done)
        self.assertEqual(self.imported(python, build), (True, True))

    def test_other_headers_than_the_gate_was_asked_about(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready"))
        self.write("CMakeLists.txt", CMAKE % {
            "language": "C", "file": "spam.c",
            "supports": SUPPORTS + " SOABI cpython-313t-x86_64-linux-gnu"})
        done, _ = self.build(python, {})
        self.assertNotEqual(done.code, 0)
        self.assertIn("the gate answered for a free-threaded build", done.text)

    def test_unknown_arguments_and_no_gate_at_all(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready"))
        self.write("CMakeLists.txt", CMAKE % {"language": "C", "file": "spam.c",
                                              "supports": "SUPPORTS_EVERYTHING"})
        self.assertIn("unknown argument SUPPORTS_EVERYTHING",
                      self.configure(python, "build", {}).text)
        self.write("CMakeLists.txt", CMAKE % {"language": "C", "file": "spam.c", "supports": ""})
        done = self.configure(python, self.fresh("build"), {}, "-Dextcheck_EXECUTABLE=")
        self.assertIn("neither the program extcheck nor the Python package",
                      " ".join(done.text.split()))

    def test_cross_build(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready"))
        cross = ("-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
                 f"-DPython_INCLUDE_DIR={python.flags[0][2:]}")
        done, build = self.build(python, {}, *cross,
                                 "-DEXTCHECK_SOABI=cpython-313-aarch64-linux-gnu")
        self.assertEqual(done.code, 0, done)
        (found,) = build.rglob("extcheck_record_spam.json")
        self.assertEqual(json.loads(found.read_text())["abi"], "cpython-313-aarch64-linux-gnu")
        self.write("spam.c", source("detached"))
        done, _ = self.build(python, {BUILD_OWN: "1"}, *cross,
                             "-DEXTCHECK_SOABI=cpython-313t-aarch64-linux-gnu")
        self.assertNotEqual(done.code, 0)
        self.assertIn("not-ready for free-threaded", done.text)

    def path_without_checker(self):
        """PATH for machines where a checker is installed, too."""
        folders = os.environ["PATH"].split(os.pathsep)
        for number, folder in enumerate(folders):
            if os.path.exists(os.path.join(folder, "extcheck")):
                links = self.folder / f"path-{number}"
                links.mkdir()
                for name in os.listdir(folder):
                    if name != "extcheck":
                        (links / name).symlink_to(os.path.join(os.path.abspath(folder), name))
                folders[number] = str(links)
        return os.pathsep.join(folders)

    def test_with_a_verdict_file_and_no_checker(self):
        gil, threaded = need("3.13", "3.13t")
        env = {"PYTHONPATH": PACKAGE, "PATH": self.path_without_checker()}
        self.write("spam.c", source("ready"))
        self.expect(0, EXTCHECK, "--isolated", "-q", "--write-verdict", "extcheck-verdict.json",
                    "--supports-own-gil", "--supports-free-threaded", "spam.c", "--",
                    f"-I{INCLUDE}")
        for python, expected in ((gil, (True, True)), (threaded, (True, False))):
            done, build = self.build(python, env, "-Dextcheck_EXECUTABLE=")
            self.assertEqual(done.code, 0, done)
            self.assertEqual(self.imported(python, build), expected)
        with open(self.folder / "spam.c", "a", encoding="utf-8") as file:
            file.write("\n")
        done, _ = self.build(threaded, env, "-Dextcheck_EXECUTABLE=")
        self.assertNotEqual(done.code, 0)
        self.assertIn("spam.c has changed since it was judged", done.text)
        done, build = self.build(gil, env, "-Dextcheck_EXECUTABLE=")
        self.assertEqual(done.code, 0, done)
        self.assertEqual(self.imported(gil, build), (False, True))

    def test_installed(self):
        (python,) = need("3.13")
        build = pathlib.Path(EXTCHECK).parent
        if not (build / "cmake_install.cmake").exists():
            self.skipTest("the checker's build folder is not there")
        prefix = self.folder / "prefix"
        self.expect(0, "cmake", "--install", build, "--prefix", prefix)
        for name in ("include/extshim_gate.h", "include/extshim_note.h", "include/extshim.h",
                     "include/extshim/types.h", "share/extshim/src/internal.h",
                     "share/extshim/meson/meson.build", "bin/extcheck"):
            self.assertTrue((prefix / name).exists(), name)
        self.write("spam.c", source("ready"))
        self.expect(0, "cmake", "-S", ".", "-B", "build", "-G", "Ninja",
                    f"-DPython_EXECUTABLE={python.path}", f"-DCMAKE_PREFIX_PATH={prefix}")
        self.expect(0, "cmake", "--build", "build")
        self.assertEqual(self.imported(python, self.folder / "build"), (True, True))
        (found,) = prefix.rglob("extcheck.pc")
        gate = self.expect(0, "pkg-config", "--variable=gate", "extcheck",
                           PKG_CONFIG_PATH=found.parent).out.split()
        self.assertEqual([pathlib.Path(gate[0]).resolve(), gate[1]],
                         [prefix / "bin/extcheck", "gate"])
        flags = self.expect(0, "pkg-config", "--cflags", "extcheck",
                            PKG_CONFIG_PATH=found.parent).out.strip()
        self.assertEqual(pathlib.Path(flags[2:]).resolve(), prefix / "include")
        sources = self.expect(0, "pkg-config", "--variable=shim_sources", "extcheck",
                              PKG_CONFIG_PATH=found.parent).out.strip()
        self.assertEqual(pathlib.Path(sources).resolve(), prefix / "share/extshim/src")
        self.build_with_the_installed_shim(python, prefix)

    def build_with_the_installed_shim(self, python, prefix):
        shutil.copyfile(SHIM / "examples/words.c", self.folder / "words.c")
        self.write("CMakeLists.txt", (CMAKE % {
            "language": "C", "file": "words.c", "supports": "SUPPORTS_OWN_GIL"})
            .replace("(spam MODULE", "(words MODULE").replace("gate(spam", "gate(words")
            + "target_sources(words PRIVATE ${extcheck_SHIM_SOURCES})\n")
        self.expect(0, "cmake", "-S", ".", "-B", "shim", "-G", "Ninja",
                    f"-DPython_EXECUTABLE={python.path}", f"-DCMAKE_PREFIX_PATH={prefix}")
        self.expect(0, "cmake", "--build", "shim")
        self.assertTrue(self.imported(python, self.folder / "shim", "words")[0])


class Meson(BuildTest):
    def setUp(self):
        super().setUp()
        need_program("ninja")
        self.packages = pure_packages("meson==1.9.1")
        self.write("meson.build", MESON)
        self.write("meson_options.txt", "option('python', type: 'string', value: 'python3')\n")
        (self.folder / "subprojects").mkdir()
        (self.folder / "subprojects/extcheck").symlink_to(SHIM / "meson")

    def build(self, python, env):
        build = self.kept(f"build-{python}")
        env = {**env, "PYTHONPATH": f"{self.packages}:{PACKAGE}", "EXTCHECK": EXTCHECK}
        if not build.exists():
            done = self.run_program(sys.executable, "-m", "mesonbuild.mesonmain", "setup", build,
                                    f"-Dpython={python.path}", **env)
            if done.code != 0:
                return done, build
        done = self.run_program("ninja", "-C", build, **env)
        return done, build

    def test_cases(self):
        self.check_cases(self.build)


class Make(BuildTest):
    def setUp(self):
        super().setUp()
        need_program("make")
        need_program("pkg-config")
        self.write("Makefile", MAKEFILE)
        text = (SHIM / "pkgconfig/extcheck.pc.in").read_text()
        values = {"${pcfiledir}/@EXTCHECK_PREFIX_FROM_PC@": str(pathlib.Path(EXTCHECK).parent),
                  "@CMAKE_INSTALL_BINDIR@": "", "@PROJECT_VERSION@": "0.1.0",
                  "${prefix}/@CMAKE_INSTALL_INCLUDEDIR@": str(INCLUDE)}
        for name, value in values.items():
            self.assertIn(name, text)
            text = text.replace(name, value)
        self.write("pkgconfig/extcheck.pc", text)

    def build(self, python, env):
        for old in self.folder.glob("*.so"):
            old.unlink()
        return self.run_program("make", f"PYTHON={python.path}",
                                f"PYTHON_FLAGS={' '.join(python.flags)}",
                                PKG_CONFIG_PATH=self.folder / "pkgconfig", **env), self.folder

    def test_cases(self):
        self.check_cases(self.build)


class Setuptools(BuildTest):
    def setUp(self):
        super().setUp()
        self.packages = pure_packages("setuptools==80.9.0")
        self.write("pyproject.toml", SETUPTOOLS % {"file": "spam.c"})

    def build(self, python, env, script=None):
        folder = self.fresh("lib")
        shutil.rmtree(self.folder / "build", ignore_errors=True)
        script = script or ("from setuptools import setup; setup(script_args=['build_ext', "
                            f"'--build-lib', {str(folder)!r}, '--build-temp', 'build'])")
        path = f"{self.packages}:{PACKAGE}"
        return self.run_program(python.path, "-c", script, PYTHONPATH=path, EXTCHECK=EXTCHECK,
                                **env), folder

    def test_cases(self):
        self.check_cases(self.build)

    def test_every_version(self):
        self.write("spam.c", source("ready"))
        for name in ("3.9", "3.12", "3.14", "3.15"):
            with self.subTest(python=name):
                (python,) = need(name)
                done, folder = self.build(python, {})
                self.assertEqual(done.code, 0, done)
                if python.minor >= (3, 13):
                    self.assertEqual(self.imported(python, folder), (True, True))

    def test_wheel_through_the_hook_of_the_back_end(self):
        (python,) = need("3.13")
        self.write("spam.c", source("shares"))
        script = ("from setuptools.build_meta import build_wheel; "
                  "build_wheel('dist')")
        done, _ = self.build(python, {}, script)
        self.assertNotEqual(done.code, 0)
        self.assertIn("not-ready for own-gil", done.text)
        self.write("spam.c", source("ready"))
        done, _ = self.build(python, {}, script)
        self.assertEqual(done.code, 0, done)
        self.assertTrue(list((self.folder / "dist").glob("spam-1.0-cp313-cp313-*.whl")))

    def test_cxx(self):
        (python,) = need("3.13")
        self.write("pyproject.toml", SETUPTOOLS % {"file": "spam.cpp"})
        self.write("spam.cpp", source("ready"))
        done, folder = self.build(python, {})
        self.assertEqual(done.code, 0, done)
        self.assertEqual(self.imported(python, folder), (True, True))

    def test_a_project_that_can_do_without_its_extension(self):
        """Such projects catch errors of the compiler and install what is left; a refusal is none."""
        (python,) = need("3.13")
        self.write("spam.c", source("shares"))
        (self.folder / "pyproject.toml").unlink()
        self.write("setup.py", """\
from setuptools import Extension, setup
from setuptools.errors import CCompilerError, ExecError, PlatformError
from extcheck_build.hook import build_ext


class Tolerant(build_ext):
    def build_extension(self, ext):
        try:
            super().build_extension(ext)
        except (CCompilerError, ExecError, PlatformError):
            print("going on without")


one = Extension("spam", ["spam.c"])
one.extcheck = {"supports-own-gil": True}
setup(name="spam", py_modules=[], ext_modules=[one], cmdclass={"build_ext": Tolerant})
""")
        script = ("import sys, runpy; sys.argv = ['setup.py', 'build_ext', '--build-lib', 'lib']; "
                  "runpy.run_path('setup.py')")
        done, _ = self.build(python, {}, script)
        self.assertNotEqual(done.code, 0, done)
        self.assertIn("not-ready for own-gil", done.text)
        self.assertNotIn("going on without", done.text)

    def test_unknown_key(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready"))
        text = (SETUPTOOLS % {"file": "spam.c"}).replace("supports-own-gil", "supports-own-gill")
        self.write("pyproject.toml", text)
        done, _ = self.build(python, {})
        self.assertIn("unknown key 'supports-own-gill'", done.text)


class ScikitBuildCore(BuildTest):
    def setUp(self):
        super().setUp()
        self.packages = pure_packages("scikit-build-core==0.11.6", "pathspec", "packaging")
        self.installed = self.folder / "installed"
        self.write("CMakeLists.txt", CMAKE % {"language": "C", "file": "spam.c",
                                              "supports": SUPPORTS}
                   + "install(TARGETS spam DESTINATION .)\n")
        self.write("pyproject.toml", SCIKIT)

    def build(self, python, env):
        dist = self.fresh("dist")
        wheel = self.fresh("wheel")
        script = (f"from scikit_build_core.build import build_wheel; build_wheel({str(dist)!r}); "
                  "import zipfile, glob; [zipfile.ZipFile(one).extractall("
                  f"{str(wheel)!r}) for one in glob.glob({str(dist)!r} + '/*.whl')]")
        path = f"{self.packages}:{self.installed}"
        return self.run_program(python.path, "-c", script, PYTHONPATH=path, EXTCHECK=EXTCHECK,
                                **env), wheel

    def test_cases(self):
        # Installed as pip does it: the package's entry point tells CMake where its config is.
        done = self.run_program("python3", "-m", "pip", "install", "--quiet", "--no-deps",
                                "--no-build-isolation", "--disable-pip-version-check", "--target",
                                self.installed, self.copied_package(),
                                PYTHONPATH=pure_packages("setuptools==80.9.0"))
        self.assertEqual(done.code, 0, done)
        self.check_cases(self.build, cases=FEW)

    def copied_package(self):
        """pip leaves build folders in a source tree; ours stays clean."""
        copy = self.folder / "extcheck-build"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        return copy


if __name__ == "__main__":
    unittest.main()
