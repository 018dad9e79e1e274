#!/usr/bin/env python3
"""Compares extcheck with the lists of CPython's own Tools/c-analyzer, on CPython 3.13's Modules.

globals-to-fix.tsv names variables that are known to be wrong: how many does extcheck report?
ignored.tsv names variables that CPython's developers judged harmless: how many does it report
all the same? Only findings at hazard or blocker for own-gil count. Entries whose variable is not
defined in this configuration (other platforms, moved code) are left out of both and listed."""

import argparse
import re
import shutil
import subprocess
import sys
from collections import defaultdict, namedtuple
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchlib import (BenchError, add_extcheck_option, failed_files,  # noqa: E402
                      finding_path, note, read_tsv, run_extcheck, run_main)
from cpython import prepare, source_tree  # noqa: E402

RECALL_TARGET = 0.97
ALARM_TARGET = 0.03
COUNTED = ("hazard", "blocker")
# These judge how the module declares itself; they name its PyModuleDef, not a shared variable.
DECLARATION_FAMILIES = ("INI",)

Entry = namedtuple("Entry", "file function name")

# "|-VarDecl 0x55 prev 0x44 <place> place used NAME 'type' ..." in clang's tree, at any depth.
DECLARATION = re.compile(
    r"^([|` -]*)(VarDecl|FunctionDecl) 0x[0-9a-f]+ (?:parent 0x[0-9a-f]+ )?(?:prev 0x[0-9a-f]+ )?"
    r"<.*?> (?:\S+ )?(?:implicit )?(?:used |referenced )?(?:invalid )?(\w+) '(.*)$")


def parse_declarations(lines):
    """Set of (function or '-', name) of the variables with static storage that are defined."""
    found = set()
    function = "-"
    for line in lines:
        if "Decl 0x" not in line:
            continue
        match = DECLARATION.match(line)
        if not match:
            continue
        depth = len(match.group(1)) // 2
        if depth == 1:
            function = match.group(3) if match.group(2) == "FunctionDecl" else "-"
        if match.group(2) != "VarDecl":
            continue
        words = match.group(4).rsplit("'", 1)[-1].split()
        if depth == 1 and ("extern" not in words or "cinit" in words):
            found.add(("-", match.group(3)))
        elif depth > 1 and "static" in words:
            found.add((function, match.group(3)))
    return found


