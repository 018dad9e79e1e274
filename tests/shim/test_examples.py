"""The examples of the guide are built and used on every interpreter, and the checker passes them."""

import os
import subprocess
import sys

from shimtest import SHIM, Failure, Skip, Tally, build, pythons, run_child

EXAMPLES = sorted((SHIM / "examples").glob("*.c"))


def used(python):
    folders = [build(python, path.stem, [path], ["-DEXTSHIM_CLAIM_OWN_GIL=1"])
               for path in EXAMPLES]
    own = ["own"] if python.runs else []
    return run_child(python, "examples_use.py", folders, *own).strip()


def checked(path, python):
    checker = os.environ.get("EXTCHECK")
    if not checker:
        raise Skip("EXTCHECK does not name the checker")
    done = subprocess.run([checker, "--target", "own-gil,free-threaded", "--python", python.path, str(path),
                           "--", f"-I{SHIM / 'include'}", "-DEXTSHIM_CLAIM_OWN_GIL=1",
                           "-DEXTSHIM_CLAIM_GIL_NOT_USED=1", *python.flags],
                          capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise Failure(f"exit code {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-500:]}")
    return done.stdout.strip().splitlines()[-1]


def main():
    tally = Tally(__doc__)
    found = pythons()
    if len(EXAMPLES) < 3:
        raise SystemExit("the examples are gone")
    for python in found:
        tally.add(f"examples {python.label}", used, python)
    for path in EXAMPLES:
        tally.add(f"checked {path.name}", checked, path, found[-1])
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
