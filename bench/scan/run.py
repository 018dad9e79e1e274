#!/usr/bin/env python3
"""Times extcheck against clang -fsyntax-only and clang-tidy on the same real sources.

Every round runs every tool once, in an order that moves on by one each round; ratios are taken
within a round, and the median over the rounds is printed with its range. CPU is user + system of
the processes and all their children; memory is the peak of the largest single process."""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchlib import (BenchError, add_extcheck_option, cache_dir, choose_headers,  # noqa: E402
                      failed_files, known_pythons, need_program, note, run_extcheck, run_main,
                      write_database)
from sets import SINGLE_FILES, choose, clang_command, parses  # noqa: E402

TIDY_CHECKS = "-*,cppcoreguidelines-avoid-non-const-global-variables,concurrency-mt-unsafe"

Sample = namedtuple("Sample", "wall cpu peak_mb codes")
# What a line of the table compares: ratio of two tools' values, and the limit it must keep.
Line = namedtuple("Line", "title top bottom value sense limit")


def interpreter_options(python, flags):
    """Names the interpreter whose headers are used: without, extcheck asks the python3 on PATH,
    and where that is a script of a version manager, each run pays 0.1 s for the script."""
    same = [path for _, _, path, others in known_pythons() if others == flags]
    return ["--python", python or same[0]] if python or same else []


def run_commands(commands, jobs, env, errors):
    """Runs (argv, cwd) pairs, at most `jobs` at once, and adds up what they cost."""
    pending = list(reversed(commands))
    running = {}
    cpu, peak, codes = 0.0, 0, []
    begin = time.perf_counter()
    while pending or running:
        while pending and len(running) < jobs:
            argv, cwd = pending.pop()
            process = subprocess.Popen(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=errors)
            running[process.pid] = process
        pid, status, usage = os.wait4(-1, 0)
        process = running.pop(pid, None)
        if process is None:
            continue
        process.returncode = os.waitstatus_to_exitcode(status)
        codes.append(process.returncode)
        cpu += usage.ru_utime + usage.ru_stime
        peak = max(peak, usage.ru_maxrss)
    return Sample(time.perf_counter() - begin, cpu, peak / 1024, codes)


