#!/usr/bin/env python3
"""Options, exit codes, commands and outputs."""

import json
import os
import re
import sys
import unittest
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from support import EXTCHECK, CliTest, bad_module, good_module  # noqa: E402


class ExitCodes(CliTest):
    def setUp(self):
        super().setUp()
        self.write("bad.c", bad_module())
        self.write("good.c", good_module())

    def test_clean(self):
        result = self.expect(0, "good.c")
        self.assertIn("analysed 1/1 files", result.err)
        self.assertRegex(result.out, r"eggs +own-gil +ready")

    def test_findings(self):
        result = self.expect(1, "bad.c")
        self.assertIn("bad.c:3:18:", result.out)
        self.assertRegex(result.out, r"spam +own-gil +not-ready")

    def test_trouble_wins(self):
        result = self.expect(2, "bad.c", "absent.c")
        self.assertIn("bad.c:3:18:", result.out)
        self.assertIn("analysed 1/2 files, 1 failed: absent.c (no such file)", result.err)

    def test_exit_zero_leaves_trouble_alone(self):
        self.expect(0, "--exit-zero", "bad.c")
        self.expect(2, "--exit-zero", "bad.c", "absent.c")

    def test_fail_on(self):
        self.expect(1, "--fail-on", "blocker", "bad.c")
        result = self.expect(0, "--fail-on=blocker", "--target", "shared-gil", "bad.c")
        self.assertIn("bad.c:3:18:", result.out)
        self.expect(1, "--fail-on=hazard", "--target", "shared-gil", "bad.c")

    def test_same_code_in_every_format(self):
        for name in ("full", "concise", "json", "sarif", "github", "gitlab", "junit"):
            with self.subTest(name):
                self.expect(1, "--format", name, "bad.c")
                self.expect(0, "--format", name, "good.c")
                self.expect(2, "--format", name, "good.c", "absent.c")

    def test_closing_line_in_every_format(self):
        for name in ("concise", "json", "sarif", "github", "gitlab", "junit"):
            result = self.expect(1, "--format", name, "-q", "bad.c")
            self.assertIn("analysed 1/1 files", result.err, name)


class PortTarget(CliTest):
    """What newer Pythons change: a note by default, a finding like any other when asked for."""

    SOURCE = """#include <Python.h>
static PyTypeObject kind = {PyVarObject_HEAD_INIT(NULL, 0) "kinds.kind", 0};
static PyModuleDef def = {PyModuleDef_HEAD_INIT, "kinds", NULL, -1, NULL};
PyMODINIT_FUNC PyInit_kinds(void) { PyType_Ready(&kind); return PyModule_Create(&def); }
"""

    def setUp(self):
        super().setUp()
        self.write("kinds.c", self.SOURCE)

    def test_header_names_the_target(self):
        result = self.expect(1, "--target", "port", "kinds.c")
        self.assertRegex(result.out, r"kinds\.c:2:\d+: hazard\[port\]: .*\[TYP01 ")
        self.assertNotIn("= also:", result.out)
        self.assertIn("port: it has no verdict of its own", result.out)

    def test_concise(self):
        result = self.expect(1, "--target", "port", "--format", "concise", "kinds.c")
        self.assertRegex(result.out, r"kinds\.c:2:\d+: hazard: port: .*\[TYP01\]")

    def test_below_another_target(self):
        result = self.expect(1, "--target", "own-gil,port", "kinds.c")
        self.assertRegex(result.out, r"kinds\.c:2:\d+: blocker\[own-gil\]: .*\[TYP01 ")
        self.assertIn("= also: hazard for port", result.out)
        self.assertRegex(result.out, r"TYP01 kinds\.c:2: \d+ blockers, and single-phase init")

    def test_explain_lists_a_family(self):
        result = self.expect(0, "explain", "LOC")
        self.assertRegex(result.out, r"(?m)^LOC01 +local-static-mutable ")
        rules = [line.split()[0] for line in result.out.splitlines()]
        self.assertGreater(len(rules), 1)
        self.assertEqual([rule for rule in rules if not rule.startswith("LOC")], [])


class Assertions(CliTest):
    """Compiled out by default, analysed where the flags say -UNDEBUG."""

    def test_undebug(self):
        self.write("seen.c", """#include <Python.h>
#ifdef NDEBUG
#error without assertions
#else
#error with assertions
#endif
""")
        for flags, expected in (((), "without"), (("-UNDEBUG",), "with"),
                                (("-U", "NDEBUG"), "with"), (("-DNDEBUG",), "without")):
            with self.subTest(flags=flags):
                result = self.run_cli("seen.c", "--", *flags)
                self.assertIn(f"seen.c ({expected} assertions at line", result.err)


