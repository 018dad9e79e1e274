"""Ports packages nobody here wrote, in a scratch folder, and proves that the ports hold.

port.py --extcheck PROGRAM [PACKAGE...]: fetches the source archive of a package (nothing of it is
kept in this repository), applies tests/port/PACKAGE/edits.txt, builds the plain and the ported
sources, and for each interpreter runs the package's own tests, 30 interpreters with their own GIL
under stress, and interleaved timings. The checker's verdict for own-gil must go from not-ready to
ready. Exit code 0, 1 when something does not hold, 77 when a download failed (said by name).
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading

from package import (HERE, Package, PortError, Unavailable, cache_dir, names, shim_sources,
                     testmods_build, tools)

WANTED = {(3, 13): False, (3, 14): True, (3, 15): True}  # version -> must it be there
ROUNDS = 9
SERIES = 4  # of so many rounds, at most
THREADS, INTERPRETERS = 3, 30
CHILD = HERE / "child"


def say(text):
    print(text, flush=True)


def run(python, arguments, path, cwd, timeout=900):
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    env.update(PYTHONPATH=os.pathsep.join(map(str, [*path, CHILD])), PYTHONDONTWRITEBYTECODE="1",
               PYTHONFAULTHANDLER="1")
    try:
        return subprocess.run([python.path, "-s", *map(str, arguments)], env=env, cwd=cwd,
                              capture_output=True, text=True, errors="replace", timeout=timeout)
    except subprocess.TimeoutExpired:
        raise PortError(f"{python.label}: still running after {timeout} s: {arguments}") from None


def tail(done):
    return (done.stdout + done.stderr)[-3000:]


def both(function, *arguments):
    """[function(*each)], two at a time."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda each: function(*each), arguments))


def run_tests(package, python, kind, tree):
    """(exit code, passed, skipped) of the package's own tests, and the end of what they said. What
    the plain build passes is kept: nothing of ours is in it."""
    path = tools(package.needs)
    asked = hashlib.sha256(" ".join([package.sha256, package.tests, *package.pytest, path.name,
                                     package.built[python.label, "plain"]]).encode()).hexdigest()
    kept = cache_dir() / f"plain-tests-{python.label}-{asked[:24]}.json"
    if kind == "plain" and kept.exists():
        return tuple(json.loads(kept.read_text())), ""
    done = run(python, ["-m", "pytest", "-q", "-p", "no:cacheprovider", *package.pytest,
                        package.tests], [package.import_path(tree), path], tree)
    found = dict((word, int(number)) for number, word in
                 re.findall(r"(\d+) (passed|failed|error|errors|skipped)", done.stdout))
    counts = (done.returncode, found.get("passed", 0), found.get("skipped", 0))
    if kind == "plain" and done.returncode == 0:
        scratch = kept.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        scratch.write_text(json.dumps(counts))
        scratch.rename(kept)
    return counts, tail(done)


def check_tests(package, pythons, trees):
    """The package's own tests, with the plain build as the measure of what can pass here."""
    jobs = [(package, python, kind, tree) for python in pythons for kind, tree in trees.items()]
    counts = {}
    for (_, python, kind, _), (found, text) in zip(jobs, both(run_tests, *jobs)):
        if found[0] != 0:
            raise PortError(f"{python.label}: the tests of the {kind} build fail:\n{text}")
        counts[python.label, kind] = found
    for python in pythons:
        plain, ported = (counts[python.label, kind] for kind in trees)
        if plain != ported or not ported[1]:
            raise PortError(f"{python.label}: plain and ported differ: {plain}, {ported}")
        say(f"  tests   {python.label}: {ported[1]} passed, {ported[2]} skipped, as the plain build")


def control(python):
    return run(python, [CHILD / "stress.py", CHILD / "control", THREADS, INTERPRETERS], [], CHILD)


def check_stress(package, python, trees):
    """Where the standard library alone may crash, that is tried first, elsewhere after a failure."""
    if not WANTED[python.minor]:
        alone = control(python)
        if alone.returncode != 0:
            say(f"  stress  {python.label}: skipped, the standard library alone fails it "
                f"(exit code {alone.returncode})")
            return
    for kind, tree in trees.items():
        done = run(python, ["-c", "import workload; workload.exercise()"],
                   [package.import_path(tree), package.folder], package.folder)
        if done.returncode != 0:
            raise PortError(f"{python.label}: the workload fails in the {kind} build:\n{tail(done)}")
    arguments = [CHILD / "stress.py", package.folder, THREADS, INTERPRETERS]
    plain = run(python, [*arguments[:-1], THREADS], [package.import_path(trees["plain"])],
                package.folder)
    if plain.returncode == 0 or "does not support loading in subinterpreters" not in plain.stdout:
        raise PortError(f"{python.label}: the plain build is not refused:\n{tail(plain)}")
    done = run(python, arguments, [package.import_path(trees["ported"])], package.folder)
    if done.returncode != 0:
        raise PortError(f"{python.label}: stress exited {done.returncode} (with the standard library "
                        f"alone {control(python).returncode}):\n{tail(done)}")
    say(f"  stress  {python.label}: {done.stdout.strip()}, {THREADS} threads (the plain build is refused)")


def time_once(package, python, tree):
    done = run(python, [CHILD / "rounds.py", package.folder], [package.import_path(tree)],
               package.folder)
    if done.returncode != 0:
        raise PortError(f"{python.label}: timing failed:\n{tail(done)}")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {name: float(ns) for ns, name in rows}