class Tools:
    """The command lines of one set; `scratch` holds its database and extcheck's cache."""

    def __init__(self, options, source_set, scratch):
        self.options = options
        self.units = source_set.units
        self.files = [unit.file for unit in self.units]
        self.cwd = self.units[0].directory
        self.apart = source_set.name == SINGLE_FILES  # one run of extcheck for each file
        self.scratch = scratch / source_set.name
        write_database(self.scratch, self.units)
        self.errors = self.scratch / "stderr.txt"

    def environment(self, cache):
        """A cache of its own, with the interpreters of the real one still in sight."""
        own = self.scratch / cache / "extcheck"
        own.mkdir(parents=True, exist_ok=True)
        real = cache_dir() / "pythons"
        if real.is_dir() and not (own / "pythons").exists():
            (own / "pythons").symlink_to(real)
        return dict(os.environ, XDG_CACHE_HOME=str(own.parent))

    def run(self, commands, jobs, env=None):
        with open(self.errors, "wb") as errors:
            return run_commands(commands, jobs, env, errors)

    def clang(self, jobs):
        sample = self.run([(clang_command(unit, self.options.clang), unit.directory)
                           for unit in self.units], jobs)
        self.expect(sample, (0,), "clang")
        return sample

    def expect(self, sample, codes, who):
        """A tool that gave up early would look fast."""
        strange = [code for code in sample.codes if code not in codes]
        if strange:
            said = self.errors.read_text(errors="replace")[-1500:]
            raise BenchError(f"{who} ended with {strange[0]}: {said}")

    def extcheck(self, jobs, cache=None):
        argv = [self.options.extcheck, *self.options.interpreter, "-p", str(self.scratch), "-j",
                str(jobs)]
        argv += ["--no-cache"] if cache is None else []
        runs = [(argv + self.files, self.cwd)]
        if self.apart:
            runs = [(argv + [unit.file], unit.directory) for unit in self.units]
        sample = self.run(runs, 1, self.environment(cache or "none"))
        self.expect(sample, (0, 1), "extcheck")
        return sample

    def check_work(self):
        """Number of findings. Timing is worth nothing unless the checker does the work: every
        file is analysed, and a run from the cache says the same as one without."""
        arguments = [*self.options.interpreter, "-p", str(self.scratch), "-j", "2", *self.files]
        env = self.environment("kept")
        reports = [run_extcheck(self.options.extcheck, extra + arguments, self.cwd, env=env)
                   for extra in (["--no-cache"], [], [])]
        for report in reports:
            if failed_files(report):
                raise BenchError(f"extcheck could not analyse: {', '.join(failed_files(report))}")
            if report["findings"] != reports[0]["findings"]:
                raise BenchError("extcheck finds something else when it reads its cache")
        return len(reports[0]["findings"])

    def first_run(self):
        """With a cache that is empty: what a user's first run costs."""
        shutil.rmtree(self.scratch / "first", ignore_errors=True)
        return self.extcheck(2, "first")

    def warm_run(self):
        """The precompiled headers are those of an earlier run, the rest is new."""
        for name in ("facts", "runs"):
            shutil.rmtree(self.scratch / "warm/extcheck" / name, ignore_errors=True)
        return self.extcheck(2, "warm")

    def make_foreign(self):
        """What a run on another project, a file of three lines, leaves in an empty cache."""
        folder = self.scratch / "elsewhere"
        folder.mkdir()
        file = folder / "elsewhere.c"
        file.write_text("#include <Python.h>\nPyObject *elsewhere(void);\n"
                        "PyObject *elsewhere(void) { return PyList_New(0); }\n"
                        "#ifdef Py_GIL_DISABLED\nint free_threaded;\n#endif\n")
        write_database(folder, [self.units[0]._replace(file=str(file), directory=str(folder))])
        argv = [self.options.extcheck, *self.options.interpreter, "-p", str(folder), "-j", "2",
                str(file)]
        for _ in range(2):  # the second flavour's header may come with the second run
            for name in ("facts", "runs"):
                shutil.rmtree(self.scratch / "foreign/extcheck" / name, ignore_errors=True)
            self.expect(self.run([(argv, folder)], 1, self.environment("foreign")), (0, 1),
                        "extcheck")
        kept = self.scratch / "foreign/extcheck/headers"
        kept.mkdir(exist_ok=True)
        shutil.copytree(kept, self.scratch / "foreign-headers")

    def foreign_run(self):
        """Nothing of the set is in the cache, but what another project has left there."""
        if not (self.scratch / "foreign-headers").exists():
            self.make_foreign()
        own = self.scratch / "foreign/extcheck"
        for name in ("facts", "runs", "headers"):
            shutil.rmtree(own / name, ignore_errors=True)
        shutil.copytree(self.scratch / "foreign-headers", own / "headers")
        return self.extcheck(2, "foreign")

    def tidy(self):
        argv = [self.options.clang_tidy, "--quiet", f"-checks={TIDY_CHECKS}", "-p",
                str(self.scratch)]
        sample = self.run([(argv + self.files, self.cwd)], 1)
        self.expect(sample, (0, 1), "clang-tidy")
        return sample

    def table(self):
        return {
            "clang-j1": lambda: self.clang(1),
            "clang-j2": lambda: self.clang(2),
            "extcheck-j1": lambda: self.extcheck(1),
            "extcheck-j2": lambda: self.extcheck(2),
            "extcheck-first": self.first_run,
            "extcheck-foreign": self.foreign_run,
            "extcheck-warm": self.warm_run,
            "extcheck-second": lambda: self.extcheck(2, "kept"),
            "clang-tidy": self.tidy,
        }


def measure(tools, rounds):
    """Tool name -> its samples, one per round."""
    table = tools.table()
    names = list(table)
    samples = {name: [] for name in names}
    # Fills the page cache for every tool (check_work has filled the kept cache); not counted.
    for name in ("clang-j2", "clang-tidy", "extcheck-foreign", "extcheck-warm",
                 "extcheck-second"):
        table[name]()
    for number in range(rounds):
        note(f"  round {number + 1} of {rounds}")
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            samples[name].append(table[name]())
    return samples


def lines_for(kind, files):
    """What the set is held to; a limit of None is printed for information only."""
    if kind == "c++":
        cpu, wall = 1.0, None
    else:
        cpu, wall = (0.6, 0.35) if kind == "cpython" else (0.5, 0.3)
    no_slower = 1.0 if kind == "c++" else None
    less_cpu, less_wall = (None, None) if kind == "c++" else (2.0, 4.0)
    return [
        Line("CPU, 1 job / clang", "extcheck-j1", "clang-j1", "cpu", "<=", cpu),
        Line("CPU, 2 jobs / clang", "extcheck-j2", "clang-j1", "cpu", "<=", cpu),
        Line("wall, 2 jobs / clang 1 job", "extcheck-j2", "clang-j1", "wall", "<=", wall),
        Line("wall, 1 job / clang 1 job", "extcheck-j1", "clang-j1", "wall", "<=", no_slower),
        Line("wall, 2 jobs / clang 2 jobs", "extcheck-j2", "clang-j2", "wall", "<=", no_slower),
        Line("wall, first run writing the cache / clang 1 job", "extcheck-first", "clang-j1",
             "wall", "<=", None),
        Line("CPU, headers kept of another project / clang 1 job", "extcheck-foreign", "clang-j1",
             "cpu", "<=", None),
        Line("wall, headers kept of another project / clang 1 job", "extcheck-foreign", "clang-j1",
             "wall", "<=", None),
        Line("CPU, headers kept from an earlier run / clang 1 job", "extcheck-warm", "clang-j1",
             "cpu", "<=", None),
        Line("wall, headers kept from an earlier run / clang 1 job", "extcheck-warm", "clang-j1",
             "wall", "<=", None),
        Line("wall, unchanged second run / clang 1 job", "extcheck-second", "clang-j1", "wall",
             "<=", 0.02 if files >= 15 and kind != "c++" else None),
        Line("CPU, clang-tidy / extcheck 2 jobs", "clang-tidy", "extcheck-j2", "cpu", ">=",
             less_cpu),
        Line("wall, clang-tidy / extcheck 2 jobs", "clang-tidy", "extcheck-j2", "wall", ">=",
             less_wall),
    ]


