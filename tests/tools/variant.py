"""Builds the tree another way, warnings being errors, and runs a part of its tests there.

variant.py --source DIR --build DIR --tests REGEX [--need PROGRAM|FILE] CMAKE-OPTION...
Exit code 77 when what it needs is not on this machine.
"""

import argparse
import os
import shutil
import subprocess
import sys


def run(step, command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if done.returncode != 0:
        print(done.stdout[-20000:])
        print(f"variant: {step} failed: {' '.join(command)}")
        sys.exit(1)
    return done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--tests", required=True)
    parser.add_argument("--need", default="cmake")
    options, cmake_options = parser.parse_known_args()
    if not (shutil.which(options.need) or os.path.isfile(options.need)):
        print(f"skipped: {options.need} is not on this machine")
        sys.exit(77)
    run("configuring", ["cmake", "-S", options.source, "-B", options.build, "-G", "Ninja",
                        "-DEXTCHECK_WERROR=ON", "-DEXTCHECK_VARIANTS=OFF", *cmake_options])
    run("building", ["cmake", "--build", options.build, "-j", "2"])
    tests = ["ctest", "--test-dir", options.build, "-j", "2", "--no-tests=error",
             "--output-on-failure", "-R", options.tests]
    text = run("testing", tests)
    print("\n".join(text.splitlines()[-12:]))


if __name__ == "__main__":
    main()