def defined_variables(unit, clang):
    """Asks clang, not extcheck, so that what extcheck overlooks still counts as a miss."""
    command = [clang, "-fsyntax-only", "-w", "-ferror-limit=0", "-fno-color-diagnostics",
               "-Xclang", "-ast-dump", *unit.arguments, unit.file]
    run = subprocess.run(command, cwd=unit.directory, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    return parse_declarations(run.stdout.splitlines()), run.returncode == 0


def read_entries(path, wanted_files):
    """The list's distinct entries for these files, in its order."""
    entries = {}
    for file, function, name, _ in read_tsv(path, ("filename", "funcname", "name", "reason")):
        if file in wanted_files:
            entries[Entry(file, function, name)] = None
    return list(entries)


def reported_variables(report, tree):
    """(file, symbol) -> the counted findings on it; and the same for declaration rules."""
    counted, declarations = defaultdict(list), defaultdict(list)
    for finding in report["findings"]:
        if (finding.get("severities") or {}).get("own-gil") not in COUNTED:
            continue
        key = (finding_path(finding, tree), finding.get("symbol") or "")
        rule = finding.get("rule", "")
        (declarations if rule.startswith(DECLARATION_FAMILIES) else counted)[key].append(finding)
    return counted, declarations


def findings_for(entry, tree, reported):
    """A local static is only meant by a finding that names its function too."""
    found = reported.get((str((tree / entry.file).resolve()), entry.name), [])
    if entry.function == "-":
        return found
    return [finding for finding in found if finding.get("function") == entry.function]


def show(entry):
    where = "" if entry.function == "-" else f" in {entry.function}()"
    return f"{entry.file}: {entry.name}{where}"


def show_findings(findings):
    return ", ".join(f"{f.get('rule')} at line {f.get('line')}" for f in findings)


def judge(tree, entries, defined, reported):
    """(existing entries, those reported with their findings, those that do not exist here)."""
    existing = [e for e in entries if (e.function, e.name) in defined[e.file]]
    hits = {e: found for e in existing if (found := findings_for(e, tree, reported))}
    absent = [e for e in entries if e not in set(existing)]
    return existing, hits, absent


def print_list(title, lines):
    print(f"\n{title} ({len(lines)}):")
    for line in lines or ["none"]:
        print(f"  {line}")


def compare(options, tree, units, report):
    files = {str(Path(unit.file).relative_to(tree)): unit for unit in units}
    tables = tree / "Tools" / "c-analyzer" / "cpython"
    to_fix = read_entries(tables / "globals-to-fix.tsv", files)
    both = set(to_fix)
    ignored = [e for e in read_entries(tables / "ignored.tsv", files) if e not in both]
    defined, broken = {}, []
    for name in sorted({e.file for e in to_fix + ignored}):
        defined[name], whole = defined_variables(files[name], options.clang)
        if not whole:
            broken.append(name)
    reported, declarations = reported_variables(report, tree)
    existing, hits, absent = judge(tree, to_fix, defined, reported)
    harmless, alarms, absent_ignored = judge(tree, ignored, defined, reported)
    if not existing or not harmless:
        raise BenchError("no entry of the lists exists in these files; is this a 3.13 tree?")
    uncounted = [e for e in harmless if findings_for(e, tree, declarations) and e not in alarms]

    print_list("missed entries of globals-to-fix", [show(e) for e in existing if e not in hits])
    print_list("reported entries of ignored",
               [f"{show(e)}: {show_findings(found)}" for e, found in alarms.items()])
    print_list("not counted: only a declaration rule names the definition",
               [f"{show(e)}: {show_findings(findings_for(e, tree, declarations))}"
                for e in uncounted])
    print_list("globals-to-fix entries not defined in this configuration",
               [show(e) for e in absent])
    print_list("ignored entries not defined in this configuration",
               [show(e) for e in absent_ignored])
    print_list("files clang itself cannot parse here (their entries are judged as far as they"
               " parse)", broken)
    print_list("files extcheck could not analyse", failed_files(report))
    return len(hits), len(existing), len(alarms), len(harmless)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    add_extcheck_option(parser)
    parser.add_argument("--tree", help="a configured source tree (default: tools/pythons source)")
    parser.add_argument("--all", action="store_true",
                        help="Modules/**/*.c; the required set is Modules/*.c")
    parser.add_argument("--clang", default="clang-14", help="says which variables exist")
    parser.add_argument("-j", "--jobs", type=int, default=2)
    options = parser.parse_args()
    if not shutil.which(options.clang):
        raise BenchError(f"{options.clang} not found (Debian: clang-14), or give --clang")
    tree = source_tree(options.tree)
    units, folder = prepare(tree, options.all)
    note(f"running extcheck on {len(units)} files")
    report = run_extcheck(options.extcheck, ["-p", str(folder), "-j", str(options.jobs),
                                             *(unit.file for unit in units)], cwd=tree)
    note("asking clang which of the listed variables exist")
    found, existing, alarms, harmless = compare(options, tree, units, report)
    recall, rate = found / existing, alarms / harmless
    print(f"\nrecall on globals-to-fix: {found}/{existing} = {recall:.3f}"
          f" (target >= {RECALL_TARGET}: {'ok' if recall >= RECALL_TARGET else 'short'})")
    print(f"reported of ignored: {alarms}/{harmless} = {rate:.3f}"
          f" (target <= {ALARM_TARGET}: {'ok' if rate <= ALARM_TARGET else 'short'})")
    return 0 if recall >= RECALL_TARGET and rate <= ALARM_TARGET else 1


if __name__ == "__main__":
    sys.exit(run_main(main))
