"""The source sets the scan bench runs on; every one is real code with its build's flags."""

import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchlib import BenchError, package_dir, package_units, packages, read_corpus  # noqa: E402
from cpython import module_units, source_tree  # noqa: E402

# kind decides the targets: c, cpython, large (units of 1 MB and more), c++.
SourceSet = namedtuple("SourceSet", "name kind units")

# The packages of one C file; each is a run of its own.
SINGLE_FILES = "single-files"
LARGE = 1_000_000
# Their main file is small, but it includes a whole amalgamated library (2 MB).
AMALGAMATED = ("zstandard",)


def parses(unit, clang):
    command = clang_command(unit, clang)
    run = subprocess.run(command, cwd=unit.directory, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, check=False)
    return run.returncode == 0


def clang_command(unit, clang):
    """clang++ has no part here: -x says the language, the driver does not link."""
    language = "c++" if unit.language == "c++" else "c"
    return [clang, "-fsyntax-only", "-w", "-x", language, *unit.arguments, unit.file]


def distinct(units):
    """One unit per file: a helper that three modules build would be timed three times."""
    seen = {}
    for unit in units:
        seen.setdefault(unit.file, unit)
    return list(seen.values())


def is_large(unit):
    return os.path.getsize(unit.file) >= LARGE or unit.package in AMALGAMATED


def corpus_sets(flags):
    table = {name: modules for name, modules in packages(read_corpus()).items()
             if modules[0].name != "-"}
    missing = [name for name, modules in table.items() if not package_dir(modules[0]).is_dir()]
    if missing:
        raise BenchError(f"not fetched: {', '.join(missing)}; run bench/corpus.py")
    units = {name: distinct(package_units(modules, flags)) for name, modules in table.items()}
    in_c = [unit for name, modules in table.items() if modules[0].language == "c"
            for unit in units[name]]
    sets = [SourceSet("psutil", "c", units["psutil"]),
            SourceSet("c-packages", "c",
                      [u for u in in_c if not is_large(u) and u.package != "psutil"]),
            SourceSet("large-units", "large", [u for u in in_c if is_large(u)])]
    sets += [SourceSet(name, "c++", units[name]) for name, modules in table.items()
             if modules[0].language == "c++"]
    # Single packages can be asked for by name; they are not part of the usual run.
    singles = [SourceSet(name, "large" if any(map(is_large, units[name])) else "c", units[name])
               for name, modules in table.items()
               if modules[0].language == "c" and name != "psutil"]
    alone = [s.units[0] for s in singles if len(s.units) == 1 and s.kind == "c"]
    singles.append(SourceSet(SINGLE_FILES, "c", alone))
    return sets, singles


def cpython_set(tree):
    tree = source_tree(tree)
    units, _ = module_units(tree)
    return SourceSet("cpython", "cpython", units)


def choose(names, flags, tree):
    """The sets asked for, in a fixed order; all of the usual ones when none is named."""
    usual, singles = corpus_sets(flags)
    known = {s.name: s for s in usual + singles}
    if not names:
        return usual[:1] + [cpython_set(tree)] + usual[1:]
    unknown = [name for name in names if name not in known and name != "cpython"]
    if unknown:
        raise BenchError(f"no such set: {', '.join(unknown)}; there are: cpython,"
                         f" {', '.join(known)}")
    return [cpython_set(tree) if name == "cpython" else known[name] for name in names]