def measure(package, python, trees, rounds, ratios):
    """More rounds for the ratios ported / plain of each case; both builds run in each, in turn."""
    for number in range(rounds):
        order = ("plain", "ported") if number % 2 == 0 else ("ported", "plain")
        found = {kind: time_once(package, python, trees[kind]) for kind in order}
        for name, plain in found["plain"].items():
            ratios.setdefault(name, []).append(found["ported"][name] / plain)
    return {name: statistics.median(found) for name, found in ratios.items()}


def check_timing(package, python, trees, rounds):
    """The median of the cases. A neighbour on the machine that comes and goes with the turns can
    spoil a series; so a result above the limit is measured on, all rounds counting, and what is
    really slower stays above it."""
    ratios = {}
    taken = 0
    for _ in range(SERIES):
        medians = measure(package, python, trees, rounds, ratios)
        taken += rounds
        if statistics.median(medians.values()) <= package.limit:
            break
    worst = max(medians, key=medians.get)
    overall = statistics.median(medians.values())
    say(f"  timing  {python.label}: {overall:.3f} x (median of {len(medians)} cases, {taken} "
        f"rounds), worst {medians[worst]:.3f} x ({worst})")
    for name, median in sorted(medians.items(), key=lambda item: item[1]):
        say(f"            {median:.3f}  {name}")
    if overall > package.limit:
        raise PortError(f"{python.label}: {overall:.3f} times as slow, at most {package.limit} is "
                        "allowed")


def verdicts(options, package, tree, python, ported):
    """{module: (verdict, findings)} for own-gil; no settings file is read."""
    found = {}
    for module, (sources, flags) in package.modules.items():
        files = [tree / source for source in sources] + (shim_sources() if ported else [])
        done = subprocess.run(
            [options.extcheck, "--isolated", "--target", "own-gil", "--format", "json",
             "--exit-zero", "--python", python.path, *map(str, files), "--",
             *package.flags(flags, tree, ported)],
            capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise PortError(f"extcheck exited {done.returncode}: {done.stderr}")
        report = json.loads(done.stdout)
        entries = [entry for entry in report["modules"]
                   if entry["name"] == module.rpartition(".")[2]]
        if len(entries) != 1:
            raise PortError(f"no verdict on {module}: {[e['name'] for e in report['modules']]}")
        if any(finding.get("suppression") for finding in report["findings"]):
            raise PortError(f"{module}: a finding is suppressed")
        levels = [finding.get("severities", {}).get("own-gil") for finding in report["findings"]]
        found[module] = (entries[0]["verdicts"]["own-gil"]["verdict"], levels.count("blocker"),
                         levels.count("hazard"), done.stdout)
    return found


def check_verdicts(options, package, trees, pythons):
    for python in pythons:
        before = verdicts(options, package, trees["plain"], python, False)
        after = verdicts(options, package, trees["ported"], python, True)
        for module in package.modules:
            was, blockers, hazards, _ = before[module]
            now, left, left_hazards, report = after[module]
            say(f"  verdict {python.label}: {module} {was} ({blockers} blockers, {hazards} hazards)"
                f" -> {now} ({left} blockers, {left_hazards} hazards)")
            if was != "not-ready" or now != "ready":
                raise PortError(f"{module}: wanted not-ready -> ready\n{report}")


def interpreters(wanted):
    found, problems = testmods_build.interpreters()
    chosen = [python for python in found if python.build == "gil" and python.runs
              and python.minor in WANTED and (not wanted or python.label in wanted
                                              or ".".join(map(str, python.minor)) in wanted)]
    for version, needed in WANTED.items():
        if not any(python.minor == version for python in chosen) and not wanted:
            say(f"  skipped {'.'.join(map(str, version))}: no such interpreter that can run this"
                + (" (tools/pythons ensure provides it)" if needed else ""))
    if not chosen:
        raise Unavailable("no interpreter: " + "; ".join(problems))
    return chosen


def port(options, name):
    package = Package(name)
    pythons = interpreters(options.python)
    with tempfile.TemporaryDirectory(prefix="extshim-port-") as scratch:
        work = pathlib.Path(options.keep or scratch)
        plain, ported, counts = package.trees(work)
        trees = {"plain": plain, "ported": ported}
        say(f"{package.name} {package.version}: {sum(counts.values())} edits: {counts['declared']} "
            f"types declared, {counts['used']} uses of types by pattern, {counts['manual']} by hand")
        check_verdicts(options, package, trees, pythons)
        both(package.build, *((tree, python, tree is ported)
                              for python in pythons for tree in (plain, ported)))
        if "tests" not in options.skip:
            check_tests(package, pythons, trees)
        for python in pythons:
            if "stress" not in options.skip:
                check_stress(package, python, trees)
            if "timing" not in options.skip:
                check_timing(package, python, trees, options.rounds)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", nargs="*", help=f"default: all of {', '.join(names())}")
    parser.add_argument("--extcheck", required=True, metavar="PROGRAM")
    parser.add_argument("--python", action="append", default=[], help="3.14, ... (repeatable)")
    parser.add_argument("--skip", action="append", default=[],
                        choices=("tests", "stress", "timing"))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--keep", metavar="DIR", help="work in this empty folder and keep it")
    options = parser.parse_args()
    code = 0
    for name in options.package or names():
        try:
            port(options, name)
        except Unavailable as error:
            say(f"skipped {name}: {error}")
            code = code or 77
        except PortError as error:
            say(f"FAILED {name}: {error}")
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
