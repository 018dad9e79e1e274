#!/usr/bin/env python3
"""Workers and cache: a parser that dies or runs away costs one file, an unchanged file is not parsed.

spy.c stands before the real libclang, notes what it is asked for, and dies or waits on demand.
"""

import fcntl
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from support import EXTCHECK, clean_environment, dump_facts, find_libclang, read_facts, run

HERE = pathlib.Path(__file__).resolve().parent
CHAIN = 16000  # branches of else-if, nested as deep as there are


class Spied(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        real = find_libclang(19) or find_libclang(14)
        compiler = shutil.which("cc")
        if not (real and compiler):
            raise unittest.SkipTest("needs cc and a libclang in the usual folders of Debian")
        cls.holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.holder.cleanup)
        cls.spy = pathlib.Path(cls.holder.name) / "spy.so"
        subprocess.run([compiler, "-D_GNU_SOURCE", "-Wall", "-Werror", "-shared", "-fPIC", "-o",
                        cls.spy, HERE / "spy.c", "-Wl,--no-as-needed", real, "-ldl"], check=True)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        logs = tempfile.TemporaryDirectory()  # elsewhere: a new name beside the sources is news
        self.addCleanup(logs.cleanup)
        self.log = pathlib.Path(logs.name) / "spy.log"

    def write(self, name, text="#include <Python.h>\nint value;\n"):
        (self.folder / name).write_text(text, encoding="utf-8")

    def extcheck(self, *arguments):
        return run(["--isolated", "--python", "3.14", "--libclang", self.spy, "--cache-dir",
                    self.folder / "cache", *arguments], cwd=self.folder, SPY_LOG=str(self.log))

    def noted(self):
        """What the library was asked for since the last call."""
        lines = self.log.read_text("utf-8").splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines

    def parsed(self):
        return sorted(pathlib.Path(line.split(" ", 1)[1]).name for line in self.noted()
                      if line.startswith("parse ") and line.endswith(".c"))


class Texts(Spied):
    """What libclang is given in place of a file's text must not change a fact."""

    def facts(self, *files):
        done = self.extcheck("--no-cache", "-j1", "--dump-facts", *files)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, [line[5:] for line in self.noted() if line.startswith("text ")]

    def table(self, name, before, values, dimension=""):
        lines = [", ".join(values[at:at + 16]) for at in range(0, len(values), 16)]
        self.write(name, f"#include <Python.h>\n{before} numbers[{dimension}] = {{\n"
                   + ", /* more */\n".join(lines) + "\n};\n"
                   "Py_ssize_t count(int at) { static int n; n = numbers[at];\n"
                   "if (sizeof(numbers) == 512) { n = 7; } return n; }\n")

    def test_tables_of_numbers_are_shortened(self):
        values = [f" {number} " for number in range(100, 612)]
        plain = "static const unsigned char"
        self.table("one.c", plain, values)
        shortened, texts = self.facts("one.c")
        self.assertEqual(len(texts), 1)
        self.assertRegex(texts[0], r"= \{\s+100\s*, \[511\] =\s+611\s+\};")
        self.table("one.c", plain, values[:5] + ["(105)"] + values[6:])  # as long, no number
        whole, texts = self.facts("one.c")
        self.assertEqual(texts, [])
        self.assertIn("name=numbers", whole)
        self.assertEqual(shortened, whole)

    def test_what_is_no_such_table_stays(self):
        values = [f" {number} " for number in range(100, 612)]
        for before in ("typedef unsigned long number;\nstatic number", "#define A\nA int",
                       "static const char *"):
            self.table("one.c", before, values)
            self.assertEqual(self.facts("one.c")[1], [], before)
        self.table("one.cpp", "static int", values)
        self.assertEqual(self.facts("one.cpp")[1], [])

    def test_too_many_values_are_no_error(self):
        self.table("one.c", "static const int", [f" {number} " for number in range(100, 612)], 5)
        facts, texts = self.facts("one.c")
        self.assertEqual(len(texts), 1)
        self.assertIn("status=ok", facts)

    def test_bodies_that_define_macros(self):
        self.write("one.c", """#include <Python.h>
#ifdef Py_GIL_DISABLED
static int differs = 1;
#endif
static int plain;
int before(int x) { /*
#define NOT_THIS 1
*/ const char *s = "/*"; plain = x;
#define LATER(a) \\
    ((a) + 7) /* two
lines */
    # undef NEVER
    return plain + (int)s[0]; /* gone */
}
int behind(int x)
{
#ifdef Py_GIL_DISABLED
    differs = x;
#endif
    plain = LATER(x);
    return plain;
}
""")
        facts, texts = self.facts("one.c")
        self.assertEqual(len(texts), 1)
        for kept in ("#define LATER(a)", "((a) + 7) /* two lines */", "# undef NEVER",
                     "differs = x"):
            self.assertIn(kept, texts[0])
        for blanked in ("NOT_THIS", "plain = x", "gone"):
            self.assertNotIn(blanked, texts[0])
        self.assertEqual(facts.count("status=ok"), 2)
        stores = [line for line in facts.splitlines()
                  if line.startswith("access\t8:") and "how=write" in line and "plain" in line]
        self.assertEqual(len(stores), 2, stores)
        self.assertEqual(stores[0], stores[1])


