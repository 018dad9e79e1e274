"""python -m extpool, as a program: what it prints, what it ends with, whatever it is given."""

import contextlib
import json
import math
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import extpool

LIMIT = 60  # seconds for any one run
# Written in Python, so one interpreter tells; the others run what depends on the pool.
once = unittest.skipUnless(sys.version_info[:2] == (3, 14) or os.environ.get("EXTCHECK_LONG"),
                           "run on 3.14, and everywhere in long runs")
MODULE = '''
import sys, threading, time

def spin(_):
    print("spinning", flush=True)
    while True:
        pass

def add(a, b=10):
    print("printed")
    return a + b

def until_file(path):
    """Waits for what only a later line makes."""
    import os
    while not os.path.exists(path):
        time.sleep(0.01)
    return "seen"

def make_file(path):
    open(path, "w").close()
    return "made"

def either(pair):
    return {"wait": until_file, "make": make_file}[pair[0]](pair[1])

def value(name):
    return {"set": {1}, "nan": float("nan")}[name]

def leave(_):
    sys.exit(3)

def prepare():
    sys.prepared = 7

def prepared(x):
    return sys.prepared + x

def unprepared():
    raise RuntimeError("no luck")
'''


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # A shell's background job ignores it, and so would what it starts.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        cls.holder = tempfile.TemporaryDirectory(prefix="extpool-commands-")
        cls.folder = pathlib.Path(cls.holder.name)
        (cls.folder / "work_for_lines.py").write_text(MODULE, encoding="utf-8")

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    def start(self, *arguments, **more):
        for stream in ("stdin", "stdout", "stderr"):
            more.setdefault(stream, subprocess.PIPE)
        return subprocess.Popen([sys.executable, "-m", "extpool", *map(str, arguments)],
                                cwd=self.folder, **more)

    def run_it(self, *arguments, lines=b""):
        process = self.start(*arguments)
        try:
            out, err = process.communicate(lines, timeout=LIMIT)
        finally:
            process.kill()
        return process.returncode, out.decode(), err.decode()

    def test_results_in_order(self):
        lines = "".join(f"{n}\n" for n in range(300)).encode()
        code, out, err = self.run_it("run", "math:isqrt", "--workers", 2, "--buffer", 7,
                                     lines=lines)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(out.split(), [str(math.isqrt(n)) for n in range(300)])

    def test_failed_lines(self):
        lines = b'\xef\xbb\xbf3\r\n\n-2\n"x"\n{\n\xff\n4'
        code, out, err = self.run_it("run", "math:factorial", "--workers", 2, lines=lines)
        self.assertEqual((code, out), (1, "6\n24\n"))
        told = err.splitlines()
        self.assertEqual(told[0], "extpool: line 3: ValueError: factorial() not defined for "
                                  "negative values")
        self.assertIn("line 4: TypeError", told[1])
        self.assertIn("line 5: not a JSON value", told[2])
        self.assertIn("line 6: not a JSON value in UTF-8", told[3])
        self.assertEqual(len(told), 4)

    @once
    def test_numbered_files_and_traceback(self):
        (self.folder / "one").write_text("1\n", encoding="utf-8")
        code, out, err = self.run_it("run", "math:factorial", "one", "-", "--numbered",
                                     "--traceback", "--workers", 2, lines=b"2\n-1\n")
        self.assertEqual(code, 1)
        found = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(found[:2], [{"file": "one", "line": 1, "result": 1},
                                     {"file": "-", "line": 1, "result": 2}])
        self.assertRegex(found[2]["error"], "^ValueError: ")
        self.assertRegex(err, r"^extpool: -:2: ValueError.*\n(.*\n)*Traceback")

    @once
    def test_star_and_prints(self):
        code, out, err = self.run_it("run", "work_for_lines:add", "--star", "--workers", 1,
                                     lines=b'[1, 2]\n[5]\n{"a": 1, "b": 1}\n3\n')
        self.assertEqual((code, out), (1, "3\n15\n2\n"))
        self.assertEqual(err.count("printed\n"), 3)
        self.assertIn("line 4: with --star a line is a list or an object", err)

    @once
    def test_unordered(self):
        path = str(self.folder / "made-by-line-2")
        lines = f'["wait", {json.dumps(path)}]\n["make", {json.dumps(path)}]\n'.encode()
        code, out, err = self.run_it("run", "work_for_lines:either", "--unordered", "--workers", 2,
                                     lines=lines)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(sorted(out.split()), ['"made"', '"seen"'])
        code, out, err = self.run_it("run", "work_for_lines:either", "--workers", 2, lines=lines)
        self.assertEqual(out.split(), ['"seen"', '"made"'])

    @once
    def test_buffer(self):
        go, made = self.folder / "go", [self.folder / f"made-{n}" for n in range(50)]
        lines = [["wait", str(go)]] + [["make", str(path)] for path in made]
        process = self.start("run", "work_for_lines:either", "--workers", 2, "--buffer", 3)
        process.stdin.write("".join(json.dumps(line) + "\n" for line in lines).encode())
        process.stdin.flush()
        end = time.monotonic() + LIMIT
        while not made[0].exists() and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.3)  # for what should not happen
        self.assertLessEqual(sum(path.exists() for path in made), 2)
        go.touch()
        out, err = process.communicate(timeout=LIMIT)
        self.assertEqual((process.returncode, err), (0, b""))
        self.assertEqual(out.split(), [b'"seen"'] + [b'"made"'] * 50)

    @once
    def test_results_that_are_no_json(self):
        code, out, err = self.run_it("run", "work_for_lines:value", "--workers", 1,
                                     lines=b'"set"\n"nan"\n"none"\n')
        self.assertEqual((code, out), (1, ""))
        for number in (1, 2):
            self.assertIn(f"line {number}: the result is no JSON value", err)
        self.assertIn("line 3: KeyError: 'none'", err)

    @once
    def test_streams_and_broken_pipe(self):
        process = self.start("run", "math:isqrt", "--workers", 1)
        for number in (4, 9):  # each answer is there before the next question
            process.stdin.write(f"{number}\n".encode())
            process.stdin.flush()
            self.assertEqual(process.stdout.readline().strip(), b"%d" % math.isqrt(number))
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            for _ in range(100000):
                process.stdin.write(b"1\n")
                process.stdin.flush()
        self.assertEqual(process.wait(LIMIT), 141)
        self.assertEqual(process.stderr.read(), b"")
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.stderr.close()

    def test_interrupted(self):
        process = self.start("run", "work_for_lines:spin", "--workers", 1)
        self.addCleanup(process.kill)  # it would spin for ever
        process.stdin.write(b"1\n")
        process.stdin.flush()
        self.assertEqual(process.stderr.readline(), b"spinning\n")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT)
        self.assertNotIn(b"Fatal", err)
        self.assertEqual((process.returncode, out), (130, b""), err)

    @once
    def test_reader_leaves_while_calls_run(self):
        """As when the program that reads is killed: endless calls end too."""
        process = self.start("run", "work_for_lines:spin", "--workers", 1)
        self.addCleanup(process.kill)
        process.stdin.write(b"1\n2\n")
        process.stdin.flush()
        self.assertEqual(process.stderr.readline(), b"spinning\n")
        process.stdout.close()
        self.assertEqual(process.wait(LIMIT), 141)
        self.assertEqual(process.stderr.read(), b"")
        process.stdin.close()
        process.stderr.close()

    @once
    def test_fail_fast(self):
        lines = b'["add", 1]\n' + b'["wait", "never"]\n' * 5
        code, out, err = self.run_it("run", "work_for_lines:either", "--fail-fast", "--workers", 2,
                                     lines=lines)
        self.assertEqual((code, out), (1, ""))
        self.assertEqual(err, "extpool: line 1: KeyError: 'add'\n")

    @once
    def test_exit_in_a_call(self):
        code, out, err = self.run_it("run", "work_for_lines:leave", "--workers", 1, lines=b"1\n2\n")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("line 2: SystemExit: 3", err)

    @once
    def test_initializer(self):
        module = "work_for_lines"
        code, out, err = self.run_it("run", f"{module}:prepared", "--initializer",
                                     f"{module}:prepare", "--workers", 1, lines=b"1\n2\n")
        self.assertEqual((code, out, err), (0, "8\n9\n", ""))
        code, out, err = self.run_it("run", f"{module}:prepared", "--initializer",
                                     f"{module}:unprepared", "--workers", 1, lines=b"1\n2\n")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("no luck", err)

    @once
    def test_progress(self):
        with self.start("run", "math:isqrt", "--workers", 1, "--progress") as process:
            process.stdin.write(b"4\n-1\n")
            process.stdin.flush()
            process.stderr.readline()
            line = process.stderr.readline().decode()
            process.stdin.close()
            process.wait(LIMIT)
        self.assertRegex(line, r"^extpool: 2 lines done, 1 failed, [\d.]+/s, \d+ s\n$")

    @once
    def test_bad_usage(self):
        for arguments, words in (
                ((), "required: COMMAND"),
                (("walk",), "walk"),
                (("run",), "MODULE:FUNCTION"),
                (("run", "math"), "is not of the form MODULE:FUNCTION"),
                (("run", "math:nothing"), "cannot find math:nothing"),
                (("run", "math:pi"), "math:pi is not callable"),
                (("run", "no_such_module:f"), "cannot import no_such_module"),
                (("run", "math:isqrt", "no-file"), "cannot read no-file: No such file"),
                (("run", "math:isqrt", "."), "cannot read .: it is a folder"),
                (("run", "math:isqrt", "--workers", "0"), "'0' is not a number above 0")):
            with self.subTest(arguments=arguments):
                code, out, err = self.run_it(*arguments)
                self.assertEqual((code, out), (2, ""))
                self.assertIn(words, err)
                self.assertNotIn("Traceback", err)

    @once
    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full here")
    def test_output_fails(self):
        with open("/dev/full", "wb") as full:
            process = self.start("run", "math:isqrt", "--workers", 1, stdout=full)
            _, err = process.communicate(b"1\n", timeout=LIMIT)
        self.assertEqual(process.returncode, 2)
        self.assertEqual(err.decode(),
                         "extpool: cannot write results: No space left on device\n")

    @once
    def test_help_and_version(self):
        code, out, _ = self.run_it("--version")
        self.assertEqual((code, out), (0, f"extpool {extpool.__version__}\n"))
        code, out, _ = self.run_it("run", "--help")
        self.assertEqual(code, 0)
        for option in ("--workers", "--star", "--policy", "--verdicts", "--isolation"):
            self.assertIn(option, out)
        self.assertTrue(all(len(line) <= 100 for line in out.splitlines()), out)
        self.assertTrue(re.search(r"130 Ctrl-C", out))


if __name__ == "__main__":
    unittest.main()
