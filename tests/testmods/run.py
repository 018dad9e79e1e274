"""Builds every test module for every interpreter, imports it every way, and runs its exercise.

The bad half of a pair must show its harm and the good half must not. Exit code 0 when all passed.
"""

import argparse
import ast
import collections
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import time

import build
import modinfo

CHILD = pathlib.Path(__file__).resolve().parent / "child"
TIME_LIMIT = 60
# A race may miss its window; a bad half gets this many tries, a good half gets one.
TRIES = 6
# Without one of these a run is incomplete, and says so.
EXPECTED = ("3.13", "3.13t", "3.14", "3.15")

Result = collections.namedtuple("Result", "module python mode status text")


def run_child(module, python, folder, arguments, no_gil, time_limit=TIME_LIMIT):
    """(exit code or None on time out, standard output, standard error) of one child process."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    env["PYTHONPATH"] = os.pathsep.join([str(folder), str(CHILD)])
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    env["TESTMOD_NAME"] = module.name
    if no_gil:
        env["PYTHON_GIL"] = "0"
    try:
        done = subprocess.run([python.path, "-s", *arguments], env=env, capture_output=True,
                              text=True, errors="replace", timeout=time_limit)
    except subprocess.TimeoutExpired as late:
        said = late.stderr or b""
        said = said if isinstance(said, str) else said.decode(errors="replace")
        return None, "", f"{said}\nno end within {time_limit} s"
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def last_line(text):
    lines = text.splitlines()
    return lines[-1] if lines else ""


def describe(code, out, err):
    if code is None:
        return last_line(err)
    if code < 0:
        return f"killed by signal {-code}: {last_line(err)}"
    return last_line(out) or last_line(err) or f"exit code {code}"


def read_use(module):
    """The USE string of exercise.py, taken without running it."""
    tree = ast.parse(module.exercise().read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "USE":
            return ast.literal_eval(node.value)
    raise modinfo.HeaderError(f"{module.exercise()}: no USE = \"...\"")


def check_import(module, python, folder, mode, outcome):
    arguments = [str(CHILD / "importer.py"), module.name, mode, read_use(module)]
    code, out, err = run_child(module, python, folder, arguments, mode == "free-threaded")
    text = describe(code, out, err)
    if outcome.kind == "ok":
        good = code == 0 and out == "ok"
    else:
        good = code == 0 and out.startswith("failed: ImportError") and outcome.text in out
        text += "" if good else f" (wanted an ImportError with: {outcome.text})"
    return Result(module, python, "import " + mode, "passed" if good else "failed", text)


def check_exercise(module, python, folder, context):
    mode = "exercise " + context
    tries = TRIES if module.half == "bad" else 1
    wanted = module.free_threaded.text if context == "free-threaded" else ""
    for attempt in range(1, tries + 1):
        code, out, err = run_child(module, python, folder, [str(module.exercise()), context],
                                   context == "free-threaded")
        text = describe(code, out, err)
        harmed = code == 0 and last_line(out).startswith("harm: ") and wanted in out
        unharmed = code == 1 and last_line(out) == "no harm"
        if module.half == "good":
            return Result(module, python, mode, "passed" if unharmed else "failed", text)
        if harmed:
            text += f" (try {attempt})" if attempt > 1 else ""
            return Result(module, python, mode, "passed", text)
        if not unharmed:
            break
    return Result(module, python, mode, "failed", text)


def import_reason(python, mode, outcome):
    """Why this way of importing is not tried, or None."""
    if outcome.kind == "undefined":
        return f"the header says undefined for {mode}"
    if mode == "own-gil" and python.minor < (3, 12):
        return "own-GIL interpreters need 3.12"
    if outcome.gil_only and python.build != "gil":
        return f"the header speaks of {mode} on GIL builds only"
    return None


def plan_imports(module, python):
    ways = [("main", module.main), ("twice", module.twice), ("own-gil", module.own_gil),
            ("shared-gil", module.shared_gil)]
    # On a free-threaded build, `fails` speaks of the exercise; a race has no say in an import.
    if python.build == "free-threaded" and module.free_threaded.kind == "ok":
        ways.append(("free-threaded", module.free_threaded))
    for mode, outcome in ways:
        yield mode, outcome, import_reason(python, mode, outcome)


def plan_exercises(module, python, bad):
    """Both halves are exercised in the contexts in which the bad half's header promises harm."""
    for context in bad.contexts:
        if context.name == "free-threaded":
            continue  # the free-threaded key decides, below
        if context.name == "own-gil" and python.minor < (3, 12):
            yield context.name, "own-GIL interpreters need 3.12"
        elif not context.applies(python):
            yield context.name, f"the header promises the harm on ({context.only}) only"
        else:
            yield context.name, None
    if python.build == "free-threaded" and bad.free_threaded.kind == "fails":
        yield "free-threaded", None