class Usage(CliTest):
    def test_nothing_to_analyse(self):
        result = self.expect(2)
        self.assertIn("nothing to analyse", result.err)
        self.assertEqual(result.out, "")

    def test_wrong_usage(self):
        cases = {
            ("--taget", "own-gil", "a.c"): "did you mean '--target'?",
            ("-I/usr/include", "a.c"): "after the files and `--`",
            ("-DFOO", "a.c"): "after the files and `--`",
            ("--target", "own-gill", "a.c"): "did you mean 'own-gil'?",
            ("--target", "own-gil", "a.c", "--format"): "--format needs a value",
            ("--format", "yaml", "a.c"): "there is no format 'yaml', only full",
            ("--output", "sarif", "a.c"): "is not FORMAT=PATH",
            ("--output", "yaml=x", "a.c"): "there is no format 'yaml'",
            ("-j", "0", "a.c"): "'0' is not a number from 1 on",
            ("-j", "4x", "a.c"): "'4x' is not a number",
            ("-j",): "-j needs a value",
            ("--timeout", "-5", "a.c"): "'-5' is not a number",
            ("--min-python", "2.7", "a.c"): "'2.7' is not a version",
            ("--min-python", "3.14t", "a.c"): "'3.14t' is not a version",
            ("--color", "sometimes", "a.c"): "is not one of auto,always,never",
            ("--fail-on", "warning", "a.c"): "is not one of advice,hazard,blocker",
            ("--quiet=yes", "a.c"): "--quiet takes no value",
            ("--baseline", "", "a.c"): "not empty",
            ("--select", "NOPE", "--isolated", "a.c"): "no rule or family is called 'NOPE'",
            ("--ignore", "glb01", "--isolated", "a.c"): "no rule or family is called 'glb01'",
            ("--baseline-prune", "a.c"): "--baseline-prune needs --baseline",
            ("--facts", "x", "a.c"): "takes the place of source files",
            ("--root", "/nowhere/at/all", "a.c"): "there is no folder",
            ("--python", "/nowhere/python3", "a.c"): "there is no program '/nowhere/python3'",
            ("--target=", "a.c"): "names nothing",
            ("--select", " ,", "a.c"): "names nothing",
            ("--output", "json=p", "--output", "sarif=p", "a.c"): "two reports are to be",
            ("-o", "p", "--output", "json=p", "a.c"): "two reports are to be written to p",
            ("--dump-facts", "--output", "json=p", "a.c"): "leave out --output",
            ("--dump-facts", "--format", "sarif", "a.c"): "leave out --format",
            ("--facts", "/dev/null"): "no regular file",
            ("--facts", "-"): "--dump-facts FILE",
            ("explain",): "explain needs one rule",
            ("explain", "GLB01", "GLB02"): "explain needs one rule",
            ("explain", "GLB99"): "there is no rule 'GLB99'; did you mean",
            ("rules", "a.c"): "rules takes no files",
        }
        self.write("a.c", good_module())
        for arguments, message in cases.items():
            with self.subTest(arguments):
                result = self.expect(2, *arguments)
                self.assertIn(message, result.err)
                self.assertEqual(result.out, "")

    def test_options_and_files_mix(self):
        self.write("bad.c", bad_module())
        result = self.expect(1, "bad.c", "--format", "concise", "-qj2", "-t", "own-gil")
        self.assertNotIn("blockers", result.err)
        self.assertNotIn("free-threaded", result.out)

    def test_flags_after_two_dashes(self):
        self.write("bad.c", "#ifdef WANTED\n" + bad_module() + "#endif\n")
        self.assertNotIn("GLB", self.run_cli("bad.c").out)
        self.assertIn("GLB", self.expect(1, "bad.c", "--", "-DWANTED=1").out)

    def test_help_names_every_option_of_the_table(self):
        result = self.expect(0, "--help")
        self.assertEqual(result.err, "")
        for name in ("target min-python select ignore confidence level trusted api rules python "
                     "compile-commands timeout memory jobs libclang facts dump-facts baseline "
                     "write-baseline baseline-prune show-suppressed format output-file output "
                     "color root statistics quiet fail-on exit-zero isolated print-config "
                     "cache-dir no-cache check-rules version help").split():
            self.assertRegex(result.out, rf"--{name}\b")
        self.assertIn("Exit code: 0 nothing found; 1", result.out)
        self.assertLessEqual(max(map(len, result.out.splitlines())), 100)
        self.assertEqual(self.expect(0, "-h").out, result.out)

    def test_version(self):
        result = self.expect(0, "--version")
        self.assertRegex(result.out, r"\Aextcheck \d+\.\d+\.\d+\nlibclang \d+\.\d+.*/.*libclang")

    def test_full_standard_output(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        self.write("bad.c", bad_module())
        for arguments in (["bad.c"], ["--help"], ["rules"], ["bad.c", "-o", "/dev/full"]):
            with self.subTest(arguments), open("/dev/full", "wb") as full:
                import subprocess
                done = subprocess.run([EXTCHECK, *arguments], cwd=self.folder, stdout=full,
                                      stderr=subprocess.PIPE, check=False)
                self.assertEqual(done.returncode, 2)
                self.assertIn(b"cannot write", done.stderr)


class Commands(CliTest):
    def test_explain(self):
        by_id = self.expect(0, "explain", "GLB01")
        self.assertTrue(by_id.out.startswith("GLB01 "), by_id.out[:80])
        for heading in ("What it finds", "Why it matters", "Bad", "Good", "How to fix", "Limits",
                        "References"):
            self.assertIn(f"# {heading}\n", by_id.out)
        self.assertNotIn("\nwhere:", by_id.out)
        name = by_id.out.splitlines()[0].split()[1]
        self.assertEqual(self.expect(0, "explain", name).out, by_id.out)

    def test_rules(self):
        result = self.expect(0, "rules")
        ids = [line.split()[0] for line in result.out.splitlines()]
        self.assertEqual(ids, sorted(ids))
        self.assertEqual(len(ids), len(set(ids)))
        for family in ("INI", "GLB", "LZY", "LOC", "TLS", "TYP", "META"):
            self.assertTrue(any(i.startswith(family) for i in ids), family)

    def test_every_rule_can_be_explained(self):
        for line in self.expect(0, "rules").out.splitlines():
            self.expect(0, "explain", line.split()[0])

    def test_check_rules(self):
        result = self.expect(0, "--check-rules")
        self.assertRegex(result.out, r"\A\d+ rules, 0 complaints")

    def test_rules_folder_of_ones_own(self):
        self.write("mine/glb/GLB01-mine.md", "---\nid: GLB01\nname: [\n---\n")
        result = self.expect(2, "--rules", "mine", "rules")
        self.assertIn("GLB01-mine.md", result.err)

    def test_files_called_like_commands(self):
        self.write("rules.c", good_module())
        self.expect(0, "rules.c")
        self.expect(0, "./rules.c", "--", "-DX")


class Outputs(CliTest):
    def setUp(self):
        super().setUp()
        self.write("bad.c", bad_module())

    def test_output_file(self):
        result = self.expect(1, "-o", "report.txt", "bad.c")
        self.assertEqual(result.out, "")
        self.assertIn("bad.c:3:18:", (self.folder / "report.txt").read_text())

    def test_several_in_one_run(self):
        result = self.expect(1, "--output", "sarif=a.sarif", "--output=json=a.json",
                             "--output", "junit=a.xml", "--output=gitlab=a.gl.json", "bad.c")
        self.assertIn("bad.c:3:18:", result.out)
        self.assertEqual(json.loads((self.folder / "a.sarif").read_text())["version"], "2.1.0")
        self.assertIn("findings", json.loads((self.folder / "a.json").read_text()))
        self.assertIsInstance(json.loads((self.folder / "a.gl.json").read_text()), list)
        xml.etree.ElementTree.parse(self.folder / "a.xml")

    def test_sarif_alone_on_standard_output(self):
        for arguments in (["--format", "sarif"], ["--output", "sarif=-"]):
            result = self.expect(1, *arguments, "bad.c")
            self.assertEqual(json.loads(result.out)["version"], "2.1.0")

    def test_unwritable(self):
        result = self.expect(2, "-o", "no/such/folder/x", "bad.c")
        self.assertIn("cannot write no/such/folder/x", result.err)
        result = self.expect(2, "--output", "json=no/such/x", "bad.c")
        self.assertIn("bad.c:3:18:", result.out)

    def test_concise(self):
        result = self.expect(1, "--format", "concise", "bad.c")
        self.assertRegex(result.out.splitlines()[0],
                         r"^bad\.c:3:18: blocker: own-gil: .*\[[A-Z]+\d+.*\]$")
        last = result.out.splitlines()[-3:]
        self.assertRegex(last[0], r"^spam: own-gil: not-ready \(GLB07 bad\.c:3: ")
        self.assertEqual([line.split(": ")[1] for line in last],
                         ["own-gil", "shared-gil", "free-threaded"])
        quiet = self.expect(1, "--format", "concise", "-q", "bad.c").out.splitlines()
        self.assertEqual(result.out.splitlines()[:-3], quiet)

    def test_only_targets_that_were_asked_for(self):
        """No format talks about a target that nobody asked for, in findings and verdicts."""
        words = {"own-gil": ("own-gil", "own GIL", "own-GIL", "interpreter", "shared-gil"),
                 "free-threaded": ("free-threaded", "free threaded", "without the GIL")}
        for asked, other in (("own-gil", "free-threaded"), ("free-threaded", "own-gil")):
            for name in ("full", "concise", "json", "sarif", "github", "gitlab", "junit"):
                report = self.run_cli("-t", asked, "--format", name, "bad.c").out
                if name == "sarif":  # rules are described for all targets
                    run = json.loads(report)["runs"][0]
                    del run["tool"]
                    report = json.dumps(run)
                self.assertIn("cache", report)
                for word in words[other]:
                    # The slot is in the source line that a report shows.
                    text = report.replace("Py_MOD_PER_INTERPRETER", "").replace(
                        "Py_mod_multiple_interpreters", "")
                    self.assertNotIn(word, text, f"{name} for {asked}")
        both = self.run_cli("--format", "concise", "bad.c").out
        self.assertIn("shared by every interpreter", both)

    def test_both_flavours_make_one_finding(self):
        """Where the flavours differ they are judged apart; texts for targets must not split them."""
        more = "#ifdef Py_GIL_DISABLED\nstatic int only_here(void) { return 1; }\n#endif\n"
        self.write("bad.c", bad_module() + more)
        lines = self.expect(1, "--format", "concise", "-q", "bad.c").out.splitlines()
        found = [line for line in lines if "[GLB07]" in line]
        self.assertEqual(len(found), 1, lines)
        self.assertIn("shared by every interpreter", found[0])
        report = json.loads(self.run_cli("--format", "json", "bad.c").out)
        severity = [f["severities"] for f in report["findings"] if f["rule"] == "GLB07"]
        self.assertEqual(len(severity), 1)
        self.assertEqual((severity[0]["own-gil"], severity[0]["free-threaded"]),
                         ("blocker", "hazard"))

    def test_one_word_one_meaning(self):
        """`note:` is a related place, what is least severe is advice, and the run has remarks."""
        self.write("header.h", "")
        result = self.run_cli("bad.c", "header.h")
        self.assertRegex(result.err, r"\d+ advice\b")
        self.assertNotIn("notes", result.out + result.err)
        self.assertRegex(result.out, r"bad\.c:\d+:\d+: note: ")
        self.assertIn("\nremarks:\n", result.out)

    def test_color(self):
        escape = "\x1b["
        self.assertNotIn(escape, self.run_cli("bad.c").out)
        self.assertIn(escape, self.run_cli("--color=always", "bad.c").out)
        self.assertIn(escape, self.run_cli("bad.c", env={"FORCE_COLOR": "1"}).out)
        self.assertNotIn(escape, self.run_cli("bad.c", env={"FORCE_COLOR": "0"}).out)
        self.assertNotIn(escape, self.run_cli("bad.c", env={"FORCE_COLOR": "1",
                                                            "NO_COLOR": "1"}).out)
        self.assertNotIn(escape, self.run_cli("--color=never", "bad.c",
                                              env={"FORCE_COLOR": "1"}).out)
        self.assertIn(escape, self.run_cli("--color", "always", "bad.c",
                                           env={"NO_COLOR": "1"}).out)

    def test_statistics_on_standard_error(self):
        plain = self.run_cli("bad.c")
        counted = self.run_cli("--statistics", "bad.c")
        self.assertEqual(plain.out, counted.out)
        rule = self.rules_in(self.run_cli("--format=concise", "bad.c"))[0]
        self.assertNotIn(rule, plain.err)
        self.assertIn(rule, counted.err)

    def test_quiet_keeps_the_closing_line(self):
        self.assertIn("blocker", self.run_cli("bad.c").err)
        quiet = self.run_cli("-q", "bad.c").err
        self.assertNotIn("blocker", quiet)
        self.assertIn("analysed 1/1 files", quiet)

    def test_root(self):
        self.write("src/deep/bad.c", bad_module())
        data = json.loads(self.run_cli("--root", "src", "--format=json", "src/deep/bad.c").out)
        self.assertEqual({f["file"] for f in data["findings"]}, {"deep/bad.c"})

    def test_reproducible(self):
        self.write("worse.c", bad_module("worse"))
        first = self.run_cli("--format", "json", "-j1", "bad.c", "worse.c")
        again = self.run_cli("--format", "json", "-j4", "--no-cache", "worse.c", "bad.c")
        self.assertEqual(json.loads(first.out)["findings"], json.loads(again.out)["findings"])


class Selection(CliTest):
    def setUp(self):
        super().setUp()
        self.write("bad.c", bad_module())
        self.all = self.rules_in(self.run_cli("--format", "concise", "bad.c"))

    def test_something_to_choose_from(self):
        self.assertTrue(self.all)

    def test_select(self):
        rule = self.all[0]
        family = re.match("[A-Z]+", rule)[0]
        self.assertEqual(set(self.rules_in(self.run_cli("--format=concise", "--select", rule,
                                                        "bad.c"))), {rule})
        chosen = self.rules_in(self.run_cli("--format=concise", "--select", family, "bad.c"))
        self.assertEqual(chosen, [r for r in self.all if r.startswith(family)])
        self.assertEqual(self.rules_in(self.run_cli("--format=concise", "--select", "CPP",
                                                    "bad.c")), [])

    def test_ignore(self):
        rule = self.all[0]
        self.assertNotIn(rule, self.rules_in(self.run_cli("--format=concise", "--ignore", rule,
                                                          "bad.c")))

    def test_targets(self):
        data = json.loads(self.run_cli("--format=json", "-t", "free-threaded", "bad.c").out)
        for finding in data["findings"]:
            self.assertLessEqual(set(finding["severities"]), {"free-threaded", "port"})
        data = json.loads(self.run_cli("--format=json", "-t", "all", "bad.c").out)
        self.assertIn("reload", data["modules"][0]["verdicts"])

    def test_level_strict_is_low_confidence(self):
        strict = self.run_cli("--format=json", "--level=strict", "bad.c").out
        low = self.run_cli("--format=json", "--confidence=low", "bad.c").out
        self.assertEqual(strict, low)


class Facts(CliTest):
    def test_round_trip(self):
        self.write("bad.c", bad_module())
        dump = self.expect(0, "--dump-facts", "bad.c")
        self.assertIn("\nvariable\t", dump.out)
        self.write("bad.facts", dump.out.encode())
        direct = self.run_cli("--format=concise", "bad.c")
        self.assertEqual(self.expect(1, "--facts", "bad.facts", "--format=concise").out, direct.out)
        self.assertEqual(self.expect(1, "--facts", "-", "--format=concise",
                                     stdin=dump.out.encode()).out, direct.out)

    def test_facts_name_their_headers(self):
        self.write("good.c", good_module())
        dump = self.expect(0, "--dump-facts", "good.c").out
        python = re.search(r"\tpython=(3\.\d+)", dump).group(1)
        self.write("good.facts", dump)
        self.assertIn(f"the facts in good.facts come from headers of Python {python}\n",
                      self.expect(0, "--facts", "good.facts").out)
        self.write("mixed.facts", dump + dump.replace("@ good.c", "@ other.c")
                   .replace("path=good.c", "path=other.c")
                   .replace(f"python={python}", "python=3.10"))
        self.assertIn(f"from headers of Python {python},3.10\n",
                      self.run_cli("--facts", "mixed.facts").out)

    def test_flags_that_clang_does_not_know(self):
        self.write("good.c", good_module())
        self.assertIn("does it know '-std=c77'?", self.expect(2, "good.c", "--", "-std=c77").err)
        self.assertIn("the flag '-bogusflag' behind -- is not used",
                      self.expect(0, "good.c", "--", "-bogusflag").err)

    def test_dump_tells_failures(self):
        result = self.expect(2, "--dump-facts", "absent.c")
        self.assertIn("absent.c: no such file", result.err)

    def test_bad_facts(self):
        self.write("x.facts", "@ a.c\nvariable\t1:1-2\tcolour=red\n")
        self.assertIn("line 2: unknown field", self.expect(2, "--facts", "x.facts").err)
        self.assertIn("No such file", self.expect(2, "--facts", "none").err)
        self.write("random.facts", os.urandom(4096))
        self.expect(2, "--facts", "random.facts")

    def test_failed_unit_counts(self):
        self.write("x.facts", "@ a.c\nunit\t1:1-1\tpath=a.c\tstatus=timeout\tmessage=60 s\n")
        self.assertIn("analysed 0/1 files, 1 failed: a.c (60 s)",
                      self.expect(2, "--facts", "x.facts").err)

    def test_old_headers_make_unknown(self):
        self.write("bad.c", bad_module())
        dump = self.run_cli("--dump-facts", "bad.c").out
        old = re.sub(r"\tpython=3\.\d+", "\tpython=3.11", dump)
        self.assertNotEqual(old, dump)
        result = self.expect(2, "--facts", "-", stdin=old.encode())
        for target in ("own-gil", "free-threaded"):
            self.assertRegex(result.out, rf"{target} +unknown .*needs 3\.13\+ headers")
            self.assertIn(f"target {target} was not judged: needs 3.13+ headers", result.err)
        self.assertNotRegex(result.out, r"shared-gil +unknown")


class Trusted(CliTest):
    HEADER = "int vendored_pack(int x);\n"

    def setUp(self):
        super().setUp()
        self.write("vendored.h", self.HEADER)
        source = good_module().replace("#include <Python.h>",
                                       '#include <Python.h>\n#include "vendored.h"')
        self.write("good.c", source.replace("return PyDict_New();",
                                            "return PyLong_FromLong(vendored_pack(1));"))

    def test_a_hole_is_unknown_and_named(self):
        result = self.run_cli("good.c")
        self.assertRegex(result.out, r"own-gil +unknown")
        self.assertIn("vendored_pack", result.out)

    def test_trusted(self):
        result = self.expect(0, "--trusted", "vendored_*", "good.c")
        self.assertRegex(result.out, r"own-gil +ready +declared; 1 function taken on trust\n")
        self.assertIn("1 function counts as analysed by the setting 'trusted'", result.out)

    def test_trust_is_recorded(self):
        """Two functions that this module calls; the module beside it trusts nothing."""
        text = (self.folder / "good.c").read_text().replace(
            "vendored_pack(1)", "vendored_pack(1) + vendored_unpack(1)")
        with open(self.folder / "vendored.h", "a", encoding="utf-8") as header:
            header.write("int vendored_unpack(int);\n")
        self.write("good.c", text)
        self.write("other.c", good_module("other"))
        self.expect(0, "--trusted", "vendored_*", "--write-verdict", "v.json", "good.c", "other.c")
        rows = json.loads((self.folder / "v.json").read_text())["modules"]
        reasons = {row["module"]: row["verdicts"]["own-gil"]["reason"] for row in rows}
        self.assertEqual(reasons, {"eggs": "declared; 2 functions taken on trust",
                                   "other": "declared, and nothing speaks against it"})


class Cache(CliTest):
    def test_cache_folder(self):
        self.write("bad.c", bad_module())
        first = self.run_cli("--cache-dir", "kept", "bad.c")
        self.assertTrue(list((self.folder / "kept").rglob("*")))
        self.assertEqual(self.run_cli("--cache-dir", "kept", "bad.c").out, first.out)

    def test_no_cache(self):
        self.write("bad.c", bad_module())
        home = self.folder / "home"
        home.mkdir()
        self.run_cli("--no-cache", "bad.c", env={"XDG_CACHE_HOME": str(home)})
        self.assertEqual([p for p in home.rglob("*") if p.is_file()], [])

    def test_broken_cache_is_no_trouble(self):
        self.write("bad.c", bad_module())
        first = self.run_cli("--cache-dir", "kept", "bad.c")
        for path in (self.folder / "kept").rglob("*"):
            if path.is_file():
                path.write_bytes(b"\0 nonsense\n")
        again = self.run_cli("--cache-dir", "kept", "bad.c")
        self.assertEqual((again.code, again.out), (first.code, first.out))

    def test_unwritable_cache_is_no_trouble(self):
        self.write("bad.c", bad_module())
        self.write("file", "no folder")
        self.expect(1, "--cache-dir", "file/below", "bad.c")


if __name__ == "__main__":
    unittest.main()