class Headers(Spied):
    def test_idle_workers_take_the_largest_units_without_a_header(self):
        names = [f"unit{n}.c" for n in range(4)]
        for n, name in enumerate(names):
            self.write(name, "#include <Python.h>\n" + f"int value{n};\n" * (n + 1))
        answers = set()
        for jobs in (1, 2, 3):
            done = self.extcheck("--no-cache", f"-j{jobs}", "--dump-facts", *names)
            self.assertEqual(done.returncode, 0, done.stderr)
            answers.add(done.stdout)
            with_header = sorted(line.split()[1] for line in self.noted()
                                 if line.startswith("with-header "))
            self.assertEqual(with_header, names[:len(names) + 1 - jobs])
        self.assertEqual(len(answers), 1)

    def test_cxx_headers_hold_the_standard_library(self):
        own = '#include <Python.h>\n#include <map>\n#include "own.hpp"\n'
        self.write("own.hpp", "#pragma once\n#include <vector>\ninline std::vector<int> v;\n")
        for name in ("one.cpp", "two.cpp"):
            self.write(name, own + "std::map<int, int> values;\n")
        done = self.extcheck("--no-cache", "--dump-facts", "one.cpp", "two.cpp")
        self.assertEqual(done.returncode, 0, done.stderr)
        headers = [line for line in self.noted() if line.startswith("header ")]
        self.assertEqual(len(headers), 1, headers)
        self.assertIn("#include <map> #include <vector>", headers[0])
        self.assertNotIn("own.hpp", headers[0])
        self.assertIn("name=v\t", done.stdout)

    def test_a_binding_library_is_precompiled_for_one_unit(self):
        library = tempfile.TemporaryDirectory()
        self.addCleanup(library.cleanup)
        (pathlib.Path(library.name) / "bind.h").write_text(
            "#pragma once\n#include <Python.h>\n#include <vector>\n"
            "template <class T> int bind(T &all) { all.push_back(1); return 1; }\n")
        self.write("bound.cpp", "#include <bind.h>\nstatic std::vector<int> all;\n"
                                "int value = bind(all);\n")
        self.write("plain.cpp", "#include <Python.h>\nint value;\n")
        answers = set()
        for jobs in (1, 2):
            done = self.extcheck("--no-cache", f"-j{jobs}", "--dump-facts", "bound.cpp", "--",
                                 f"-I{library.name}")
            self.assertEqual(done.returncode, 0, done.stderr)
            answers.add(done.stdout)
            noted = self.noted()
            self.assertIn("with-header bound.cpp", noted)
            self.assertEqual([line.split()[0] for line in noted if "group0.h" in line],
                             ["parse", "without-bodies"])
        self.assertEqual(len(answers), 1)
        self.assertIn("name=all\t", answers.pop())
        self.extcheck("--no-cache", "--dump-facts", "plain.cpp")
        self.assertNotIn("with-header plain.cpp", self.noted())