def check_module(module, python, compiler, bad):
    """All results for one module on one interpreter."""
    if python.minor < module.python:
        needs = ".".join(map(str, module.python))
        return [Result(module, python, "build", "skipped", f"{module.name} needs {needs}")]
    folder, problem = build.build(module, python, compiler)
    if folder is None:
        return [Result(module, python, "build", "failed", problem)]
    results = [Result(module, python, "build", "passed", "ok")]
    if not python.runs:
        reason = f"{python.label} is a compile target only"
        return results + [Result(module, python, "import main", "skipped", reason)]
    for mode, outcome, reason in plan_imports(module, python):
        if reason:
            results.append(Result(module, python, "import " + mode, "skipped", reason))
        else:
            results.append(check_import(module, python, folder, mode, outcome))
    for context, reason in plan_exercises(module, python, bad):
        if reason:
            results.append(Result(module, python, "exercise " + context, "skipped", reason))
        else:
            results.append(check_exercise(module, python, folder, context))
    return results


def select(modules, patterns):
    if not patterns:
        return modules
    return [module for module in modules if any(text in module.name for text in patterns)]


def report(result, quiet):
    if quiet and result.status != "failed":
        return
    print(f"{result.status:8} {result.module.name:24} {result.python.label:8} "
          f"{result.mode:24} {result.text}", flush=True)


def summarise(results, absent, seconds):
    counts = collections.Counter(result.status for result in results)
    counts["skipped"] += len(absent)
    for version in absent:
        print(f"skipped every module on {version}: tools/pythons ensure {version} provides it")
    for reason, number in sorted(collections.Counter(
            result.text for result in results if result.status == "skipped").items()):
        print(f"skipped {number:4} x {reason}")
    for result in results:
        if result.status == "failed":
            report(result, False)
    print(f"Ran in {seconds:.0f} s")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or not counts["passed"] else 0


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pattern", nargs="*", help="only modules whose name contains this")
    parser.add_argument("--python", action="append", default=[], metavar="PATH",
                        help="this interpreter instead of those of tools/pythons (repeatable)")
    parser.add_argument("--require", action="append", default=[], metavar="VERSION",
                        help="fail when no runnable 3.13, 3.13t, ... is there (repeatable)")
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--cxx", default="g++")
    parser.add_argument("-j", "--jobs", type=int, default=2)
    parser.add_argument("-q", "--quiet", action="store_true", help="print failures only")
    return parser.parse_args()


def missing(required, pythons):
    have = {".".join(map(str, python.minor)) + ("t" if python.build == "free-threaded" else "")
            for python in pythons if python.runs}
    return [version for version in required if version not in have]


def main():
    options = parse_options()
    start = time.monotonic()
    modules = modinfo.load_all()
    halves = {module.name: module for module in modules}
    pythons, problems = build.interpreters(options.python)
    for problem in problems:
        print("testmods: left out", problem, file=sys.stderr)
    lacking = missing(options.require, pythons)
    chosen = select(modules, options.pattern)
    if not pythons or not chosen or lacking:
        sys.exit("testmods: " + ("no interpreter " + ", ".join(lacking) if lacking else
                                 "no interpreter" if not pythons else "no module by that name"))
    compiler = build.Compiler(options.cc, options.cxx)
    results = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(check_module, module, python, compiler, halves[module.pair + "_bad"])
                for module in chosen for python in pythons]
        for job in concurrent.futures.as_completed(jobs):
            for result in job.result():
                results.append(result)
                report(result, options.quiet)
    absent = [] if options.python else missing(EXPECTED, pythons)
    return summarise(results, absent, time.monotonic() - start)


if __name__ == "__main__":
    sys.exit(main())
