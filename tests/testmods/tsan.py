"""Runs test modules in threads under ThreadSanitizer, with an interpreter that is built for it.

A bad half that promises races must be reported in its own code, a good half must not be. Reports
about the interpreter's own code are left aside. Exit code 77 (skipped) without such an interpreter.
"""

import argparse
import concurrent.futures
import re
import sys

import build
import modinfo
import run

SPEC = "3.13t-tsan"
SKIPPED = 77
REPORT = re.compile(r"^WARNING: ThreadSanitizer: data race.*?^SUMMARY:.*?$", re.S | re.M)
STACK = re.compile(r"^  (?:Previous )?(?:[Aa]tomic )?(?:[Ww]rite|[Rr]ead) of size.*?(?=^$)",
                   re.S | re.M)
ROUNDS = 100
# Racing threads crawl here; what was reported until then counts.
TIME_LIMIT = 20


class Compiler(build.Compiler):
    extra = ["-fsanitize=thread"]


def own_races(text, module):
    """Reports in which an access was made by the module itself, not by Python on its behalf."""
    found = []
    for report in REPORT.findall(text):
        for stack in STACK.findall(report + "\n\n"):
            frames = [line for line in stack.splitlines() if line.lstrip().startswith("#")]
            callers = [line for line in frames if "libtsan" not in line]
            if callers and f"({module.name}." in callers[0]:
                found.append(report.splitlines()[-1].partition("data race ")[2])
                break
    return found


def describe(code, out, err):
    return run.describe(code, out, err if code is None else "")


def use_often(module):
    body = "".join("    " + line + "\n" for line in run.read_use(module).strip().splitlines())
    return f"for _ in range({ROUNDS}):\n{body}"


def check(module, python, compiler):
    """(status, text) for one module."""
    folder, problem = build.build(module, python, compiler)
    if folder is None:
        return "failed", problem
    arguments = [str(run.CHILD / "importer.py"), module.name, "free-threaded", use_often(module)]
    for _ in range(2 * run.TRIES if module.half == "bad" else 1):
        code, out, err = run.run_child(module, python, folder, arguments, True, TIME_LIMIT)
        races = own_races(err, module)
        if module.half == "good":
            # 66 is what the sanitizer makes of 0 when it has reported anything at all.
            quiet = code in (0, 66) and out == "ok" and not races
            return "passed" if quiet else "failed", "; ".join(races) or describe(code, out, err)
        if races:
            return "passed", races[0]
    return "failed", "no data race was reported: " + describe(code, out, err)


def promises_races(module):
    if module.half == "good":
        return True
    kind, text = module.free_threaded.kind, module.free_threaded.text
    return kind == "races" or kind == "fails" and not text.startswith("SIG")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="*", help="only modules whose name contains this")
    parser.add_argument("--python", help=f"instead of the cached {SPEC}")
    parser.add_argument("--all", action="store_true", help="bad halves that promise nothing, too")
    options = parser.parse_args()
    cached = build.cache_root() / "pythons" / SPEC / "bin" / "python3.13t"
    path = options.python or str(cached)
    if not options.python and not cached.exists():
        print(f"0 passed, 0 failed, 1 skipped: run 'tools/pythons ensure {SPEC}' first")
        return SKIPPED
    python, compiler = build.Python(path), Compiler()
    modules = [module for module in run.select(modinfo.load_all(), options.name)
               if options.all or promises_races(module)]
    counts = {"passed": 0, "failed": 0}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(check, module, python, compiler) for module in modules]
        for module, job in zip(modules, jobs):
            status, text = job.result()
            counts[status] += 1
            print(f"{status:8} {module.name:24} {text}", flush=True)
    print(f"{counts['passed']} passed, {counts['failed']} failed, 0 skipped")
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
