#!/usr/bin/env python3
"""Builds the fuzz targets with clang's libFuzzer and the sanitizers, and runs each for a while.

Seeds are made from the bundled modules. EXTCHECK_FUZZ_SECONDS is the time for each target (60).
Inputs that break something stay in BUILD/found, and their names are printed.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXTCHECK = os.environ.get("EXTCHECK") or str(ROOT / "build/dev/extcheck")
SECONDS = int(os.environ.get("EXTCHECK_FUZZ_SECONDS") or 60)
TARGETS = ("baseline", "binary", "database", "facts", "lexer", "verdict")
LONGEST = {"binary": 200_000, "facts": 60_000}  # bytes of a seed


def run(command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False, **more)
    if done.returncode != 0:
        sys.exit(f"{done.stdout[-8000:]}\nfailed: {' '.join(map(str, command))}")
    return done.stdout


def build(folder):
    run(["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_C_COMPILER=clang-14",
         "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS=-O1", "-DEXTCHECK_FUZZ=ON",
         "-DEXTCHECK_SANITIZE=address,undefined,fuzzer-no-link"])
    run(["cmake", "--build", folder, "-j", "2", "--target", *(f"fuzz_{t}" for t in TARGETS)])


def seed_verdicts(folder):
    """Without checksums: the target adds them."""
    verdict = {"verdict": "not-ready", "reason": "1 blocker", "rule": "GLB07", "file": "spam.c",
               "line": 3}
    module = {"module": "spam", "python": "3.14",
              "verdicts": {"own-gil": verdict, "free-threaded": {"verdict": "ready"}},
              "fixed": {"own-gil": False, "gil-not-used": True}, "sources": [["spam.c", "00"]]}
    common = {"format": 1, "checker": "0.1.0", "rules": "1"}
    (folder / "file.json").write_text(json.dumps(
        {"kind": "extcheck-verdict", **common, "modules": [module]}), encoding="utf-8")
    (folder / "note.json").write_text(json.dumps(
        {**common, **module, "flavour": "gil", "abi": "cpython-314",
         "declares": {"own-gil": True, "gil-not-used": False}, "overrides": ["X"]}),
        encoding="utf-8")


def seed_modules(folders):
    for n, source in enumerate(sorted((ROOT / "testmods").glob("*/*.c*"))):
        shutil.copy(source, folders["lexer"])
        if n % 6 == 0:
            facts = run([EXTCHECK, "--isolated", "--dump-facts", source])
            (folders["facts"] / f"{source.stem}.txt").write_text(facts, encoding="utf-8")
        if n % 12 == 0:
            built = folders["binary"] / f"{source.stem}.so"
            include = run(["python3", "-c",
                           "import sysconfig; print(sysconfig.get_path('include'))"]).strip()
            subprocess.run(["cc", "-shared", "-fPIC", f"-I{include}", f"-I{ROOT}/shim/include",
                            source, "-o", built], check=False, stderr=subprocess.DEVNULL)


def seed(corpus):
    folders = {target: corpus / target for target in TARGETS}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    seed_modules(folders)
    seed_verdicts(folders["verdict"])
    bad = ROOT / "testmods/static_cache_bad/static_cache_bad.c"
    run([EXTCHECK, "--isolated", "--quiet", "--write-baseline",
         folders["baseline"] / "baseline.tsv", bad])
    (folders["database"] / "database.json").write_text(json.dumps([
        {"directory": ".", "file": "spam.c", "command": "gcc -DX=\"a b\" -I foo -c spam.c -o s.o"},
        {"directory": ".", "file": "./spam.c", "output": "x.o",
         "arguments": ["cc", "-isystem", "x", "-std=c11", "spam.c"]}]), encoding="utf-8")
    for target, most in LONGEST.items():
        for path in folders[target].iterdir():
            if path.stat().st_size > most:
                path.unlink()
    return folders


def fuzz(program, corpus, found):
    done = subprocess.run([program, f"-max_total_time={SECONDS}", "-timeout=60",
                           "-rss_limit_mb=4000", "-close_fd_mask=3", "-print_final_stats=1",
                           f"-artifact_prefix={found}{os.sep}", corpus],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          errors="replace", check=False)
    runs = [line.split()[1] for line in done.stderr.splitlines()
            if line.startswith("stat::number_of_executed_units")]
    print(f"{program.name}: {runs[0] if runs else '?'} runs in {SECONDS} s, "
          f"{'fine' if done.returncode == 0 else 'FAILED'}", flush=True)
    if done.returncode != 0 or not runs or int(runs[0]) < 10:
        print(done.stderr[-6000:])
        return False
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, type=pathlib.Path)
    folder = parser.parse_args().build.resolve()
    if not shutil.which("clang-14"):
        print("skipped: clang-14 is not on this machine")
        sys.exit(77)
    build(folder)
    found = folder / "found"
    found.mkdir(exist_ok=True)
    folders = seed(folder / "corpus")
    fine = [fuzz(folder / "tests/fuzz" / f"fuzz_{target}", folders[target], found)
            for target in TARGETS]
    if not all(fine):
        sys.exit("inputs that break something:\n"
                 + "\n".join(f"  {path}" for path in sorted(found.iterdir())))


if __name__ == "__main__":
    main()