class Cache(Spied):
    def test_unchanged_second_run_loads_no_libclang(self):
        for name in ("one.c", "two.c"):
            self.write(name)
        first = self.extcheck("--dump-facts", "one.c", "two.c")
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(self.parsed(), ["one.c", "two.c"])
        second = self.extcheck("--dump-facts", "one.c", "two.c")
        self.assertEqual(second.stdout, first.stdout)
        self.assertEqual(self.noted(), [])

    def test_what_changed_is_parsed_again(self):
        self.write("own.h", "static int inside;\n")
        self.write("one.c", '#include <Python.h>\n#include "own.h"\nint value;\n')
        self.write("two.c")
        self.extcheck("one.c", "two.c")
        self.noted()
        self.write("own.h", "static int inside, more;\n")
        done = self.extcheck("--dump-facts", "one.c", "two.c")
        self.assertEqual(self.parsed(), ["one.c"])
        self.assertIn("name=more", done.stdout)
        self.extcheck("one.c", "two.c", "--", "-DOTHER=1")
        self.assertEqual(self.parsed(), ["one.c", "two.c"])

    def test_a_new_header_before_the_old_one_counts(self):
        for folder in ("first", "second"):
            (self.folder / folder).mkdir()
        (self.folder / "second/own.h").write_text("static int old;\n")
        self.write("one.c", '#include <Python.h>\n#include "own.h"\n')
        flags = ("--", "-Ifirst", "-Isecond")
        self.assertIn("name=old", self.extcheck("--dump-facts", "one.c", *flags).stdout)
        (self.folder / "first/own.h").write_text("static int young;\n")
        self.assertIn("name=young", self.extcheck("--dump-facts", "one.c", *flags).stdout)

    def test_no_cache_parses_every_time(self):
        self.write("one.c")
        for _ in range(2):
            self.extcheck("--no-cache", "one.c")
            self.assertEqual(self.parsed(), ["one.c"])
        self.assertFalse((self.folder / "cache" / "facts").exists())

    def test_damaged_entries_are_parsed_again(self):
        self.write("one.c")
        wanted = self.extcheck("--dump-facts", "one.c").stdout
        entries = [path for path in (self.folder / "cache").rglob("*") if path.is_file()]
        self.assertTrue(entries)
        for damage in (b"", b"\0" * 300, None):
            for path in entries:
                content = path.read_bytes()
                path.write_bytes(content[:len(content) // 2] if damage is None else damage)
            done = self.extcheck("--dump-facts", "one.c")
            self.assertEqual((done.returncode, done.stdout), (0, wanted), done.stderr)

    def test_precompiled_headers_are_kept(self):
        library = tempfile.TemporaryDirectory()
        self.addCleanup(library.cleanup)
        header = pathlib.Path(library.name) / "bind.h"
        header.write_text("#pragma once\n#include <Python.h>\ntypedef int bound;\n")
        old = time.time() - 1000  # what is a few seconds old is looked at again
        for path in (header, library.name):
            os.utime(path, (old, old))
        for name in ("one.cpp", "two.cpp", "three.cpp", "four.cpp", "five.cpp"):
            self.write(name, f"#include <bind.h>\nstatic bound value;\n/* {name} */\n")
        flags = ("--", f"-I{library.name}")

        def built(*arguments):
            done = self.extcheck("--dump-facts", *arguments, *flags)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("name=value\t", done.stdout)
            noted = self.noted()
            self.assertIn(f"with-header {arguments[-1]}", noted)
            return sum(line.startswith("header ") for line in noted)

        self.assertEqual(built("one.cpp"), 1)
        self.assertEqual(built("two.cpp"), 0)  # another file, the same header
        alone = self.extcheck("--no-cache", "--dump-facts", "two.cpp", *flags)
        self.assertEqual(self.extcheck("--dump-facts", "two.cpp", *flags).stdout, alone.stdout)
        self.noted()
        self.assertEqual(built("--no-cache", "two.cpp"), 1)
        for path in (self.folder / "cache/headers").iterdir():
            path.write_bytes(path.read_bytes()[:-1000])
        self.assertEqual(built("three.cpp"), 1)
        header.write_text("#pragma once\n#include <Python.h>\ntypedef long bound;\n")
        self.assertEqual(built("four.cpp"), 1)
        # A header that comes first now, where another one was found:
        (pathlib.Path(library.name) / "limits.h").write_text("#include_next <limits.h>\n")
        self.assertEqual(built("five.cpp"), 1)

    def with_header(self, folder, name, *flags):
        """Was the file parsed with a precompiled header, which no run changes the facts by?"""
        (self.folder / folder).mkdir(exist_ok=True)
        self.write(f"{folder}/{name}", "#include <Python.h>\n#include <errno.h>\n"
                   f"static PyObject *kept; /* {name} */\n"
                   "int fill(void) { kept = PyList_New(errno); return Py_REFCNT(kept) > 1; }\n")
        arguments = ("--dump-facts", f"{folder}/{name}", "--", "-DOTHER=1", *flags)
        alone = self.extcheck("--no-cache", *arguments)
        self.assertEqual(alone.returncode, 0, alone.stderr)
        self.noted()
        done = self.extcheck("-j", 2, *arguments)
        self.assertEqual((done.returncode, done.stdout), (0, alone.stdout), done.stderr)
        return f"with-header {folder}/{name}" in self.noted()

    def test_python_h_is_kept_for_other_projects(self):
        own = self.folder / "own"
        own.mkdir()
        self.assertFalse(self.with_header("a", "one.c"))
        self.assertTrue(self.with_header("b", "two.c"))
        self.assertTrue(self.with_header("c", "three.c", f"-I{own}", "-DNAME=1"))
        # What may change Python.h is asked for, or stands in a folder that comes before Python's.
        self.assertFalse(self.with_header("c", "four.c", "-DPy_DEBUG=1"))
        (own / "listobject.h").write_text('#include_next "listobject.h"\n')
        self.assertFalse(self.with_header("c", "five.c", f"-I{own}"))
        self.assertTrue(self.with_header("d", "six.c"))

    def test_kept_headers_that_are_not_what_they_should_be(self):
        self.assertFalse(self.with_header("a", "one.c"))
        self.assertFalse(self.with_header("a", "two.c", "-DPy_DEBUG=1"))
        entries = list((self.folder / "cache/headers").iterdir())
        self.assertEqual(len(entries), 2)
        good = [path.read_bytes() for path in entries]
        for number, damaged in enumerate([good[::-1], [b"", b""], [b"\0" * 9999] * 2,
                                          [text[:-1] + b"~" for text in good]]):
            for path, text in zip(entries, damaged):
                path.write_bytes(text)
            with self.subTest(number=number):
                self.assertFalse(self.with_header(f"b{number}", "three.c"))
        self.assertTrue(self.with_header("c", "four.c"))  # it was built anew

    def test_cache_that_cannot_be_written(self):
        self.write("one.c")
        self.write("cache", "a file where the folder should be\n")
        done = self.extcheck("--dump-facts", "one.c")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("name=value", done.stdout)

    def test_flavours_cost_what_they_must(self):
        self.write("plain.c")
        self.write("both.c", "#include <Python.h>\n#ifdef Py_GIL_DISABLED\nint value;\n#endif\n")
        self.extcheck("plain.c", "both.c")
        self.assertEqual(self.parsed(), ["both.c", "both.c", "plain.c"])


class Trouble(Spied):
    def test_crash_costs_one_file(self):
        names = ["crash.c"] + [f"good{i}.c" for i in range(6)]
        for name in names:
            self.write(name)
        for jobs in (1, 2):
            with self.subTest(jobs=jobs):
                done = self.extcheck("--no-cache", "-j", jobs, *names)
                self.assertEqual(done.returncode, 2)
                self.assertRegex(done.stderr, r"analysed 6/7 files, 1 failed: crash\.c \(.+\)")
                done = self.extcheck("--no-cache", "--dump-facts", "-j", jobs, *names)
                self.assertEqual(done.returncode, 2)
                self.assertIn("crash.c", done.stderr)
                good = {fact.file for fact in read_facts(done.stdout) if fact.kind == "variable"}
                self.assertEqual(good, set(names[1:]))

    def test_runaway_parser_is_stopped(self):
        for name in ("hang.c", "good.c"):
            self.write(name)
        started = time.monotonic()
        # The limit is for both files: on a busy machine the good one takes more than a second too.
        done = self.extcheck("--no-cache", "--timeout", "6", "hang.c", "good.c")
        self.assertLess(time.monotonic() - started, 60)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"analysed 1/2 files, 1 failed: hang\.c \(.*6 s.*\)")

    def test_failure_is_not_remembered(self):
        self.write("hang.c")
        self.extcheck("--timeout", "1", "hang.c")
        self.noted()
        self.extcheck("--timeout", "1", "hang.c")
        self.assertEqual(self.parsed(), ["hang.c"])

    def test_no_worker_survives(self):
        self.write("hang.c")
        command = [EXTCHECK, "--isolated", "--no-cache", "--python", "3.14", "--libclang", self.spy,
                   "hang.c"]
        process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   env=clean_environment({"SPY_LOG": str(self.log)}))
        deadline = time.monotonic() + 30
        while not self.log.exists() or "hang.c" not in self.log.read_text():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        process.kill()
        # Workers hold standard error no longer than they live.
        process.communicate(timeout=30)


