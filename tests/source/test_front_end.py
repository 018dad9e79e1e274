#!/usr/bin/env python3
"""What `--dump-facts` says about the sources in cases/.

A comment in a case asks for facts: `/* fact: KIND field=value ... */` for one that begins on this
line, `/* fact at N: ... */` on line N (0: anywhere), `/* no fact: ... */` for one that must stand
nowhere, `/* todo fact: ... */` for one that is known to be missing. Several are separated by `;`, a
value with blanks is quoted, `field=` means empty, `field~regex` searches. `/* with: OPTIONS */` gives the command's options, `-- FLAGS` included; {here}
is the folder of the case.
"""

import collections
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

from support import EXTCHECK, dump_facts, read_facts

HERE = pathlib.Path(__file__).resolve().parent
CASES = sorted((HERE / "cases").glob("*.c")) + sorted((HERE / "cases").glob("*.cpp"))
ASKED = re.compile(r"(?P<mode>no |todo )?fact(?: at (?P<at>\d+))?: (?P<text>[^\n]*?)(?: \*/|$)", re.M)
OPTIONS = re.compile(r"with: (.*?)(?: \*/|$)", re.M)
Wish = collections.namedtuple("Wish", "line, mode, kind, fields, text")


def wishes_of(path):
    wishes = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        for match in ASKED.finditer(line):
            for text in match["text"].split(";"):
                kind, *fields = shlex.split(text)
                wanted = [re.match(r"(\w+)([=~])(.*)", field, re.S).groups() for field in fields]
                place = number if match["at"] is None else int(match["at"])
                mode = (match["mode"] or "").strip()
                wishes.append(Wish(0 if mode == "no" else place, mode, kind, wanted,
                                   text.strip()))
    return wishes


def fulfils(fact, wish):
    if fact.kind != wish.kind or (wish.line and fact.line != wish.line):
        return False
    for name, how, value in wish.fields:
        actual = fact.fields.get(name, "")
        if (actual != value) if how == "=" else not re.search(value, actual):
            return False
    return True


def complaint(path, facts, wish):
    near = [str(fact) for fact in facts
            if fact.kind == wish.kind and (not wish.line or fact.line == wish.line)]
    said = "is there" if wish.mode else "is missing"
    return f"{path.name}:{wish.line}: {wish.text}\n  {said}; of that kind:\n  " + "\n  ".join(near)


class Cases(unittest.TestCase):
    maxDiff = None

    def test_facts(self):
        for path in CASES:
            text = path.read_text("utf-8")
            options = OPTIONS.search(text)
            words = shlex.split(options[1].replace("{here}", str(path.parent))) if options else []
            facts = read_facts(dump_facts([path.name], words, cwd=path.parent))
            wishes = wishes_of(path)
            self.assertTrue(wishes, f"{path.name} asks for nothing")
            for wish in wishes:
                with self.subTest(case=path.name, fact=wish.text):
                    found = any(fulfils(fact, wish) for fact in facts)
                    if found == bool(wish.mode):
                        self.fail(complaint(path, facts, wish))

    def test_kinds_and_fields_exist(self):
        """A wish for a field that no kind has could only fail, or pass where none is wanted."""
        text = (HERE.parents[1] / "checker/facts/kinds.def").read_text("utf-8")
        known = set(re.findall(r"\b[RSN]\((\w+)\)", text))
        for path in CASES:
            for wish in wishes_of(path):
                for name, _, _ in wish.fields:
                    self.assertIn(name, known, f"{path.name}: {wish.text}")


class Inputs(unittest.TestCase):
    def test_dump_can_be_read_back(self):
        text = dump_facts(["variables.c"], [], cwd=HERE / "cases")
        done = subprocess.run([EXTCHECK, "--facts", "-", "--dump-facts"], input=text, text=True,
                              capture_output=True, check=True)
        self.assertEqual(sorted(done.stdout.splitlines()), sorted(text.splitlines()))


class Implicit(unittest.TestCase):
    """Functions that the compiler writes are not missing; those that a class declares are."""

    def callees(self, members):
        with tempfile.TemporaryDirectory(prefix="extcheck-implicit-") as folder:
            (pathlib.Path(folder) / "a.cpp").write_text(
                f"#include <Python.h>\nstruct Part {{ int a; const char *n; {members} }};\n"
                "template <class T> struct Box { T part; };\n"
                "int f() { Part b, c{b}; Box<Part> x, y(x); b = c; y = x; b = Part(c);\n"
                "return b.a; }\n", "utf-8")
            facts = read_facts(dump_facts(["a.cpp"], cwd=folder))
        return {f.fields["callee"] for f in facts if f.kind == "call" and f.fields.get("id")}

    def test_written_by_the_compiler(self):
        self.assertEqual(self.callees(""), set())

    def test_declared_and_missing(self):
        self.assertIn("operator=", self.callees("Part &operator=(const Part &);"))


class SecondFlavour(unittest.TestCase):
    """Bodies that are equal in both flavours are not parsed twice. What is said about the second
    flavour must be what a run says that parses nothing else."""

    def facts_of_gil(self, path, *options):
        run_ = subprocess.run(
            [EXTCHECK, "--dump-facts", "--isolated", "--no-cache", "--python", "3.14", *options,
             path.name], cwd=path.parent, stdout=subprocess.PIPE, text=True, check=True)
        facts, keep = [], False
        for line in run_.stdout.splitlines():
            if line.startswith("unit\t"):
                keep = "\tflavour=gil" in line
            elif keep and not line.startswith("@ "):
                facts.append(line)
        return facts

    def test_second_flavour_says_what_it_says_alone(self):
        path = HERE / "cases" / "second_flavour.c"
        both = self.facts_of_gil(path)
        alone = self.facts_of_gil(path, "--target", "own-gil")
        self.assertGreater(len(alone), 40)
        self.assertEqual(both, alone)


if __name__ == "__main__":
    sys.exit(unittest.main())
