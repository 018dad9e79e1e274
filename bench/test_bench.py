#!/usr/bin/env python3
"""Tests of the bench scripts themselves; needs neither the corpus nor a built checker."""

import io
import json
import os
import stat
import sys
import tarfile
import tempfile
import textwrap
import types
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE / "accuracy", HERE / "scan"):
    sys.path.insert(0, str(folder))

import benchlib  # noqa: E402
import canalyzer  # noqa: E402
import corpus  # noqa: E402
import cpython  # noqa: E402
import run  # noqa: E402
import sample  # noqa: E402

TREE_DUMP = """\
|-VarDecl 0x1 <line:1:1, col:5> col:5 used outside 'int' extern
|-VarDecl 0x2 <a.c:2:1, col:9> col:9 used shared 'int' static cinit
|-VarDecl 0x3 prev 0x1 <line:3:1, col:5> col:5 used exported 'int (*)(char *)' cinit
|-FunctionDecl 0x4 <line:5:1, line:9:1> line:5:5 used work 'int (int)'
| |-ParmVarDecl 0x5 <col:10, col:14> col:14 used amount 'int'
| `-CompoundStmt 0x6 <col:17, line:9:1>
|   |-DeclStmt 0x7 <line:6:5, col:22>
|   | `-VarDecl 0x8 <col:5, col:18> col:16 used calls 'int' static cinit
|   `-DeclStmt 0x9 <line:7:5, col:12>
|     `-VarDecl 0xa <col:5, col:9> col:9 used plain 'int'
`-VarDecl 0xb <line:11:1, col:5> col:5 last 'int'
"""


def write(path, text, executable=False):
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    if executable:
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def finding(symbol, severity="blocker", rule="GLB01", function="", file="Modules/a.c", line=3):
    return {"rule": rule, "severity": severity, "severities": {"own-gil": severity},
            "file": file, "line": line, "symbol": symbol, "function": function}


class Declarations(unittest.TestCase):
    def test_defined_static_storage_only(self):
        found = canalyzer.parse_declarations(TREE_DUMP.splitlines())
        self.assertEqual(found, {("-", "shared"), ("-", "exported"), ("work", "calls"),
                                 ("-", "last")})


class Matching(unittest.TestCase):
    tree = Path("/tree")

    def hits(self, entries, findings):
        reported, _ = canalyzer.reported_variables({"findings": findings}, "/tree")
        defined = {"Modules/a.c": {(e.function, e.name) for e in entries}}
        return canalyzer.judge(self.tree, entries, defined, reported)[1]

    def test_file_scope_entry_matches_by_file_and_symbol(self):
        entry = canalyzer.Entry("Modules/a.c", "-", "cache")
        self.assertIn(entry, self.hits([entry], [finding("cache", function="fill")]))
        self.assertNotIn(entry, self.hits([entry], [finding("cache", file="Modules/b.c")]))
        self.assertNotIn(entry, self.hits([entry], [finding("cache2")]))

    def test_local_static_needs_its_function(self):
        entry = canalyzer.Entry("Modules/a.c", "work", "calls")
        self.assertIn(entry, self.hits([entry], [finding("calls", function="work")]))
        self.assertNotIn(entry, self.hits([entry], [finding("calls", function="other")]))

    def test_advice_and_declaration_rules_do_not_count(self):
        entry = canalyzer.Entry("Modules/a.c", "-", "def")
        self.assertNotIn(entry, self.hits([entry], [finding("def", severity="advice")]))
        self.assertNotIn(entry, self.hits([entry], [finding("def", rule="INI01")]))

    def test_undefined_entry_is_absent_not_missed(self):
        entry = canalyzer.Entry("Modules/a.c", "-", "gone")
        existing, hits, absent = canalyzer.judge(self.tree, [entry], {"Modules/a.c": set()}, {})
        self.assertEqual((existing, hits, absent), ([], {}, [entry]))


