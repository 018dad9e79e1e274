#!/usr/bin/env python3
"""isolation="private-copy": a package built here like a wheel, then cases/private_copies.py."""

import pathlib
import shutil
import subprocess
import sys
import unittest

import pooltest

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = HERE / "private"
TESTMODS = pooltest.ROOT / "testmods"
LIMIT = 240  # seconds
LIBRARY = "libtally-0a1b2c3d.so.1"


def compile_one(target, source, *flags):
    subprocess.run(["cc", "-std=gnu11", "-O1", "-g", "-fPIC", "-shared", "-pthread",
                    str(source), *flags, "-o", str(target)], check=True)


def newest(*folders):
    return max(path.stat().st_mtime for folder in folders for path in folder.glob("*.c"))


def package(version, python):
    """A folder for sys.path with the package and the modules, built once."""
    site = pooltest.BUILD / f"{version}-private"
    done = site / ".done"
    sources = (SOURCES, TESTMODS / "single_phase_bad", TESTMODS / "single_phase_good")
    if done.exists() and done.stat().st_mtime > max(newest(*sources),
                                                    pathlib.Path(__file__).stat().st_mtime):
        return site
    shutil.rmtree(site, ignore_errors=True)
    outer = site.parent / f"{version}-private-outer"
    outer.mkdir(exist_ok=True)
    for folder in ("twin", "twin.libs"):
        (site / folder).mkdir(parents=True)
    facts = pooltest.pool_build.probe(python)
    include = pooltest.pool_build.include_flags(python, facts)
    suffix = facts["suffix"]
    library = site / "twin.libs" / LIBRARY
    linked = ["-L", str(library.parent), f"-l:{LIBRARY}", "-Wl,-rpath,$ORIGIN/../twin.libs"]
    core = site / "twin" / ("_core" + suffix)
    compile_one(library, SOURCES / "tally.c", f"-Wl,-soname,{LIBRARY}")
    compile_one(core, SOURCES / "core.c", *include, *linked)
    compile_one(site / "twin" / ("_user" + suffix), SOURCES / "user.c", *include, *linked,
                "-L", str(core.parent), f"-l:{core.name}", "-Wl,-rpath,$ORIGIN")
    for name in ("pending", "room"):
        compile_one(site / (name + suffix), SOURCES / f"{name}.c", *include)
    compile_one(site / ("nothing" + suffix), SOURCES / "tally.c")
    compile_one(outer / "libouter.so.1", SOURCES / "outer.c", "-Wl,-soname,libouter.so.1")
    compile_one(site / ("outside" + suffix), SOURCES / "outside.c", *include, "-L", str(outer),
                "-l:libouter.so.1", f"-Wl,-rpath,$ORIGIN/../{outer.name}")
    if version == "3.15":
        compile_one(site / ("exported" + suffix), SOURCES / "exported.c", *include)
    for name in ("single_phase_bad", "single_phase_good"):
        compile_one(site / (name + suffix), TESTMODS / name / f"{name}.c", *include)
    whole = core.read_bytes()
    (site / ("damaged" + suffix)).write_bytes(whole[:len(whole) // 3])
    (site / "twin" / "__init__.py").write_text("", encoding="utf-8")
    done.touch()
    return site


class PrivateCopies(unittest.TestCase):
    def run_cases(self, version):
        python = pooltest.interpreters()[version]
        folder = pooltest.built(version, python)
        site = package(version, python)
        env = pooltest.environment(folder)
        env["PYTHONPATH"] += f":{site}"
        done = subprocess.run([python, "-X", "faulthandler", HERE / "cases" / "private_copies.py"],
                              env=env, capture_output=True, text=True, timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-6000:])
        self.assertRegex(done.stderr, r"Ran [1-9]\d* tests? in .*\n\nOK")

    def test_3_13(self):
        self.run_cases("3.13")

    def test_3_14(self):
        self.run_cases("3.14")

    def test_3_15(self):
        self.run_cases("3.15")

    def test_free_threaded_builds_say_no(self):
        python = pooltest.interpreters()["3.13t"]
        folder = pooltest.built("3.13t", python)
        done = subprocess.run(
            [python, "-c", "import extpool; extpool.InterpreterPool(isolation='private-copy')"],
            env=pooltest.environment(folder), capture_output=True, text=True, timeout=LIMIT,
            check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("RuntimeError: isolation='private-copy' does not work here: it needs Linux "
                      "with the GNU C library and a build of Python that has the GIL", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=2)
