"""Compiles the shim and one use of everything against every set of headers, in every standard.

compile_matrix.py --write   writes docs/shim-support.md anew
"""

import concurrent.futures
import shutil
import subprocess
import sys
import tempfile

import pathlib

from shimtest import MODULES, PROCESSES, ROOT, WARNINGS, pythons, shim_sources

PAGE = ROOT / "docs" / "shim-support.md"
STANDARDS = ["c99", "c11", "c17", "c2x", "c++11", "c++14", "c++17", "c++20"]
TITLES = {"c2x": "C23"}
PAIRS = {"gcc": ("gcc", "g++"), "clang": ("clang-14", "clang++-14")}
LIMITED = ["0x03090000", "0x030d0000"]
REASONS = {
    "USES_TYPE": "needs the full API: the limited hides PyTypeObject",
    "USES_MODINIT": "needs the full API: which slots exist differs by version",
}


def header_sets():
    """(title, include flags, extra flags): what is installed, and its free-threaded reading."""
    found = []
    for python in pythons():
        flags = python.include_flags()
        title = "{}.{}".format(*python.minor)
        if python.build == "free-threaded":
            found.append((title + "t", flags, []))
        else:
            found.append((title, flags, []))
            if python.minor >= (3, 14):
                found.append((title + " with -DPy_GIL_DISABLED", flags, ["-DPy_GIL_DISABLED=1"]))
    return found


def one_source(folder):
    """All files of the shim as one: a quarter of the time of compiling each."""
    path = pathlib.Path(folder) / "all.c"
    lines = [f'#include "{source}"' for source in [*shim_sources(), MODULES / "uses_all.c"]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def compiler_command(compiler, standard):
    c, cxx = PAIRS[compiler]
    program = cxx if "+" in standard else c
    language = "c++" if "+" in standard else "c"
    return [program, f"-std={standard}", "-x", language, "-fsyntax-only", *WARNINGS,
            "-Wno-missing-field-initializers"]  # of PyTypeObject, in the example


def compile_source(command, source):
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, timeout=300)
    return done.returncode == 0 and not done.stderr.strip(), done.stderr


def headers_alone(command, folder):
    path = pathlib.Path(folder) / "alone.c"
    if not path.exists():
        path.write_text("#include <Python.h>\n", encoding="utf-8")
    return compile_source(command, path)


def cell(folder, source, compiler, standard, flags, extra):
    """'yes', a reason that lies in the headers, or 'FAILS: ...'."""
    if shutil.which(compiler_command(compiler, standard)[0]) is None:
        return "not installed"
    front = compiler_command(compiler, standard) + flags
    include = [f"-I{ROOT / 'shim' / 'include'}"]
    ok, text = compile_source(front + extra + include, source)
    if ok:
        return "yes"
    alone, complaint = headers_alone(front + extra, folder)
    if not alone:
        return "no nullptr" if "nullptr" in complaint else "headers fail"
    return "FAILS: " + text[:1500]


def run_matrix():
    """{(headers, standard, compiler): cell}"""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        source = one_source(folder)
        with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
            jobs = {}
            for title, flags, extra in header_sets():
                for standard in STANDARDS:
                    for compiler in PAIRS:
                        jobs[title, standard, compiler] = pool.submit(
                            cell, folder, source, compiler, standard, flags, extra)
            for key, job in jobs.items():
                results[key] = job.result()
    return results


def run_limited():
    """{(headers, limit, standard): cell} and the wrong answers to what the limit rules out."""
    results, wrong = {}, []
    with tempfile.TemporaryDirectory() as folder:
        source = one_source(folder)
        for title, flags, extra in header_sets():
            if "t" in title or extra:
                continue
            for limit in LIMITED:
                define = [f"-DPy_LIMITED_API={limit}"]
                for standard in ("c11", "c++17"):
                    results[title, limit, standard] = cell(folder, source, "gcc", standard, flags,
                                                           define)
                for switch, reason in REASONS.items():
                    command = compiler_command("gcc", "c11") + flags + define + [
                        f"-D{switch}", f"-I{ROOT / 'shim' / 'include'}"]
                    ok, text = compile_source(command, MODULES / "uses_all.c")
                    if ok or reason not in text:
                        wrong.append(f"{title} {limit} {switch}: no #error with the reason")
    return results, wrong


def both(results, title, standard):
    answers = {compiler: results[title, standard, compiler] for compiler in PAIRS}
    if len(set(answers.values())) == 1:
        return next(iter(answers.values()))
    return ", ".join(f"{compiler}: {answer}" for compiler, answer in answers.items())


def page(results, limited):
    titles = list(dict.fromkeys(key[0] for key in results))
    columns = [TITLES.get(standard, standard.upper()) for standard in STANDARDS]
    lines = [
        "# What the shim compiles with", "",
        "Written by `tests/shim/compile_matrix.py --write`; a test compares it with a new run. Each "
        "cell is the whole library and",
        "a use of every macro, compiled by gcc 12 and clang 14 with -Wall -Wextra -Wshadow "
        "-Wconversion and no warning.", "",
        "| headers | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for title in titles:
        cells = [both(results, title, standard) for standard in STANDARDS]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    lines += ["", "`no nullptr`: the headers of that Python write `nullptr` in C23, which this "
              "compiler does not know yet; CPython's own",
              "header fails without the shim, too. 3.14 and 3.15 free-threaded are the GIL build's "
              "headers with -DPy_GIL_DISABLED=1.", "",
              "## Py_LIMITED_API", "",
              "State, caches, once and mutexes. `EXTSHIM_STATIC_TYPE` and `EXTSHIM_MODINIT` stop "
              "with an #error that gives the reason.", "",
              "| headers | " + " | ".join(f"{limit} {standard.upper()}" for limit in LIMITED
                                          for standard in ("c11", "c++17")) + " |",
              "|---" * 5 + "|"]
    for title in dict.fromkeys(key[0] for key in limited):
        cells = [limited[title, limit, standard] for limit in LIMITED
                 for standard in ("c11", "c++17")]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    lines += ["", "The branches for MSVC and Mach-O are written and untested.", ""]
    return "\n".join(lines)


def failures(results):
    return [f"{' '.join(key)}: {answer}" for key, answer in results.items()
            if answer.startswith("FAILS")]


def main():
    results, (limited, wrong) = run_matrix(), run_limited()
    wrong += failures(results) + failures(limited)
    print("\n".join(wrong) or f"{len(results) + len(limited)} cells")
    if "--write" in sys.argv and not wrong:
        PAGE.write_text(page(results, limited), encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