class Drawing(unittest.TestCase):
    found = {sample.Drawn(p, "1", "x.c", str(n), "GLB01", "v"): {}
             for p in ("one", "two", "three") for n in range(20)}

    def test_limit_per_package_and_repeatable(self):
        taken = sample.draw(self.found, 7, 30, 4)
        self.assertEqual(len(taken), 12)
        self.assertEqual(taken, sample.draw(dict(reversed(self.found.items())), 7, 30, 4))
        self.assertNotEqual(taken, sample.draw(self.found, 8, 30, 4))

    def test_judgement_needs_a_proof(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "judgements.tsv"
            row = ["1", "one", "1", "x.c", "3", "GLB01", "v", "right", ""]
            path.write_text("\t".join(sample.COLUMNS) + "\n" + "\t".join(row) + "\n")
            with self.assertRaises(benchlib.BenchError):
                sample.read_judgements(path)
            row[8] = "line 9 writes it from a method without a lock"
            path.write_text("\t".join(sample.COLUMNS) + "\n" + "\t".join(row) + "\n")
            self.assertEqual(len(sample.read_judgements(path)), 1)


class Flags(unittest.TestCase):
    def test_only_what_a_parser_needs(self):
        words = "gcc -O3 -Wall -I . -IInclude -DA=1 -g -std=c11 -fPIC -c a.c -o a.o".split()
        self.assertEqual(cpython.keep_flags(words), ["-I", ".", "-IInclude", "-DA=1", "-std=c11"])

    def test_table_of_the_corpus_is_sound(self):
        for name, modules in benchlib.packages(benchlib.read_corpus()).items():
            self.assertEqual(len({(m.version, m.sha256) for m in modules}), 1, name)
            self.assertEqual(len(modules[0].sha256), 64, name)


class Archives(unittest.TestCase):
    def test_a_path_outside_is_refused(self):
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as archive:
            member = tarfile.TarInfo("../outside.c")
            archive.addfile(member, io.BytesIO())
        data.seek(0)
        with tarfile.open(fileobj=data) as archive, self.assertRaises(benchlib.BenchError):
            list(corpus.safe_members(archive, "/nowhere/target"))


class Downloads(unittest.TestCase):
    """What an index says that cannot be had, or has no such version; nothing is fetched."""

    class Session:
        def get(self, url):
            raise OSError(f"no way to {url}")

    class Finder:
        def __init__(self, candidates):
            self.candidates, self.search_scope = candidates, self

        def find_all_candidates(self, _package):
            return self.candidates

        def get_index_urls_locations(self, package):
            return [f"https://index.invalid/{package}/"]

    def complaint(self, candidates):
        index = corpus.Index.__new__(corpus.Index)
        index._session, index._finder = self.Session(), self.Finder(candidates)
        with self.assertRaises(benchlib.BenchError) as caught:
            index.archive("spam", "1.0")
        return str(caught.exception)

    def test_an_index_that_cannot_be_had_is_named(self):
        self.assertIn("no way to https://index.invalid/spam/", self.complaint([]))

    def test_a_version_that_is_gone(self):
        other = types.SimpleNamespace(link=types.SimpleNamespace(is_wheel=False), version="2.0")
        self.assertIn("no source archive of that version", self.complaint([other]))


class Running(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def fake(self, body):
        return str(write(self.folder / "fake", f"#!{sys.executable}\n" + body, executable=True))

    def test_report_is_read_whatever_the_verdict(self):
        report = {"findings": [], "failed": [{"file": "a.c"}, "b.c"]}
        fake = self.fake(f"print({json.dumps(report)!r}); raise SystemExit(2)\n")
        read = benchlib.run_extcheck(fake, [], self.folder)
        self.assertEqual(benchlib.failed_files(read), ["a.c", "b.c"])

    def test_a_crash_and_a_broken_report_are_errors(self):
        for body in ("import os\nos.abort()\n", "print('no json')\n", "print('[]')\n"):
            with self.assertRaises(benchlib.BenchError):
                benchlib.run_extcheck(self.fake(body), [], self.folder)

    def test_cost_of_children_is_counted(self):
        spin = ("import subprocess, sys, time\n"
                "code = ('import time\\nwhile time.process_time() < 0.3: pass\\n'\n"
                "        'x = b\"x\" * (60 << 20)')\n"
                "raise SystemExit(subprocess.call([sys.executable, '-c', code]))\n")
        with open(os.devnull, "wb") as nothing:
            taken = run.run_commands([([self.fake(spin)], self.folder)], 1, None, nothing)
        self.assertEqual(taken.codes, [0])
        self.assertGreater(taken.cpu, 0.3)
        self.assertGreater(taken.peak_mb, 60)

    def test_targets_follow_the_kind(self):
        limits = {line.title: line.limit for line in run.lines_for("cpython", 94)}
        self.assertEqual(limits["CPU, 1 job / clang"], 0.6)
        self.assertEqual(limits["wall, unchanged second run / clang 1 job"], 0.02)
        self.assertFalse(run.verdict(0.61, "<=", 0.6)[1])
        self.assertFalse(run.verdict(1.9, ">=", 2.0)[1])
        self.assertTrue(run.verdict(9.9, "<=", None)[1])


if __name__ == "__main__":
    unittest.main()
