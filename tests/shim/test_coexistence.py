"""Two extensions with two versions of the shim, the same module loaded twice, and abi3 modules."""

import re
import shutil
import subprocess
import sys
import tempfile

import pathlib

from shimtest import SHIM, Failure, Tally, build, pythons, run_child, scratch_root

CLAIMS = ["-DEXTSHIM_CLAIM_OWN_GIL=1"]


def other_shim(folder):
    """A copy of the shim of another version, with another layout of its blocks and handles."""
    copy = pathlib.Path(folder) / "shim"
    for part in ("include", "src"):
        shutil.copytree(SHIM / part, copy / part)

    def edit(path, pattern, text):
        path = copy / path
        before = path.read_text(encoding="utf-8")
        after, count = re.subn(pattern, text, before, flags=re.M)
        if count == 0:
            raise Failure(f"{path.name} has no {pattern} to change")
        path.write_text(after, encoding="utf-8")
    edit("include/extshim/base.h", r'EXTSHIM_VERSION ".*"', 'EXTSHIM_VERSION "99.0.0"')
    edit("include/extshim/base.h", r"EXTSHIM_LAYOUT \d+", "EXTSHIM_LAYOUT 99")
    edit("include/extshim/state.h", r"EXTSHIM_FIRST_SLOTS = \d+", "EXTSHIM_FIRST_SLOTS = 4")
    edit("src/internal.h", r"^    int life;", "    long gap[7];\n    int life;")
    return copy


def exported(path):
    done = subprocess.run(["nm", "-D", "--defined-only", str(path)], capture_output=True, text=True,
                          timeout=60, check=True)
    return [line.split()[-1] for line in done.stdout.splitlines()]


def two_shims(python):
    # Built from the same place each time, so that the cache of builds works.
    parent = scratch_root()
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        first = build(python, "kinds", ["kinds.c"], CLAIMS)
        second = build(python, "uses_all", ["uses_all.c"],
                       CLAIMS + ["-Wno-missing-field-initializers"], own_shim=other_shim(folder))
        try:
            for built in (first, second):
                names = exported(next(built.glob("*.so")))
                wrong = [name for name in names if "xtshim" in name.lower()]
                if wrong or not any(name.startswith("PyInit_") for name in names):
                    raise Failure(f"exports {wrong or names}")
                hook = any(name.startswith("PyModExport_") for name in names)
                if hook != (python.minor >= (3, 15)):
                    raise Failure(f"the hook of PEP 793 is {'' if hook else 'not '}exported")
            own = ["own"] if python.runs else []
            return run_child(python, "two_shims.py", [first, second], *own).strip()
        finally:
            shutil.rmtree(second, ignore_errors=True)  # its key holds the scratch folder's name


def limited(builder, users, limit):
    """Built once with Py_LIMITED_API against the oldest headers, used by all others."""
    folder = build(builder, "uses_all", ["uses_all.c"],
                   [f"-DPy_LIMITED_API={limit}", "-Wno-missing-field-initializers"],
                   suffix=".abi3.so")
    for python in users:
        run_child(python, "limited_use.py", folder)
    return ", ".join(python.label for python in users)


def main():
    tally = Tally(__doc__)
    found = pythons()
    for python in found:
        tally.add(f"two shims {python.label}", two_shims, python)
    with_gil = [python for python in found if python.build == "gil"]
    tally.add("abi3 of 3.9", limited, with_gil[0], with_gil, "0x03090000")
    newer = [python for python in with_gil if python.minor >= (3, 13)]
    tally.add("abi3 of 3.13", limited, newer[0], newer, "0x030d0000")
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
