"""The CMake target: a project adds the folder shim/, links its modules with it, and they work."""

import shutil
import subprocess
import sys
import tempfile

import pathlib

from shimtest import CHILD, SHIM, WARNINGS, Failure, Skip, Tally, pythons, run

PROJECT = f"""
cmake_minimum_required(VERSION 3.18)
project(uses_library C)
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter Development.Module)
add_subdirectory({SHIM} shim)
foreach(name words shapes ticker)
  Python3_add_library(${{name}} MODULE {SHIM}/examples/${{name}}.c)
  target_link_libraries(${{name}} PRIVATE extshim)
  target_compile_definitions(${{name}} PRIVATE EXTSHIM_CLAIM_OWN_GIL=1)
endforeach()
"""


def call(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          timeout=600)
    if done.returncode != 0 or "warning" in done.stderr.lower():
        raise Failure(f"{command[0]}: {done.stdout[-1500:]}{done.stderr[-1500:]}")


def links(python, compiler):
    for program in ("cmake", "ninja", compiler):
        if shutil.which(program) is None:
            raise Skip(f"{program} is not installed")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "CMakeLists.txt").write_text(PROJECT, encoding="utf-8")
        call(["cmake", "-S", folder, "-B", folder / "build", "-G", "Ninja",
              f"-DPython3_EXECUTABLE={python.path}", f"-DCMAKE_C_COMPILER={compiler}",
              "-DCMAKE_C_FLAGS=" + " ".join(WARNINGS)])
        call(["ninja", "-C", folder / "build", "-j", "2"])
        own = ["own"] if python.runs and python.minor >= (3, 12) else []
        return run([python.path, CHILD / "examples_use.py", *own], folder / "build").strip()


def main():
    tally = Tally(__doc__)
    found = [python for python in pythons() if python.minor >= (3, 13)]
    for number, python in enumerate(found):
        compiler = ("gcc", "clang-14")[number % 2]
        tally.add(f"library {python.label} {compiler}", links, python, compiler)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
