"""ASan, UBSan, TSan and Valgrind over the shim's own tests: no report with a frame of ours.

The interpreters are those that tools/pythons builds from source: 3.13, and 3.13t under TSan. The
suppressions are CPython's own. --long takes more rounds and all of Valgrind.
"""

import os
import re
import shutil
import subprocess
import sys

from shimtest import (CHILD, ROOT, Failure, Skip, Tally, build, cached_python, pythons)

CLAIMS = ["-DEXTSHIM_CLAIM_OWN_GIL=1", "-DEXTSHIM_CLAIM_GIL_NOT_USED=1"]
# Script, its modules, short and long arguments.
RUNS = {
    "features": ("features_use.py", ["features"], ["own"], ["own"]),
    "one after another": ("reuse.py", ["kinds"], [], []),
    "in parallel": ("stress.py", ["kinds"], [2, 4, 3], [3, 40, 10]),
    "threads": ("threads_use.py", ["threads_probe"], ["own"], ["own"]),
    "own memory fails": ("memory_fails.py", ["memory_probe"], ["own"], ["own"]),
    # No test of the shim but of the sanitizers: what is wrong on purpose has to be reported.
    "planted overrun": ("planted_use.py", ["planted"], ["overrun"], ["overrun"]),
    "planted overflow": ("planted_use.py", ["planted"], ["overflow"], ["overflow"]),
    "planted race": ("planted_use.py", ["planted"], ["race"], ["race"]),
    "Python's memory fails": ("memory_fails.py", ["memory_probe"], ["python"], ["python"]),
}
OWN_FRAME = re.compile(r"/shim/(src|include)/|(kinds|features|threads_probe|memory_probe|planted)"
                       r"\.(c\b|cpython)|extshim_|ExtShim_")
REPORTS = {
    "address": re.compile(r"==\d+==ERROR: AddressSanitizer.*?(?===\d+==ABORTING|\Z)", re.S),
    "undefined": re.compile(r"^[^\n]*runtime error:.*?(?=^[^\n]*runtime error:|\Z)", re.S | re.M),
    "thread": re.compile(r"^WARNING: ThreadSanitizer:.*?^SUMMARY:[^\n]*", re.S | re.M),
    "valgrind": re.compile(r"^==\d+== [A-Z](?:(?!^==\d+== \n).)*?^==\d+== $", re.S | re.M),
}
QUIET_CODES = {"thread": (0, 66)}
# Where TSan has forgotten a stack, no frame of ours can stand in it: then the memory has to be a
# variable of the interpreter itself, or the report counts as ours. CPython 3.13t has such races
# of its own: interpreters that start at once write the same static types and structseq tables.
FORGOTTEN = "failed to restore the stack"
INTERPRETER_MEMORY = re.compile(r"Location is global '[^']*' of size \d+ at \S+ \(python3")


def source_built():
    for python in pythons((3, 13), crashy=False):
        if python.minor == (3, 13) and python.build == "gil":
            return python
    raise Skip("no 3.13 that tools/pythons built from source")


def module_folders(python, names, flags, compiler="gcc"):
    extra = {"memory_probe": ["-DEXTSHIM_TEST_ALLOCATIONS"]}
    return [build(python, name, [f"{name}.c"], CLAIMS + flags + extra.get(name, []), compiler)
            for name in names]


def runtime(name):
    done = subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True,
                          timeout=60)
    path = done.stdout.strip()
    if not os.path.isabs(path):
        raise Skip(f"gcc has no {name}")
    return path


def is_ours(report):
    """A frame, a variable or a thread of ours anywhere in the report, or nobody can tell."""
    return bool(OWN_FRAME.search(report)
                or FORGOTTEN in report and not INTERPRETER_MEMORY.search(report))


