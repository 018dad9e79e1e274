"""The compile matrix, and the table in docs/ that is generated from it."""

import sys

import compile_matrix as matrix
from shimtest import Failure, Tally

FULL = {"3.9", "3.10", "3.11", "3.12", "3.13", "3.13t", "3.14", "3.14 with -DPy_GIL_DISABLED",
        "3.15", "3.15 with -DPy_GIL_DISABLED"}


def check(results, limited, wrong):
    problems = wrong + matrix.failures(results) + matrix.failures(limited)
    if problems:
        raise Failure("\n".join(problems))
    good = sum(answer == "yes" for answer in results.values())
    if not good or not any(answer == "yes" for answer in limited.values()):
        raise Failure("nothing was compiled")
    return f"{good} of {len(results)} and {len(limited)} of the limited API, the rest for a reason"


def check_page(results, limited):
    """Rows of headers that are not here cannot be checked; the others have to be the same."""
    expected = set(matrix.page(results, limited).splitlines())
    have = matrix.PAGE.read_text(encoding="utf-8").splitlines()
    here = {key[0] for key in results}
    stale = [line for line in have
             if line not in expected and not any(line.startswith(f"| {title} |")
                                                 for title in FULL - here)]
    missing = [line for line in expected if line not in have]
    if stale or missing:
        raise Failure("docs/shim-support.md is not what compile_matrix.py --write makes:\n"
                      + "\n".join(["- " + line for line in stale]
                                  + ["+ " + line for line in missing]))
    return f"{len(here)} sets of headers"


def main():
    results = matrix.run_matrix()
    limited, wrong = matrix.run_limited()
    tally = Tally(__doc__)
    tally.add("compile matrix", check, results, limited, wrong)
    tally.add("docs/shim-support.md", check_page, results, limited)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
