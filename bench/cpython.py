#!/usr/bin/env python3
"""CPython 3.13's own Modules as a corpus: its tree from tools/pythons, flags from its Makefile.

Run as a program it writes the compile database into the cache and prints where it is."""

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

from benchlib import (ROOT, BenchError, Unit, cache_dir, note, run_main, write_database)

# What matters to a parser; optimisation and warning flags would only blur the timings.
KEPT_PREFIXES = ("-I", "-D", "-U", "-std=", "-isystem", "-iquote")


def source_tree(path=None):
    """A configured and built tree: the one given, else what `tools/pythons source 3.13` prints."""
    if path is None:
        tool = ROOT / "tools" / "pythons"
        if not tool.exists():
            raise BenchError("tools/pythons is missing; give the source tree with --tree")
        run = subprocess.run([str(tool), "source", "3.13"], stdout=subprocess.PIPE, text=True,
                             check=False)
        if run.returncode != 0:
            raise BenchError("no CPython 3.13 source tree; run: tools/pythons ensure 3.13")
        path = run.stdout.strip().splitlines()[-1]
    tree = Path(path).resolve()
    for needed in ("Makefile", "pyconfig.h", "Modules", "Include/Python.h"):
        if not (tree / needed).exists():
            raise BenchError(f"{tree}: no {needed}; a configured CPython source tree is needed")
    return tree


def module_files(tree, recursive):
    """Modules/*.c as paths relative to the tree; with `recursive` also Modules/_*/ and the like."""
    pattern = "Modules/**/*.c" if recursive else "Modules/*.c"
    return sorted(str(path.relative_to(tree)) for path in tree.glob(pattern))


def make_lines(tree, files):
    """What make would run if every module file had just changed; nothing is run or written."""
    command = ["make", "-n", "-o", "Makefile", "-o", "Modules/config.c", "-o", "configure"]
    for name in files:
        command += ["-W", name]
    run = subprocess.run(command + ["all"], cwd=tree, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, check=False)
    # make stops early where a late step (the build's own checks) cannot be simulated; the compile
    # lines seen until then are right all the same, and files without one get the usual flags.
    return run.stdout.replace("\\\n", " ").splitlines()


def keep_flags(words):
    kept = []
    index = 0
    while index < len(words):
        word = words[index]
        if word in ("-I", "-D", "-U", "-isystem", "-iquote") and index + 1 < len(words):
            kept += [word, words[index + 1]]
            index += 1
        elif word.startswith(KEPT_PREFIXES):
            kept.append(word)
        index += 1
    return kept


def made_flags(tree, files):
    """File -> (flags, object) from make's own compile lines."""
    wanted = set(files)
    found = {}
    for line in make_lines(tree, files):
        if " -c " not in line:
            continue
        try:
            words = shlex.split(line)
        except ValueError:
            continue
        output = words[words.index("-o") + 1] if "-o" in words[:-1] else None
        for word in words:
            name = word[2:] if word.startswith("./") else word
            if name in wanted and output:
                found.setdefault(name, (keep_flags(words), output))
    return found


def usual_flags(tree):
    """PY_STDMODULE_CFLAGS, for the files this configuration of the tree does not build."""
    program = "extcheck-bench-flags:\n\t@echo '$(PY_STDMODULE_CFLAGS)'\n"
    run = subprocess.run(["make", "-s", "-f", "Makefile", "-f", "-", "extcheck-bench-flags"],
                         cwd=tree, input=program, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True, check=False)
    if run.returncode != 0:
        raise BenchError(f"{tree}: make cannot say PY_STDMODULE_CFLAGS: {run.stderr.strip()}")
    return keep_flags(shlex.split(run.stdout))


def module_units(tree, recursive=False):
    """(units, names that this configuration does not build and that got the usual flags)."""
    files = module_files(tree, recursive)
    if not files:
        raise BenchError(f"{tree}: no Modules/*.c")
    made = made_flags(tree, files)
    usual = usual_flags(tree)
    units = []
    guessed = []
    for name in files:
        flags, output = made.get(name, (usual, name[:-2] + ".o"))
        if name not in made:
            guessed.append(name)
        units.append(Unit("cpython", name, "c", str(tree), str(tree / name), flags, output))
    return units, guessed


def database_dir(recursive=False):
    return cache_dir() / "corpus" / "databases" / ("cpython-all" if recursive else "cpython")


def prepare(tree, recursive=False):
    """Units of the tree, with their database written; returns (units, database folder)."""
    units, guessed = module_units(tree, recursive)
    if guessed:
        note(f"{len(guessed)} of {len(units)} files are not built in this configuration of"
             f" CPython and get its usual flags")
    write_database(database_dir(recursive), units)
    return units, database_dir(recursive)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tree", help="a configured source tree (default: tools/pythons source)")
    parser.add_argument("--all", action="store_true", help="also the files in folders of Modules")
    options = parser.parse_args()
    tree = source_tree(options.tree)
    units, folder = prepare(tree, options.all)
    print(f"{tree}\t{len(units)} sources\t{folder}")
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main))
