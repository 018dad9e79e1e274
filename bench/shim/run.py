#!/usr/bin/env python3
"""What the shim costs, against static variables and against other ways to keep state.

  python3 bench/shim/run.py [--python 3.14] [--rounds 21] [--check] [--write]

Ratios are medians of interleaved rounds of thread CPU time. --check compares them with the targets:
end to end 1.05 x with one interpreter, 1.25 x for each Python-visible call with several, 2 x for a
bare comparator, and no slower by another interpreter that runs at the same time. --write puts the
tables of this run into docs/shim.md.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "shim"))
sys.dont_write_bytecode = True

import shimtest  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
OPTIMISED = ["-O2", "-DNDEBUG"]
PACKAGES = ["cython", "pybind11"]
CLAIMS = ["-DEXTSHIM_CLAIM_OWN_GIL=1", "-DEXTSHIM_CLAIM_GIL_NOT_USED=1"]
MODES = ["alone", "several", "parallel"]
COMPARATORS = ["comparator", "comparator, one order", "comparator, handed down"]
# A static variable, and the call that every look-up has to make: no target, what they stand on.
FLOORS = ["call alone", "call alone, one order"]
PAGE = ROOT / "docs" / "shim.md"
BEGIN, END = "<!-- tables of: python3 bench/shim/run.py --write -->", "<!-- end of the tables -->"
TABLE = ["3.12", "3.13", "3.13t", "3.14", "3.15"]
WAYS = {"static": "static variable", "shim": "the shim",
        "module_state": "`PyModule_GetState(module)`, where the module is at hand",
        "by_def": "`PyType_GetModuleByDef()`",
        "thread_local": "thread-local cache by interpreter (goes stale when an address is used again)",
        "reader_count": "table by id, readers counted",
        "cython_way": "Cython's module state (`CYTHON_USE_MODULE_STATE`)",
        "pybind11_way": "pybind11's `get_internals()`",
        "interpreter_dict": "interpreter's dict, interned key"}
ONE, SEVERAL, COMPARATOR, CONTENTION = 1.05, 1.25, 2.0, 1.25


def packages():
    """A folder with Cython and pybind11 from the machine's package index, or None."""
    def fill(scratch):
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", scratch,
                        "--disable-pip-version-check", *PACKAGES],
                       check=True, capture_output=True, timeout=600)
    key = shimtest.content_key(*PACKAGES, sys.version, folders=())
    try:
        return shimtest.filled_once(shimtest.scratch_root() / f"packages-{key}", fill)
    except subprocess.SubprocessError as problem:
        print(f"without Cython and pybind11: {problem}")
        return None


def built_package_ways(python, found):
    """What the packages make of cython_way.pyx and pybind11_way.cpp."""
    def fill(scratch):
        output = scratch / "cython_output.c"
        subprocess.run([sys.executable, "-m", "cython", HERE / "cython_way.pyx", "-o", output],
                       check=True, timeout=300, env=dict(os.environ, PYTHONPATH=str(found)))
        for compiler, source, flags in (
                ("gcc", "cython_way.c", [f'-DCYTHON_OUTPUT="{output}"', f"-I{HERE}"]),
                ("g++", "pybind11_way.cpp", ["-std=c++17", f"-I{found / 'pybind11' / 'include'}"])):
            target = scratch / (source.partition(".")[0] + python.suffix)
            subprocess.run([compiler, "-w", "-shared", "-fPIC", "-fvisibility=hidden", *OPTIMISED,
                            *python.include_flags(), *flags, HERE / source, "-o", target],
                           check=True, timeout=600)
    ways = [HERE / name for name in ("cython_way.pyx", "cython_way.c", "pybind11_way.cpp", "loop.h")]
    key = shimtest.content_key(python.path, python.label, found,
                               *(path.read_bytes() for path in ways), folders=())
    return shimtest.filled_once(shimtest.scratch_root() / f"ways-{python.label}-{key}", fill)


def built(python):
    plain = shimtest.build(python, "kinds", ["kinds.c"], OPTIMISED + ["-DKINDS_PLAIN"], shim=False)
    shim = shimtest.build(python, "kinds", ["kinds.c"], OPTIMISED + CLAIMS)
    ways = shimtest.build(python, "lookups", [HERE / "lookups.c"],
                          OPTIMISED + ["-Wno-missing-field-initializers"])
    return next(plain.glob("*.so")), next(shim.glob("*.so")), ways


def measure(python, rounds, mode, found):
    plain, shim, ways = built(python)
    folders = [ways, shimtest.CHILD]
    # Cython's is for 3.12 and newer, pybind11's for interpreters that do not crash by themselves.
    if found and python.minor >= (3, 13):
        folders.append(built_package_ways(python, found))
    text = shimtest.run([python.path, HERE / "measure.py", rounds, plain, shim, mode],
                        folders, shimtest.gil_env(python), timeout=900)
    return json.loads(text)