def verdict(value, sense, limit):
    if limit is None:
        return "", True
    kept = value <= limit if sense == "<=" else value >= limit
    return f"{sense} {limit:<5} {'ok' if kept else 'SHORT'}", kept


def print_report(source_set, samples, findings):
    """The table of one set; returns how many of its targets are missed."""
    size = sum(os.path.getsize(unit.file) for unit in source_set.units)
    print(f"\n{source_set.name} ({source_set.kind}): {len(source_set.units)} files,"
          f" {size / 1e6:.2f} MB, {findings} findings")
    print(f"  {'':20} {'wall s':>9} {'CPU s':>9} {'peak MB':>9}   medians")
    for name, taken in samples.items():
        print(f"  {name:20} {statistics.median(s.wall for s in taken):9.3f}"
              f" {statistics.median(s.cpu for s in taken):9.3f}"
              f" {max(s.peak_mb for s in taken):9.0f}")
    missed = 0
    for line in lines_for(source_set.kind, len(source_set.units)):
        ratios = [getattr(top, line.value) / getattr(bottom, line.value)
                  for top, bottom in zip(samples[line.top], samples[line.bottom])]
        middle = statistics.median(ratios)
        text, kept = verdict(middle, line.sense, line.limit)
        missed += not kept
        print(f"  {line.title:48} {middle:8.3f} [{min(ratios):.3f}-{max(ratios):.3f}]  {text}")
    peak = max(s.peak_mb for name, taken in samples.items() if name.startswith("extcheck-")
               for s in taken)
    text, kept = verdict(peak, "<=", 150 if source_set.kind in ("c", "cpython") else None)
    print(f"  {'peak memory of one extcheck process, MB':48} {peak:8.0f} {'':15}  {text}")
    return missed + (not kept)


def run_set(options, source_set, scratch):
    usable = [unit for unit in source_set.units if parses(unit, options.clang)]
    dropped = [unit for unit in source_set.units if unit not in usable]
    if dropped:
        print(f"\n{source_set.name}: left out, since clang itself cannot parse them here:"
              f" {', '.join(os.path.basename(unit.file) for unit in dropped)}")
    if not usable:
        raise BenchError(f"{source_set.name}: clang can parse none of the files")
    source_set = source_set._replace(units=usable)
    note(f"{source_set.name}: {len(usable)} files")
    tools = Tools(options, source_set, scratch)
    findings = tools.check_work()
    return print_report(source_set, measure(tools, options.rounds), findings)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    add_extcheck_option(parser)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--set", action="append", metavar="NAME", default=[],
                        help="psutil, cpython, c-packages, single-files, large-units, kiwisolver,"
                             " contourpy or another package of the corpus (repeatable)")
    parser.add_argument("--clang", default="clang-14")
    parser.add_argument("--clang-tidy", default="clang-tidy-14")
    parser.add_argument("--python", help="whose headers to use (default: 3.13)")
    parser.add_argument("--tree", help="a configured CPython tree (default: tools/pythons source)")
    options = parser.parse_args()
    if options.rounds < 1:
        raise BenchError("--rounds must be at least 1")
    for name in ("extcheck", "clang", "clang_tidy"):
        setattr(options, name, need_program(getattr(options, name)))
    flags = choose_headers(options.python)
    options.interpreter = interpreter_options(options.python, flags)
    sets = choose(options.set, flags, options.tree)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; ratios are only worth"
          f" reading on an idle machine")
    missed, broken = 0, []
    with tempfile.TemporaryDirectory(prefix="extcheck-bench-") as scratch:
        for source_set in sets:
            try:
                missed += run_set(options, source_set, Path(scratch))
            except BenchError as error:
                print(f"\n{source_set.name}: NOT MEASURED: {error}")
                broken.append(source_set.name)
            sys.stdout.flush()
    print(f"\ntargets missed: {missed}; not measured: {', '.join(broken) or 'none'}")
    return 2 if broken else 1 if missed else 0


if __name__ == "__main__":
    sys.exit(run_main(main))
