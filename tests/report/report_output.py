"""What the tests of machine formats share: running report_test, saying pass, fail or skip."""

import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SAMPLES = ("mixed", "many", "empty")
SKIP = 77  # ctest's SKIP_RETURN_CODE for these tests


def print_report(report_format, sample):
    """The bytes of one report; EXTCHECK_REPORT_TEST is the path of the built report_test."""
    program = os.environ.get("EXTCHECK_REPORT_TEST")
    if not program:
        sys.exit("EXTCHECK_REPORT_TEST must name the report_test program that CMake built")
    command = [program, "--print", report_format, sample]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True)
    return done.stdout


def load_json(report_format, sample):
    def refuse_duplicates(pairs):
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names)), f"duplicate key in {names}"
        return dict(pairs)

    return json.loads(print_report(report_format, sample).decode("utf-8", "strict"),
                      object_pairs_hook=refuse_duplicates)


def skip(reason):
    print(f"SKIPPED: {reason}", file=sys.stderr)
    sys.exit(SKIP)
