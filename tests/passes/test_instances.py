"""Judges the facts in instances/*.facts and compares the findings of the families OBJ, REF, CON and CPP.

The comments `# finding RULE SEVERITY LINE` of a file say what must come out, no less and no more.
"""
import json
import os
import pathlib
import subprocess
import sys

EXTCHECK = os.environ.get("EXTCHECK", "extcheck")
CASES = pathlib.Path(__file__).resolve().parent / "instances"


def expected(text):
    return sorted(line.removeprefix("# finding ") for line in text.splitlines()
                  if line.startswith("# finding "))


def found(case):
    command = [EXTCHECK, "--format", "json", "--select", "OBJ,REF,CON,CPP", "--target",
               "own-gil,shared-gil,free-threaded,reload", "--facts", str(case)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode not in (0, 1):
        raise ValueError(f"exit code {done.returncode}: {done.stderr.strip()}")
    return sorted(f"{finding['rule']} {finding['severity']} {finding['line']}"
                  for finding in json.loads(done.stdout)["findings"])


def main():
    cases = sorted(CASES.glob("*.facts"))
    failed = 0
    for case in cases:
        wanted = expected(case.read_text(encoding="utf-8"))
        try:
            got = found(case)
        except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            got = [f"no report: {error}"]
        wrong = got != wanted or not wanted
        failed += wrong
        print(f"{'FAIL' if wrong else 'ok  '} {case.name}")
        if wrong:
            print("  missing:   ", [line for line in wanted if line not in got])
            print("  unexpected:", [line for line in got if line not in wanted])
    print(f"{len(cases)} cases, {failed} failed")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
