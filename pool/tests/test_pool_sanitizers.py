#!/usr/bin/env python3
"""The pool's cases and examples under AddressSanitizer and ThreadSanitizer: no report of ours.

AddressSanitizer is loaded into the interpreters as they are; those of ThreadSanitizer, 3.13t, are
built from source, with the suppressions that come with CPython. A report is CPython's own when the
memory is a variable of the interpreter itself or of an extension module of its library: making an
interpreter writes the static types and tables of 3.13t again while others read them, as _struct
and _decimal do with their tables when a second interpreter imports them. Any other report that names a frame of ours counts,
and so does one whose stack the sanitizer has forgotten; but strings that are interned are not."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import pooltest
from test_pool_examples import EXAMPLES, PRINTS

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pooltest.BUILD / "sanitizers"
LIMIT = 2400  # seconds
REPORT = (re.compile(r"==\d+==ERROR: AddressSanitizer.*?(?===\d+==ABORTING|\Z)", re.S),
          re.compile(r"^WARNING: ThreadSanitizer:.*?^SUMMARY:[^\n]*", re.S | re.M))
OWN_FRAME = re.compile(r"/pool/src/|_pool\.cpython")
ORIGIN = re.compile(r"^ *(Thread|Mutex) .*?(?=^$|\Z)", re.S | re.M)  # where those were created
OTHERS_MEMORY = re.compile(r"Location is global '[^']*' of size \d+ at \S+ "
                           r"\((python3|(?!_pool\.)\w+\.cpython-)")
# 3.13t makes strings immortal while other threads of the interpreter that import look at them.
INTERNING = re.compile(r"#[0-2] intern_common Objects/unicodeobject\.c")
FORGOTTEN = "failed to restore the stack"
CASES = ("start", "values", "calls", "sharing", "faults", "script")


def is_ours(report):
    accesses = ORIGIN.sub("", report)
    return (bool(OWN_FRAME.search(accesses)) or FORGOTTEN in accesses) \
        and not OTHERS_MEMORY.search(report) and not INTERNING.search(accesses)


def tool(*arguments):
    done = subprocess.run([sys.executable, pooltest.ROOT / "tools" / "pythons", *arguments],
                          capture_output=True, text=True, timeout=3000, check=True)
    return done.stdout


def runtime(name):
    done = subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True,
                          timeout=60, check=True)
    return done.stdout.strip()


def setting(sanitizer, version="3.13"):
    """(command before the script, environment)."""
    if sanitizer == "address":
        return [pooltest.interpreters()[version]], {
            "LD_PRELOAD": runtime("libasan.so"), "PYTHONMALLOC": "malloc", "EXTCHECK_LONG": "1",
            "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:log_path="}
    python = tool("ensure", "3.13t-tsan").split("\t")[2]
    own = pathlib.Path(tool("source", "3.13").strip(), "Tools", "tsan",
                       "suppressions_free_threading.txt")
    # setarch: ThreadSanitizer of this age does not know the address layout of newer kernels.
    return ["setarch", "-R", python], {
        "PYTHON_GIL": "0", "LD_PRELOAD": pooltest.no_yield(), "TSAN_OPTIONS":
        f"exitcode=0:halt_on_error=0:die_after_fork=0:history_size=4:suppressions={own}:log_path="}


class Sanitizers(unittest.TestCase):
    def run_all(self, sanitizer, version):
        command, more = setting(sanitizer, version)
        folder = BUILD / f"{sanitizer}-{version}"
        pooltest.pool_build.build(command[-1], folder, cc="gcc", cflags=[
            f"-fsanitize={sanitizer}", "-fno-omit-frame-pointer", "-O1"])
        for case in CASES:
            with self.subTest(case=case):
                errors = self.run_one([*command, HERE / "cases" / f"{case}.py"], folder, more,
                                      f"{sanitizer} {version} {case}")
                self.assertRegex(errors, r"Ran [1-9]\d* tests? in .*\n\nOK")
        for name in PRINTS:
            with self.subTest(example=name):
                self.run_one([*command, EXAMPLES / f"{name}.py", "--small", "--workers", "2"],
                             folder, more, f"{sanitizer} {version} {name}")

    def run_one(self, command, folder, more, label):
        """What the command said on stderr, with no report of ours and exit code 0."""
        with tempfile.TemporaryDirectory() as logs:
            env = pooltest.environment(folder, **more)
            name = "TSAN_OPTIONS" if "TSAN_OPTIONS" in env else "ASAN_OPTIONS"
            env[name] += os.path.join(logs, "report")
            done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=LIMIT,
                                  check=False)
            texts = [path.read_text(encoding="utf-8", errors="replace")
                     for path in pathlib.Path(logs).iterdir()]
        reports = [report for text in texts for kind in REPORT for report in kind.findall(text)]
        ours = [report for report in reports if is_ours(report)]
        print(f"{label}: {len(reports)} reports, {len(ours)} of ours", file=sys.stderr)
        self.assertEqual(ours, [], ours and ours[0][:6000])
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        return done.stderr

    def test_address_3_13(self):
        self.run_all("address", "3.13")

    def test_address_3_14(self):
        self.run_all("address", "3.14")

    def test_address_3_15(self):
        self.run_all("address", "3.15")

    def test_thread(self):
        self.run_all("thread", "3.13t")

    def test_the_filter(self):
        frame = "    #0 f /x/pool/src/core.c:5 (_pool.cpython-313t.so+0x1)\n"
        python = "    #0 type_ready Objects/typeobject.c:1 (python3.13t+0x1)\n"
        where = "  Location is {} (python3.13t+0x1)\n\n"
        heap = where.format("heap block of size 8 at 0x1")
        static = where.format("global 'PyList_Type' of size 408 at 0x1")
        created = "  Thread T1 (tid=1, running) created by main thread at:\n" + frame + "\n"
        self.assertTrue(is_ours("  Write by T1:\n" + frame + "\n" + heap + created))
        self.assertTrue(is_ours("  Write by T1:\n" + python + frame + "\n" + heap + created))
        self.assertTrue(is_ours("  Write by T1:\n    [failed to restore the stack]\n\n" + heap))
        self.assertFalse(is_ours("  Write by T1:\n" + python + frame + "\n" + static + created))
        self.assertFalse(is_ours("  Write by T1:\n" + python + "\n" + heap + created))
        where = "  Location is global 'table' of size 8 at 0x1 ({}.cpython-313t-x.so+0x1)\n\n"
        self.assertTrue(is_ours("  Write by T1:\n" + frame + "\n" + where.format("_pool")))
        self.assertFalse(is_ours("  Write by T1:\n" + frame + "\n" + where.format("_struct")))
        interning = "    #1 intern_common Objects/unicodeobject.c:15258 (python3.13t+0x1)\n"
        self.assertFalse(is_ours("  Write by T1:\n" + interning + frame + "\n" + heap + created))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=2)
