#!/usr/bin/env python3
"""Draws findings from the corpus packages for judgement, and checks those already judged.

Every finding at hazard or above of every package is put in an order that depends on the seed
only; from the top 30 are taken, at most 4 per package. judgements.tsv says of each whether it is
right, with the proof from the code. A wrong one means: mend the rule, draw anew with another
seed."""

import argparse
import hashlib
import os
import sys
from collections import Counter, namedtuple
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchlib import (BenchError, add_extcheck_option, choose_headers, failed_files,  # noqa: E402
                      finding_path, module_sources, note, package_dir, package_units, packages,
                      read_corpus, read_tsv, run_extcheck, run_main, write_database)
from corpus import database_dir  # noqa: E402

JUDGEMENTS = Path(__file__).resolve().parent / "judgements.tsv"
COLUMNS = ("seed", "package", "version", "file", "line", "rule", "symbol", "judgement", "proof")
COUNTED = ("hazard", "blocker")

# `file` is relative to the package's folder.
Drawn = namedtuple("Drawn", "package version file line rule symbol")


def analyse(package, modules, options, flags):
    """The report on one package: with its build's flags, or plainly with its files only."""
    top = package_dir(modules[0])
    if options.plain:
        files = sorted({str(path) for module in modules for path in module_sources(module)})
        arguments = []
    else:
        units = package_units(modules, flags)
        write_database(database_dir(package), units)
        files = sorted({unit.file for unit in units})
        arguments = ["-p", str(database_dir(package))]
    arguments += ["-j", str(options.jobs), *options.extra]
    return run_extcheck(options.extcheck, arguments + files, cwd=top), len(files)


def collect(options, table):
    """Drawn -> finding for everything that counts; prints a line per package on the way."""
    flags = [] if options.plain else choose_headers(options.python)
    found = {}
    for package, modules in table.items():
        top = os.path.realpath(package_dir(modules[0]))
        report, files = analyse(package, modules, options, flags)
        counted = Counter()
        for finding in report["findings"]:
            if finding.get("severity") not in COUNTED:
                continue
            counted[finding["severity"]] += 1
            key = Drawn(package, modules[0].version,
                        os.path.relpath(finding_path(finding, top), top),
                        str(finding.get("line")), finding.get("rule", ""),
                        finding.get("symbol") or "-")
            found.setdefault(key, finding)
        failed = failed_files(report)
        print(f"{package} {modules[0].version}: {files} files, {counted['blocker']} blockers,"
              f" {counted['hazard']} hazards, {len(failed)} not analysed"
              + (f": {', '.join(failed)}" if failed else ""), flush=True)
    return found


def draw(found, seed, count, per_package):
    """The order comes from a hash of seed and finding, so one finding more moves nothing else."""
    def place(key):
        return hashlib.sha256("\t".join((str(seed), *key)).encode()).digest()

    taken = []
    used = Counter()
    for key in sorted(found, key=place):
        if len(taken) < count and used[key.package] < per_package:
            used[key.package] += 1
            taken.append(key)
    return taken


def read_judgements(path):
    """Drawn -> (judgement, proof); a row without a proof is no judgement."""
    result = {}
    for row in read_tsv(path, COLUMNS):
        judgement, proof = row[7], row[8].strip()
        if judgement not in ("right", "wrong"):
            raise BenchError(f"{path}: '{judgement}' is neither right nor wrong: {row[3]}:{row[4]}")
        if len(proof) < 20:
            raise BenchError(f"{path}: {row[3]}:{row[4]} has no proof from the code")
        result[Drawn(*row[1:7])] = (judgement, proof)
    return result


def source_context(top, finding, around):
    try:
        text = Path(finding_path(finding, top)).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return [f"      ({error})"]
    lines = text.splitlines()
    line = int(finding.get("line") or 0)
    return [f"    {'>' if n == line else ' '} {n:6} {lines[n - 1][:140]}"
            for n in range(max(1, line - around), min(len(lines), line + around) + 1)]


def show_draw(taken, found, judged, table, around):
    for number, key in enumerate(taken, 1):
        finding = found[key]
        top = os.path.realpath(package_dir(table[key.package][0]))
        judgement, proof = judged.get(key, ("unjudged", ""))
        print(f"\n{number}. [{judgement}] {key.package}-{key.version}/{key.file}:{key.line}:"
              f" {finding.get('severity')}: {key.rule} {finding.get('name', '')}"
              f" (symbol {key.symbol}, function {finding.get('function') or '-'})")
        print(f"    {finding.get('message', '')}")
        print("\n".join(source_context(top, finding, around)))
        if proof:
            print(f"    proof: {proof}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    add_extcheck_option(parser)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--per-package", type=int, default=4)
    parser.add_argument("--context", type=int, default=4, help="source lines around a finding")
    parser.add_argument("--plain", action="store_true",
                        help="give extcheck the files only, no database: it finds the headers")
    parser.add_argument("--template", action="store_true",
                        help="print the unjudged ones as rows for judgements.tsv, nothing else")
    parser.add_argument("--package", action="append", help="only this one (repeatable)")
    parser.add_argument("--python", help="whose headers the databases name (default: 3.13)")
    parser.add_argument("--judgements", default=str(JUDGEMENTS))
    parser.add_argument("-j", "--jobs", type=int, default=2)
    parser.add_argument("extra", nargs="*", help="more options for extcheck, after --")
    options = parser.parse_args()
    table = {name: modules for name, modules in packages(read_corpus()).items()
             if modules[0].name != "-" and (not options.package or name in options.package)}
    if not table:
        raise BenchError("none of these packages is in corpus.tsv")
    missing = [name for name, modules in table.items() if not package_dir(modules[0]).is_dir()]
    if missing:
        raise BenchError(f"not fetched: {', '.join(missing)}; run bench/corpus.py")
    judged = read_judgements(options.judgements)

    listing = sys.stdout
    if options.template:
        sys.stdout = sys.stderr
    try:
        found = collect(options, table)
    finally:
        sys.stdout = listing
    taken = draw(found, options.seed, options.count, options.per_package)
    unjudged = [key for key in taken if key not in judged]
    if options.template:
        for key in unjudged:
            print("\t".join((str(options.seed), *key, "?", "?")))
        return 0
    show_draw(taken, found, judged, table, options.context)
    wrong = [key for key in taken if key in judged and judged[key][0] == "wrong"]
    print(f"\nseed {options.seed}: {len(taken)} drawn of {len(found)} findings at hazard or above:"
          f" {len(taken) - len(wrong) - len(unjudged)} right, {len(wrong)} wrong,"
          f" {len(unjudged)} unjudged")
    if len(taken) < options.count:
        note(f"only {len(taken)} of {options.count} could be drawn")
    return 1 if wrong or unjudged else 0


if __name__ == "__main__":
    sys.exit(run_main(main))
