"""What the benches share: cache, corpus table, compile databases, headers, running extcheck."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CORPUS_TSV = HERE / "corpus.tsv"
DEFAULT_EXTCHECK = ROOT / "build" / "release" / "extcheck"

Module = namedtuple("Module", "package version sha256 language name sources flags")
# One translation unit as a build would compile it; arguments leave out the compiler and the file.
Unit = namedtuple("Unit", "package module language directory file arguments output")


class BenchError(Exception):
    """Something the user can mend; main programs print it and exit 2."""


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "extcheck"


def corpus_dir():
    return cache_dir() / "corpus"


def note(text):
    print(text, file=sys.stderr, flush=True)


def read_tsv(path, columns):
    """Rows of a table with '#' comments and one header line that must be exactly `columns`."""
    rows = []
    header = None
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            fields = line.split("\t")
            if header is None:
                if fields != list(columns):
                    raise BenchError(f"{path}:{number}: expected the columns {', '.join(columns)}")
                header = fields
            elif len(fields) != len(columns):
                raise BenchError(f"{path}:{number}: {len(fields)} fields, expected {len(columns)}")
            else:
                rows.append(fields)
    return rows


def read_corpus():
    columns = ("package", "version", "sha256", "language", "module", "sources", "flags")
    modules = []
    for row in read_tsv(CORPUS_TSV, columns):
        row[5] = [] if row[5] == "-" else row[5].split()
        row[6] = [] if row[6] == "-" else row[6].split()
        modules.append(Module(*row))
    return modules


def packages(modules):
    """Package name -> its modules, in the table's order."""
    result = {}
    for module in modules:
        result.setdefault(module.package, []).append(module)
    return result


def package_dir(module):
    return corpus_dir() / f"{module.package}-{module.version}"


def module_sources(module):
    """The files a module is built from; a glob that meets nothing is an error in the table."""
    top = package_dir(module)
    files = []
    for pattern in module.sources:
        found = sorted(top.glob(pattern))
        if not found:
            raise BenchError(f"{top}: no file for '{pattern}'; mend bench/corpus.tsv")
        files.extend(path for path in found if path not in files)
    return files


def package_units(modules, include_flags):
    """Translation units of the modules with the flags their build would give."""
    folders = {m.package: str(package_dir(m)) for m in read_corpus()}
    units = []
    for module in modules:
        names = dict(folders, dir=str(package_dir(module)))
        flags = [flag.format(**names) for flag in module.flags]
        for path in module_sources(module):
            relative = path.relative_to(package_dir(module)).with_suffix(".o")
            units.append(Unit(module.package, module.name, module.language, names["dir"], str(path),
                              flags + include_flags, f"build/{module.name}.dir/{relative}"))
    return units


def write_database(folder, units):
    """compile_commands.json for the units; left untouched when it already says the same."""
    entries = []
    for unit in units:
        compiler = "c++" if unit.language == "c++" else "cc"
        arguments = [compiler, *unit.arguments, "-c", unit.file, "-o", unit.output]
        entries.append({"directory": unit.directory, "file": unit.file, "output": unit.output,
                        "arguments": arguments})
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "compile_commands.json"
    text = json.dumps(entries, indent=1) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return path


def known_pythons():
    """(version, build, path, include flags) of every interpreter `tools/pythons list` knows."""
    tool = ROOT / "tools" / "pythons"
    if not tool.exists():
        return []
    run = subprocess.run([str(tool), "list"], stdout=subprocess.PIPE, text=True, check=False)
    result = []
    for line in run.stdout.splitlines():
        fields = line.split("\t")
        if len(fields) >= 4:
            result.append((fields[0], fields[1], fields[2], shlex.split(fields[3])))
    return result


def include_flags_of(python):
    script = ("import sysconfig as s\n"
              "for d in dict.fromkeys((s.get_path('include'), s.get_path('platinclude'))):"
              " print('-I' + d)")
    run = subprocess.run([python, "-c", script], stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0 or not run.stdout:
        raise BenchError(f"{python}: cannot be asked for its headers (exit {run.returncode})")
    return run.stdout.split()


def choose_headers(python=None):
    """Include flags for the databases: the interpreter asked for, else 3.13, else the newest."""
    if python:
        return include_flags_of(python)
    best = None
    for version, build, _, flags in known_pythons():
        parts = tuple(int(part) for part in version.split(".") if part.isdigit())
        if build == "gil" and parts[:2] == (3, 13) and (best is None or parts > best[0]):
            best = (parts, flags)
    if best:
        return best[1]
    for minor in range(15, 8, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            return include_flags_of(found)
    return include_flags_of(sys.executable)


def add_extcheck_option(parser):
    parser.add_argument("--extcheck", default=str(DEFAULT_EXTCHECK), metavar="PATH",
                        help="the checker to run (default: build/release/extcheck)")


def need_program(path):
    found = shutil.which(path)
    if not found:
        raise BenchError(f"{path}: not found or not executable; build it, or give its path")
    return os.path.abspath(found)


def run_extcheck(extcheck, arguments, cwd, timeout=1800, env=None):
    """The JSON report, whatever the verdict. Exit codes 0-2 are answers, anything else a fault."""
    command = [need_program(extcheck), "--format", "json", *arguments]
    run = subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, timeout=timeout, check=False)
    said = run.stderr.decode("utf-8", "replace").strip()
    if run.returncode not in (0, 1, 2):
        raise BenchError(f"extcheck died with exit code {run.returncode} in {cwd}: {said[-2000:]}")
    try:
        report = json.loads(run.stdout)
    except ValueError as error:
        raise BenchError(f"extcheck gave no JSON in {cwd} ({error}): {said[-2000:]}") from None
    if not isinstance(report, dict) or "findings" not in report:
        raise BenchError(f"extcheck's JSON in {cwd} has no 'findings'")
    return report


def finding_path(finding, cwd):
    return os.path.realpath(os.path.join(cwd, finding.get("file") or ""))


def failed_files(report):
    """Names in the report's list of what could not be analysed, however it spells an entry."""
    return [entry.get("file", "?") if isinstance(entry, dict) else str(entry)
            for entry in report.get("failed", [])]


def run_main(main):
    """Runs a main function; what the user can mend becomes one line and exit code 2."""
    try:
        return main()
    except (BenchError, OSError, subprocess.TimeoutExpired) as error:
        note(f"error: {error}")
        return 2
    except BrokenPipeError:
        return 2
