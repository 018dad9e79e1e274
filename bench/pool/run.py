#!/usr/bin/env python3
"""Compares extpool with the standard library's pools: interleaved rounds, medians, ratios.

  bench/pool/run.py [--python 3.14 --python 3.15] [--rounds 9] [--output DIR] [--case NAME]

Byte code is cached for all rivals (PYTHONPYCACHEPREFIX, no PYTHONDONTWRITEBYTECODE); without that
every new interpreter would compile the standard library again and the comparison would flatter
extpool. DIR gets results.json and results.md; docs/pool-*.svg are drawn from results.json by plot.py.
Exit code 1 when a target is missed.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "pool" / "tests"))
import pooltest  # noqa: E402

# How many times faster than InterpreterPoolExecutor it has to be (or smaller, for memory).
TARGETS = {
    "two workers ready": 4, "trivial tasks": 40, "round trip": 15, "chunked map": 200,
    "asyncio": 5, "as_completed": 10, "dict of 10k ints": 3,
    "dict of 10k ints, one key each": 3, "2,000 records, there and back": 4,
    "1,000 datetimes, there and back": 1.8, "10 MB bytes": 1.5, "10 MB memoryview": 40,
    "four heavy tasks": 0.95,
}
MEMORY_TARGET = 0.55


def child(python, folder, *options):
    env = pooltest.environment(folder, PYTHONPATH=f"{folder}{os.pathsep}{HERE}")
    done = subprocess.run([python, HERE / "measure.py", *options], env=env, check=True,
                          stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def memory(python, folder, rounds):
    """Median kB per worker, each figure from a process of its own."""
    return {name: statistics.median(child(python, folder, "--memory", name)
                                    for _ in range(min(rounds, 5)))
            for name in ("extpool", "interpreters")}


def measure(version, options):
    python = pooltest.interpreters()[version]
    folder = pooltest.built(version, python)
    cases = [word for case in options.case for word in ("--case", case)]
    child(python, folder, "--rounds", "1", "--case", "two workers ready")  # fills the cache
    result = child(python, folder, "--rounds", str(options.rounds), *cases)
    unknown = [case for case in options.case if case not in result["seconds"]]
    if unknown:
        print(f"bench/pool: no case named {', '.join(unknown)}", file=sys.stderr)
        sys.exit(2)
    if not options.case and version not in ("3.13", "3.13t"):
        result["memory"] = memory(python, folder, options.rounds)
    return result


def ratio(rounds):
    """Median over the rounds of rival / extpool, of figures taken next to each other."""
    return statistics.median(rival / own for rival, own in zip(*rounds))


def unit(seconds):
    for factor, name in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        if seconds * factor >= 1 or name == "us":
            return f"{seconds * factor:.3g} {name}"
    return ""


def table(result):
    """Markdown lines and the names of missed targets."""
    pools = list(next(iter(result["seconds"].values())))
    lines = [f"### Python {result['version']}", "",
             "| | " + " | ".join(pools) + " | ratio | target |", "|---" * (len(pools) + 3) + "|"]
    missed = []
    for case, figures in result["seconds"].items():
        cells = [unit(statistics.median(figures[pool])) if figures[pool] else "–"
                 for pool in pools]
        target = TARGETS.get(case)
        value = (ratio((figures["interpreters"], figures["extpool"]))
                 if "interpreters" in figures else None)
        if value and target and value < target:
            missed.append(f"{result['version']}: {case}: {value:.2f} instead of {target}")
        lines.append(f"| {case} | " + " | ".join(cells)
                     + f" | {f'{value:.1f}' if value else '–'} | {target or '–'} |")
    if "memory" in result:
        own, rival = result["memory"]["extpool"], result["memory"]["interpreters"]
        if own / rival > MEMORY_TARGET:
            missed.append(f"{result['version']}: memory: {own / rival:.2f} of the rival's")
        lines.append(f"| private memory per worker (8), kB | {own:.0f} | {rival:.0f} | – | – | "
                     f"{own / rival:.2f} | at most {MEMORY_TARGET} |")
    return lines, missed


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", help="3.13, 3.13t, 3.14 or 3.15")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--case", action="append", default=[], help="only this case")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build" / "bench-pool")
    options = parser.parse_args()
    results, text, missed = [], [], []
    for version in options.python or ["3.14", "3.15"]:
        results.append(measure(version, options))
        lines, short = table(results[-1])
        print("\n".join(lines), "\n", flush=True)
        text += [*lines, ""]
        missed += short
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "results.json").write_text(json.dumps(results), encoding="utf-8")
    (options.output / "results.md").write_text("\n".join(text), encoding="utf-8")
    for line in missed:
        print("missed:", line, file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
