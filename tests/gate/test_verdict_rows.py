"""Verdict files about built modules: where a row's verdict comes from, and what makes it unknown."""

import hashlib
import json
import os
import re
import unittest

from support import EXTCHECK, FIXED_SLOTS, INCLUDE, GateTest, need, source
from extcheck_build import record

SUPPORTS = ("--supports-own-gil", "--supports-free-threaded")


class Binaries(GateTest):
    """Rows about built modules, which the pool goes by."""

    def built(self, python, kind="ready", slots=FIXED_SLOTS, flags=()):
        self.write("spam.c", source(kind, slots=slots))
        target = self.folder / f"spam{python.suffix}"
        self.expect(0, "gcc", "-shared", "-fPIC", "-O1", *python.flags, f"-I{INCLUDE}", *flags,
                    "spam.c", "-o", target)
        return target

    def rows(self, *files, code=0, flags=()):
        done = self.expect(code, EXTCHECK, "--isolated", "--write-verdict", "v.json", *files, "--",
                           f"-I{INCLUDE}", *flags)
        content = json.loads((self.folder / "v.json").read_text())
        self.assertTrue(record.checksum_holds((self.folder / "v.json").read_bytes()))
        return content["binaries"], done.err

    def test_by_sources(self):
        (python,) = need("3.14")
        target = self.built(python)
        (row,), said = self.rows(target, "spam.c")
        self.assertEqual(row["path"], target.name)
        self.assertEqual(row["sha256"], hashlib.sha256(target.read_bytes()).hexdigest())
        self.assertEqual((row["module"], row["from"]), ("spam", "sources"))
        self.assertEqual(row["verdicts"]["own-gil"]["verdict"], "ready")
        self.assertIn("row for module 'spam', by its sources: own-gil ready", said)

    def test_headers_of_what_it_was_built_for(self):
        """Not the newest at hand: what the sources say may hang on the version."""
        self.write("spam.c", source(slots=FIXED_SLOTS))
        library = self.folder / "lib.so"
        self.expect(0, "gcc", "-shared", "-o", library, "-x", "c", os.devnull)
        for python in need("3.13", "3.13t", "3.14"):
            target = self.folder / f"spam{python.suffix}"
            library.rename(target)
            done = self.expect(0, EXTCHECK, "--isolated", "--no-cache", target, "spam.c", "--",
                               f"-I{INCLUDE}")
            said = re.search(r"headers of Python (\S+) in \S+ are used, which \S+ was built for",
                             done.out)
            if said:  # where python3 is that version, its headers are used without a word
                self.assertEqual(said[1], python.version.rsplit(".", 1)[0], done)
            facts = self.expect(0, EXTCHECK, "--isolated", "--dump-facts", target, "spam.c")
            units = set(re.findall(r"(?m)^unit\t.*?\tpython=(\S+)", facts.out))
            self.assertEqual(units, {"3.%d" % python.minor[1]}, facts)
            target.rename(library)
        for name in ("spam.cpython-399-x86_64-linux-gnu.so", "spam.abi3.so"):
            library.rename(self.folder / name)
            done = self.expect(0, EXTCHECK, "--isolated", name, "spam.c", "--", f"-I{INCLUDE}")
            told = re.search(r"built for Python 3\.99, and the sources are judged with headers of "
                             r"Python 3\.\d+: there are none of 3\.99", done.out)
            self.assertEqual(bool(told), "399" in name, done)
            (self.folder / name).rename(library)

    def test_findings_decide(self):
        (python,) = need("3.14")
        (row,), _ = self.rows(self.built(python, "shares"), "spam.c", code=1)
        verdict = row["verdicts"]["own-gil"]
        self.assertEqual((verdict["verdict"], verdict["file"]), ("not-ready", "spam.c"))
        self.assertRegex(verdict["rule"], r"^[A-Z]+\d+$")
        self.assertGreater(verdict["line"], 0)

    def test_sources_of_something_else(self):
        (python,) = need("3.14")
        target = self.built(python, slots="")
        self.write("spam.c", source("ready", slots=FIXED_SLOTS))
        (row,), _ = self.rows(target, "spam.c")
        self.assertEqual(row["verdicts"]["own-gil"]["verdict"], "unknown")
        self.assertIn("the binary declares 'absent' about interpreters, the sources "
                      "'per-interpreter'", row["verdicts"]["own-gil"]["reason"])
        target = self.built(python)
        single = source("ready", slots="").replace("PyModuleDef_Init", "PyModule_Create")
        self.write("spam.c", single.replace("methods, slots", "methods, NULL"))
        (row,), _ = self.rows(target, "spam.c", code=1)
        self.assertIn("the binary declares 'per-interpreter' about interpreters, the sources",
                      row["verdicts"]["own-gil"]["reason"])
        self.write("eggs.c", source("ready", "eggs", slots=FIXED_SLOTS))
        (row,), _ = self.rows(target, "eggs.c")
        self.assertEqual(row["from"], "tables")

    def test_by_tables(self):
        (python,) = need("3.14")
        (row,), _ = self.rows(self.built(python))
        self.assertEqual(row["verdicts"]["own-gil"]["verdict"], "unknown")
        (row,), _ = self.rows(self.built(python, slots=""))
        self.assertEqual(row["verdicts"]["own-gil"]["verdict"], "not-ready")

    def test_by_note(self):
        (python,) = need("3.14")
        self.write("spam.c", source())
        self.gate(0, python, *SUPPORTS)
        target = self.compile(python)
        (row,), _ = self.rows(target)
        self.assertEqual((row["from"], row["verdicts"]["own-gil"]["verdict"]), ("note", "ready"))
        data = bytearray(target.read_bytes())
        at = data.index(b'"module":"spam"')
        data[at + 10:at + 14] = b"eggs"
        target.write_bytes(data)
        (row,), _ = self.rows(target, code=1)
        self.assertEqual((row["from"], row["verdicts"]["own-gil"]["verdict"]),
                         ("tables", "unknown"))

    def test_no_module(self):
        self.write("lone.c", "int lone;\n")
        self.expect(0, "gcc", "-shared", "-fPIC", "lone.c", "-o", "lone.so")
        done = self.expect(2, EXTCHECK, "--isolated", "--write-verdict", "v.json", "lone.so")
        self.assertIn("exports no PyInit_ or PyModExport_", done.err)
        self.assertFalse((self.folder / "v.json").exists())


if __name__ == "__main__":
    unittest.main()