def run_watched(command, folders, env, timeout, tool):
    """Runs and returns the reports in which a frame of ours stands."""
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", PYTHONMALLOC="malloc",
                       PYTHONPATH=os.pathsep.join([*map(str, folders), str(CHILD)]))
    environment.update(env)
    if environment["PYTHONMALLOC"] == "default":
        del environment["PYTHONMALLOC"]
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True,
                              errors="replace", env=environment, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise Failure(f"no end after {timeout} s") from None
    reports = REPORTS[tool].findall(done.stderr)
    ours = [report for report in reports if is_ours(report)]
    if ours:
        raise Failure(f"{len(ours)} reports of ours, the first:\n{ours[0][:3000]}")
    if done.returncode not in QUIET_CODES.get(tool, (0,)):
        raise Failure(f"exit code {done.returncode}: {done.stdout[-500:]}{done.stderr[-2500:]}")
    if not done.stdout.strip():
        raise Failure(f"the child has said nothing: {done.stderr[-1000:]}")
    return f"{done.stdout.strip().splitlines()[-1]}; {len(reports)} reports without a frame of ours"


def sanitized(tool, name, long):
    script, modules, short_arguments, long_arguments = RUNS[name]
    python = cached_python("3.13t-tsan", "python3.13t") if tool == "thread" else source_built()
    flags = [f"-fsanitize={tool}", "-fno-omit-frame-pointer"]
    env = {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0",
           "UBSAN_OPTIONS": "print_stacktrace=1", "TSAN_OPTIONS": "halt_on_error=0:history_size=4"}
    if tool == "address":
        env["LD_PRELOAD"] = runtime("libasan.so")
    if tool == "thread":
        source = tsan_suppressions()
        if source:
            env["TSAN_OPTIONS"] += f":suppressions={source}"
        env.update({"PYTHON_GIL": "0", "PYTHONMALLOC": "default"})
    folders = module_folders(python, modules, flags)
    arguments = long_arguments if long else short_arguments
    return run_watched([python.path, CHILD / script, *arguments], folders, env,
                       3000 if long else 300, tool)


def source_tree():
    done = subprocess.run([str(ROOT / "tools" / "pythons"), "source", "3.13"], capture_output=True,
                          text=True, timeout=600)
    return done.stdout.strip()


def tsan_suppressions():
    """CPython's own list for free-threaded builds, where the source tree has it."""
    path = os.path.join(source_tree(), "Tools", "tsan", "suppressions_free_threading.txt")
    return path if os.path.exists(path) else None


def valgrind(name, long):
    if shutil.which("valgrind") is None:
        raise Skip("valgrind is not installed")
    script, modules, arguments, _ = RUNS[name]
    python = source_built()
    suppressions = os.path.join(source_tree(), "Misc", "valgrind-python.supp")
    if not os.path.exists(suppressions):
        raise Skip("no source tree with CPython's suppressions")
    command = ["valgrind", "--quiet", f"--suppressions={suppressions}", "--num-callers=24",
               "--error-limit=no", "--leak-check=no", python.path, CHILD / script, *arguments]
    return run_watched(command, module_folders(python, modules, []), {},
                       3000 if long else 400, "valgrind")


def must_report(function, *arguments):
    try:
        said = function(*arguments)
    except Failure as report:
        if "reports of ours" in str(report):
            return "reported"
        raise
    raise Failure(f"not reported: {said}")


def main():
    tally = Tally(__doc__)
    long = tally.options.long
    real = [name for name in RUNS if not name.startswith("planted")]
    for tool, fault in (("address", "overrun"), ("undefined", "overflow"), ("thread", "race")):
        tally.add(f"{tool}: planted {fault}", must_report, sanitized, tool, f"planted {fault}", long)
    tally.add("valgrind: planted overrun", must_report, valgrind, "planted overrun", long)
    for tool in ("address", "undefined"):
        for name in real:
            tally.add(f"{tool}: {name}", sanitized, tool, name, long)
    for name in ("features", "in parallel", "threads", "own memory fails"):
        tally.add(f"thread: {name}", sanitized, "thread", name, long)
    for name in real if long else ("features", "own memory fails"):
        tally.add(f"valgrind: {name}", valgrind, name, long)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
