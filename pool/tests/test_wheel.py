#!/usr/bin/env python3
"""The package as users get it: a wheel is built from pool/ and installed into a fresh environment
that knows nothing of this folder, where `python -m extpool` runs. Nothing but setuptools is
downloaded."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

import pooltest
import venvs

POOL = pathlib.Path(__file__).resolve().parents[1]
VERSIONS = ("3.13", "3.14", "3.15") if os.environ.get("EXTCHECK_LONG") else ("3.14",)
LIMIT = 300  # seconds


class Wheel(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="extpool-wheel-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def run_it(self, *command, **more):
        env = {key: value for key, value in os.environ.items()
               if key not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")}
        done = subprocess.run([*map(str, command)], env={**env, **more.pop("env", {})}, check=False,
                              capture_output=True, text=True, timeout=LIMIT, **more)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
        return done.stdout

    def check(self, version):
        python = pooltest.interpreters()[version]
        builder = venvs.provide(python, "setuptools==80.9.0")
        source = self.folder / "pool"
        shutil.copytree(POOL, source, ignore=shutil.ignore_patterns("tests", "__pycache__"))
        wheels, flags = self.folder / "wheels", {"CFLAGS": "-O0"}  # speed is not what is tested
        wheels.mkdir()
        include = pooltest.pool_build.include_flags(python, pooltest.pool_build.probe(python))
        flags["CFLAGS"] += " " + " ".join(include)
        code = "from setuptools.build_meta import build_sdist, build_wheel; import sys; " \
               "print({0}(sys.argv[1]))"
        sdist = self.run_it(builder, "-c", code.format("build_sdist"), wheels,
                            cwd=source).split()[-1]
        shutil.unpack_archive(wheels / sdist, self.folder / "unpacked")
        (unpacked,) = (self.folder / "unpacked").iterdir()
        name = self.run_it(builder, "-c", code.format("build_wheel"), wheels, cwd=unpacked,
                           env=flags).split()[-1]
        with zipfile.ZipFile(wheels / name) as wheel:
            names = wheel.namelist()
        for path in (POOL / "extpool").glob("*.py"):
            self.assertIn(f"extpool/{path.name}", names)
        self.assertEqual(sum(name.endswith(".so") for name in names), 1)
        self.use(python, wheels / name)

    def use(self, python, wheel):
        self.run_it(python, "-m", "venv", "--without-pip", self.folder / "venv")
        inside = self.folder / "venv" / "bin" / "python"
        pip = venvs.pip_of(inside)
        self.run_it(*pip, "install", "--no-index", "--disable-pip-version-check", wheel)
        out = self.run_it(inside, "-m", "extpool", "run", "math:factorial", "--workers", "2",
                          input="5\n20\n", cwd=self.folder)
        self.assertEqual(out, "120\n2432902008176640000\n")
        where = self.run_it(inside, "-c", "import extpool; print(extpool.__file__)",
                            cwd=self.folder)
        self.assertTrue(where.startswith(str(self.folder / "venv")), where)


def add(version):
    setattr(Wheel, f"test_{version.replace('.', '_')}", lambda self: self.check(version))


for wanted in VERSIONS:
    add(wanted)

if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=2)