def end_to_end(result):
    return statistics.median(ratio for ratio, _ in result["operations"].values())


def show(python, results):
    print(f"\n{python.label}: nanoseconds for one access, loop included")
    modes = list(results)
    print(f"{'':20}" + "".join(f"{mode:>10}" for mode in modes))
    for way in results[modes[0]]["accesses"]:
        print(f"{way:20}" + "".join(f"{results[mode]['accesses'][way]:10.2f}" for mode in modes))
    print(f"{python.label}: calls from Python, times the module with static variables")
    for name, (_, took) in results[modes[0]]["operations"].items():
        ratios = "".join(f"{results[mode]['operations'][name][0]:10.3f}" for mode in modes)
        print(f"{name:24}{ratios}   ({took:.0f} ns)")
    print(f"{'median':24}" + "".join(f"{end_to_end(results[mode]):10.3f}" for mode in modes))
    for name in COMPARATORS + FLOORS:
        print(f"{name:24}" + "".join(f"{results[mode][name]:10.3f}" for mode in modes))


def short(python):
    return "{}.{}".format(*python.minor) + ("t" if python.build == "free-threaded" else "")


def row(*cells):
    return "| " + " | ".join(cells) + " |"


def page(measured):
    """Two Markdown tables of [(python, results)]: accesses on the newest but one, calls on all."""
    python, results = measured[max(len(measured) - 2, 0)]
    modes = list(results)
    names = {"alone": "one interpreter", "several": "several", "parallel": "two at the same time"}
    lines = [row(f"one access on {python.label}, ns", *(names[mode] for mode in modes)),
             "|" + "---|" * (len(modes) + 1)]
    for way in results[modes[0]]["accesses"]:
        lines.append(row(WAYS[way], *(f"{results[mode]['accesses'][way]:.1f}" for mode in modes)))
    lines += ["", row("calls of `tests/shim/modules/kinds.c`, one / several interpreters",
                      *(each.label for each, _ in measured)), "|" + "---|" * (len(measured) + 1)]

    def pair(alone, several):
        return f"{alone:.2f} / {several:.2f}"
    for name in results["alone"]["operations"]:
        lines.append(row(name, *(pair(*(each[mode]["operations"][name][0] for mode in MODES[:2]))
                                 for _, each in measured)))
    lines.append(row("median of the calls", *(pair(*(end_to_end(each[mode]) for mode in MODES[:2]))
                                              for _, each in measured)))
    for name in COMPARATORS + FLOORS:
        lines.append(row(f"sort of plain longs: {name}",
                         *(pair(*(each[mode][name] for mode in MODES[:2]))
                           for _, each in measured)))
    return "\n".join(lines) + "\n"


def write_page(text):
    old = PAGE.read_text(encoding="utf-8")
    new, count = re.subn(rf"(?<={re.escape(BEGIN)}\n\n).*?(?=\n{re.escape(END)})",
                         lambda match: text, old, flags=re.S)
    if count != 1:
        raise SystemExit(f"{PAGE}: no place for the tables between {BEGIN} and {END}")
    PAGE.write_text(new, encoding="utf-8")


def misses(python, results):
    found = []

    def expect(what, value, limit):
        if value > limit:
            found.append(f"{python.label}: {what} {value:.3f}, target {limit}")
    expect("one interpreter, end to end", end_to_end(results["alone"]), ONE)
    for name, (ratio, _) in results["several"]["operations"].items():
        expect(f"several interpreters, {name}", ratio, SEVERAL)
    for name in COMPARATORS:
        expect(f"several interpreters, {name}", results["several"][name], COMPARATOR)
    if "parallel" in results:
        expect("contention", results["parallel"]["accesses"]["shim"]
               / results["several"]["accesses"]["shim"], CONTENTION)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", help="only this version: 3.14 or 3.13t")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--check", action="store_true", help="exit code 1 where a target is missed")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/shim.md")
    options = parser.parse_args()
    missed, measured, found = [], [], packages()
    wanted = options.python or (TABLE if options.write else [])
    for python in shimtest.pythons():
        if wanted and short(python) not in wanted:
            continue
        modes = MODES if python.minor >= (3, 12) and python.runs else MODES[:2]
        results = {mode: measure(python, options.rounds, mode, found) for mode in modes}
        show(python, results)
        missed += misses(python, results)
        measured.append((python, results))
    if options.write:
        write_page(page(measured))
    print("\n" + ("\n".join(missed) or "all targets are met"))
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