class Scratch(Spied):
    """Folders of runs that were killed are removed by later ones, those in use are not."""

    def left(self, base, seconds, keep=False):
        path = pathlib.Path(tempfile.mkdtemp(prefix="extcheck-pch-", dir=base))
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        (path / "unseen0").mkdir()
        (path / "unseen0" / "stub.h").write_text("")
        if keep:
            handle = os.open(path, os.O_RDONLY)
            self.addCleanup(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_SH)
        stamp = time.time() - seconds
        os.utime(path, (stamp, stamp))
        return path

    def test_what_killed_runs_left(self):
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()
        old, young, used = (self.left(base, 9000), self.left(base, 60),
                            self.left(base, 9000, keep=True))
        self.write("one.c")
        self.assertEqual(self.extcheck("--no-cache", "--dump-facts", "one.c").returncode, 0)
        self.assertFalse(old.exists())
        self.assertTrue((young / "unseen0" / "stub.h").exists())
        self.assertTrue((used / "unseen0" / "stub.h").exists())


class RealParser(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        lines = [f"    else if (a == {i}) return {i};\n" for i in range(1, CHAIN)]
        (self.folder / "chain.c").write_text(
            "int f(int a)\n{\n    if (a == 0) return 0;\n" + "".join(lines) + "    return -1;\n}\n")
        (self.folder / "good.c").write_text("#include <Python.h>\nint value;\n")

    def test_chain_of_branches(self):
        """With a short limit it may fail or not, but by name, and good.c is analysed."""
        started = time.monotonic()
        done = run(["--isolated", "--no-cache", "--python", "3.14", "--timeout", "1", "--dump-facts",
                    "chain.c", "good.c"], cwd=self.folder)
        self.assertLess(time.monotonic() - started, 30)
        self.assertIn("name=value", done.stdout)
        if done.returncode == 2:
            self.assertRegex(done.stderr, r"chain\.c: .*--timeout")
        else:
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("name=f\t", done.stdout)

    def test_chain_with_the_usual_limit(self):
        done = run(["--isolated", "--no-cache", "--python", "3.14", "chain.c"], cwd=self.folder)
        self.assertIn(done.returncode, (0, 2), done.stderr)
        self.assertRegex(done.stderr, r"analysed 1/1 files|failed: chain\.c \(.+\)")


class Database(unittest.TestCase):
    def test_flags_of_each_file(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "build").mkdir()
            source = "#include <Python.h>\n#ifdef ASKED\nstatic int asked;\n#endif\nstatic int always;\n"
            for file in ("one.c", "two.c"):
                (folder / file).write_text(source)
            (folder / "build/compile_commands.json").write_text(
                '[{"directory": "%s", "file": "one.c", "command": "cc -DASKED=\\"a b\\" -c one.c -o m.o"},'
                ' {"directory": "%s", "file": "two.c", "arguments": ["cc", "-c", "two.c"]}]'
                % (folder, folder))
            facts = read_facts(dump_facts(["one.c", "two.c"], cwd=folder))
            having = {fact.file for fact in facts if fact.fields.get("name") == "asked"}
            self.assertEqual(having, {"one.c"})
            outputs = {fact.file: fact.fields.get("output", "") for fact in facts
                       if fact.kind == "unit"}
            self.assertIn("m.o", outputs["one.c"])
            facts = read_facts(dump_facts(["two.c"], ["--", "-DASKED"], cwd=folder))
            self.assertTrue([fact for fact in facts if fact.fields.get("name") == "asked"])

    def test_a_flag_that_one_file_wants(self):
        with tempfile.TemporaryDirectory() as name:
            for file, text in (("fast.c", "AVX2 has to be on"), ("gil.c", "define no GIL")):
                (pathlib.Path(name) / file).write_text(f'#error "{text}"\nint value;\n')
            done = run(["--isolated", "--no-cache", "--python", "3.14", "fast.c", "gil.c"], cwd=name)
            self.assertEqual(done.returncode, 2)
            fast, gil = done.stderr.split("fast.c (", 1)[1].split("gil.c (", 1)
            self.assertIn("compile_commands.json (-p DIR)", fast)
            self.assertNotIn("compile_commands.json", gil)


if __name__ == "__main__":
    unittest.main()
