"""Runs extcheck on every test module and compares its findings with the expect: markers.

analyse.py EXTCHECK [NAME...]: exit code 0 when every module agrees in both directions.
"""

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys

import build
import modinfo

TARGETS = ("own-gil", "shared-gil", "free-threaded", "reload")
MUST_BE_READY = ("own-gil", "free-threaded")
COUNTED = ("hazard", "blocker")


class Disagreement(Exception):
    """The report cannot be compared at all."""


def run_checker(checker, python, module):
    command = [checker, "--format", "json", "--target", ",".join(TARGETS)]
    command += ["--python", python] if python else []
    files = [str(module.source), *map(str, module.helpers())]
    flags = ["--", *module.flags()] if module.flags() else []
    done = subprocess.run(command + files + flags, capture_output=True, text=True,
                          errors="replace", timeout=300)
    if done.returncode not in (0, 1):
        said = done.stderr.strip().partition("\n")[0]
        raise Disagreement(f"extcheck exited {done.returncode}: {said}")
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise Disagreement(f"no JSON on standard output: {error}") from None


def worst_severity(finding):
    """Of the targets that were asked for: a finding about port alone does not count."""
    severities = finding.get("severities")
    if severities is None:
        return finding["severity"]
    found = [severities.get(target) for target in TARGETS]
    return next((level for level in reversed(COUNTED) if level in found), "advice")


def counted_findings(report, module):
    """{(rule, line)} at hazard or above in the module's own file."""
    found = set()
    for finding in report["findings"]:
        if finding.get("suppression") or worst_severity(finding) not in COUNTED:
            continue
        if os.path.basename(finding["file"]) != module.source.name:
            raise Disagreement(f"{finding['rule']} is reported in {finding['file']}")
        found.add((finding["rule"], finding["line"]))
    return found


def read_verdicts(report, module):
    entries = [entry for entry in report["modules"] if entry["name"] == module.name]
    if len(entries) != 1:
        names = ", ".join(entry["name"] for entry in report["modules"]) or "none"
        raise Disagreement(f"one verdict wanted for {module.name}; the report has: {names}")
    return {target: entries[0]["verdicts"][target]["verdict"] for target in TARGETS}


def broken_targets(report, module):
    """The targets for which the hazard that the header names is a hazard or a blocker."""
    return {target for finding in report["findings"] if finding["rule"] == module.hazard
            for target, level in finding.get("severities", {}).items()
            if target in TARGETS and level in COUNTED}


def compare(report, module):
    """List of differences between a report and what the module says of itself."""
    wanted = module.markers()
    found = counted_findings(report, module)
    lines = module.text.splitlines()
    problems = [f"line {line}: {rule} is missing: {lines[line - 1].strip()}"
                for rule, line in sorted(wanted - found, key=lambda pair: pair[1])]
    todo = module.todo_markers()
    problems += [f"line {line}: {rule} is unexpected"
                 for rule, line in sorted(found - wanted - todo, key=lambda pair: pair[1])]
    problems += [f"line {line}: {rule} is reported now: make it 'expect: {rule}'"
                 for rule, line in sorted(found & todo, key=lambda pair: pair[1])]
    verdicts = read_verdicts(report, module)
    if module.half == "good":
        problems += [f"{target} is {verdicts[target]}, wanted ready"
                     for target in MUST_BE_READY if verdicts[target] != "ready"]
        return problems
    if module.hazard in {rule for rule, _ in todo}:
        return problems  # nothing can be asked of a verdict whose reason is not seen
    broken = broken_targets(report, module)
    if not broken:
        problems.append(f"no target at which {module.hazard} is a hazard or a blocker")
    problems += [f"{target} is ready in spite of {module.hazard}"
                 for target in sorted(broken) if verdicts[target] == "ready"]
    return problems


def check(checker, python, module):
    try:
        return compare(run_checker(checker, python, module), module)
    except Disagreement as problem:
        return [str(problem)]
    except (KeyError, TypeError, AttributeError) as error:
        return [f"the report lacks a field: {type(error).__name__} {error}"]
    except (OSError, subprocess.SubprocessError) as error:
        return [f"extcheck could not be run: {error}"]


def newest_gil_python():
    pythons, _ = build.interpreters()
    found = [python for python in pythons if python.build == "gil" and python.minor >= (3, 13)]
    if not found:
        sys.exit("analyse: no Python 3.13 or newer with headers; see tools/pythons")
    return found[-1].path


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extcheck")
    parser.add_argument("name", nargs="*", help="only modules whose name contains this")
    parser.add_argument("--python", help="headers of this interpreter; else the newest GIL one")
    parser.add_argument("-j", "--jobs", type=int, default=2)
    options = parser.parse_args()
    python = options.python or newest_gil_python()
    modules = [module for module in modinfo.load_all()
               if not options.name or any(text in module.name for text in options.name)]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(check, options.extcheck, python, module) for module in modules]
        for module, job in zip(modules, jobs):
            problems = job.result()
            failed += bool(problems)
            print(f"{'failed' if problems else 'passed':8} {module.name}")
            for problem in problems:
                print(f"         {module.source.name}: {problem}")
    print(f"{len(modules) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not modules else 0


if __name__ == "__main__":
    sys.exit(main())
