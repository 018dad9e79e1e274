"""Tests of the drivers themselves: headers, markers, the comparison, and a driver that fails."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import analyse  # noqa: E402
import build  # noqa: E402
import modinfo  # noqa: E402
import run  # noqa: E402
import tsan  # noqa: E402


class Folder(unittest.TestCase):
    """What every test module must keep to, whatever its hazard."""

    def setUp(self):
        self.modules = modinfo.load_all()

    def test_pairs_are_complete(self):
        names = {module.name for module in self.modules}
        folders = {path.name for path in modinfo.FOLDER.iterdir() if path.is_dir()}
        self.assertEqual(names, folders)
        self.assertGreaterEqual(len(names), 24)
        for module in self.modules:
            self.assertIn(module.half, ("bad", "good"), module.name)
            self.assertIn(f"{module.pair}_bad", names)
            self.assertIn(f"{module.pair}_good", names)
            self.assertTrue(module.exercise().is_file(), module.name)
            self.assertTrue(run.read_use(module), module.name)

    def test_bad_marks_its_hazard_and_good_marks_nothing(self):
        for module in self.modules:
            rules = {rule for rule, _ in module.markers() | module.todo_markers()}
            if module.half == "good":
                self.assertEqual((module.hazard, rules), ("none", set()), module.name)
            else:
                self.assertIn(module.hazard, rules, module.name)

    def test_good_promises_everything(self):
        for module in self.modules:
            if module.half == "good":
                kinds = {outcome.kind for outcome in (
                    module.main, module.twice, module.own_gil, module.shared_gil,
                    module.free_threaded)}
                self.assertEqual(kinds, {"ok"}, module.name)
                if "EXTSHIM_MODINIT(" in module.text:
                    continue  # declares what the flags claim
                self.assertIn("Py_MOD_PER_INTERPRETER_GIL_SUPPORTED", module.text)
                self.assertIn("Py_MOD_GIL_NOT_USED", module.text)

    def test_bad_promises_harm_somewhere(self):
        for module in self.modules:
            if module.half == "bad":
                promised = [c.name for c in module.contexts if c.name != "free-threaded"]
                self.assertTrue(promised or module.free_threaded.kind == "fails", module.name)


HEADER = """/*
 * testmod: x_bad
 * purpose: long
 *     enough
 * hazard: GLB01
 * python: 3.9
 * import-main: ok
 * import-twice: undefined
 * import-subinterpreter: {sub}
 * exercise: {exercise}
 * free-threaded: {free}
 * notes: none
 */
"""


class Reading(unittest.TestCase):
    def load(self, sub="ok", exercise="main: text", free="ok", body="", drop=""):
        text = HEADER.format(sub=sub, exercise=exercise, free=free).replace(drop, "") + body
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "x_bad" / "x_bad.c"
            source.parent.mkdir()
            source.write_text(text, encoding="utf-8")
            return modinfo.Testmod(source)

    def test_header(self):
        module = self.load('fails "no, it does not", shared-gil ok on gil builds')
        self.assertEqual(module.keys["purpose"], "long enough")
        self.assertEqual((module.own_gil.kind, module.own_gil.text), ("fails", "no, it does not"))
        self.assertEqual((module.shared_gil.kind, module.shared_gil.gil_only), ("ok", True))
        self.assertEqual((module.twice.kind, module.python), ("undefined", (3, 9)))

    def test_bad_headers_are_refused(self):
        wrong = [dict(sub="perhaps"), dict(sub='fails "x"'), dict(exercise="nowhere: text"),
                 dict(exercise="text without contexts"), dict(exercise="free-threaded: text"),
                 dict(free="fails"), dict(drop=" * hazard: GLB01\n"), dict(drop="/*\n"),
                 dict(drop="x_bad")]
        for arguments in wrong:
            with self.assertRaises(modinfo.HeaderError, msg=arguments):
                self.load(**arguments)

    def test_markers(self):
        text = ("int a; /* expect: GLB01 */\n/* expect: GLB08, LZY02 */\n\n/* why */\nint b;\n"
                "int c; // expect: INI13 INI14\nint d;\n")
        self.assertEqual(modinfo.read_markers(text), {
            ("GLB01", 1), ("GLB08", 5), ("LZY02", 5), ("INI13", 6), ("INI14", 6)})
        text = "int a; /* todo-expect: GLB01 */\nint b; /* expect: GLB08 */\n"
        self.assertEqual(modinfo.read_markers(text), {("GLB08", 2)})
        self.assertEqual(modinfo.read_markers(text, modinfo.TODO), {("GLB01", 1)})
        with self.assertRaises(modinfo.HeaderError):
            modinfo.read_markers("int a;\n/* expect: GLB01 */\n")

    def test_contexts(self):
        class Fake:
            build, minor = "gil", (3, 13)
        applies = {text: modinfo.Context(text).applies(Fake) for text in (
            "own-gil", "own-gil(gil)", "main(free-threaded)", "main(3.13+)", "main(3.14+)")}
        self.assertEqual(list(applies.values()), [True, True, False, True, False])


def fake_report(module, rules=None, verdict="not-ready", severity="blocker"):
    """What a checker would print that reports `rules` at their lines."""
    rules = module.markers() if rules is None else rules
    severities = {target: severity for target in analyse.TARGETS}
    return {"schema_version": 1,
            "findings": [{"rule": rule, "severity": severity, "severities": severities,
                          "file": str(module.source), "line": line, "column": 1}
                         for rule, line in rules],
            "modules": [{"name": module.name,
                         "verdicts": {target: {"verdict": verdict} for target in severities}}]}


class Comparing(unittest.TestCase):
    def setUp(self):
        modules = {module.name: module for module in modinfo.load_all()}
        self.bad = modules["static_cache_bad"]
        self.good = modules["static_cache_good"]

    def test_agreement(self):
        self.assertEqual(analyse.compare(fake_report(self.bad), self.bad), [])
        self.assertEqual(analyse.compare(fake_report(self.good, verdict="ready"), self.good), [])

    def test_missing_unexpected_and_moved(self):
        without = {pair for pair in self.bad.markers() if pair[0] != "INI13"}
        self.assertIn("INI13 is missing", analyse.compare(
            fake_report(self.bad, without), self.bad)[0])
        more = self.bad.markers() | {("GLB08", 3)}
        self.assertEqual(analyse.compare(fake_report(self.bad, more), self.bad),
                         ["line 3: GLB08 is unexpected"])
        moved = {(rule, line + 1) for rule, line in self.bad.markers()}
        self.assertEqual(len(analyse.compare(fake_report(self.bad, moved), self.bad)),
                         2 * len(moved))

    def test_advice_does_not_count(self):
        report = fake_report(self.good, {("TYP09", 5)}, "ready", "advice")
        self.assertEqual(analyse.compare(report, self.good), [])
        report["findings"][0]["severities"] = {"port": "blocker", "own-gil": "advice"}
        self.assertEqual(analyse.compare(report, self.good), [])
        report["findings"][0]["severities"]["reload"] = "hazard"
        self.assertEqual(analyse.compare(report, self.good), ["line 5: TYP09 is unexpected"])

    def test_todo_must_stay_missing(self):
        everything = fake_report(self.bad)
        self.bad.text = self.bad.text.replace("expect: GLB07", "todo-expect: GLB07")
        self.assertIn("GLB07 is reported now", analyse.compare(everything, self.bad)[0])
        self.assertEqual(analyse.compare(fake_report(self.bad), self.bad), [])

    def test_verdicts(self):
        for verdict in ("unknown", "ready-with-warnings", "runs-with-gil", "not-ready"):
            problems = analyse.compare(fake_report(self.good, verdict=verdict), self.good)
            self.assertEqual(len(problems), 2, verdict)
        problems = analyse.compare(fake_report(self.bad, verdict="ready"), self.bad)
        self.assertEqual(len(problems), len(analyse.TARGETS))

    def test_a_verdict_must_be_there(self):
        report = fake_report(self.good, verdict="ready")
        report["modules"] = []
        with self.assertRaises(analyse.Disagreement):
            analyse.compare(report, self.good)


class Running(unittest.TestCase):
    """The comparison with a program in place of extcheck, as the command line does it."""

    def analyse(self, script):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "extcheck"
            program.write_text(f"#!{sys.executable}\nimport json, sys\n{script}\n")
            program.chmod(0o755)
            return subprocess.run(
                [sys.executable, str(HERE / "analyse.py"), str(program), "static_cache_good",
                 "--python", "/usr/bin/python3"], capture_output=True, text=True, timeout=120)

    def test_program(self):
        module = [m for m in modinfo.load_all() if m.name == "static_cache_good"][0]
        text = json.dumps(fake_report(module, verdict="ready"))
        done = self.analyse(f"print({text!r})")
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]),
                         (0, "1 passed, 0 failed, 0 skipped"))

    def test_broken_programs(self):
        for script in ("sys.exit(2)", "print('no json')", "print('[]')", "print('{}')",
                       "import os; os.abort()"):
            done = self.analyse(script)
            self.assertEqual(done.returncode, 1, script)
            self.assertEqual(done.stdout.splitlines()[-1], "0 passed, 1 failed, 0 skipped")
            self.assertNotIn("Traceback", done.stderr)


class Verdicts(unittest.TestCase):
    """check_exercise must not take a failure of the exercise for an answer."""

    def result(self, half, answers, promised="undefined"):
        """Its result when the child processes answer one after the other as given."""
        module = [m for m in modinfo.load_all() if m.name == "static_cache_" + half][0]
        module.free_threaded = modinfo.Outcome(promised)
        original, run.run_child = run.run_child, lambda *_: answers.pop(0)
        try:
            context = "own-gil" if promised == "undefined" else "free-threaded"
            return run.check_exercise(module, None, None, context).status
        finally:
            run.run_child = original

    def test_bad_half(self):
        none, harm = (1, "no harm", ""), (0, "harm: seen", "")
        self.assertEqual(self.result("bad", [harm]), "passed")
        self.assertEqual(self.result("bad", [none, none, harm]), "passed")
        self.assertEqual(self.result("bad", [none] * run.TRIES), "failed")
        for broken in ((2, "", "Traceback"), (-11, "", ""), (None, "", "late"), (0, "", "")):
            self.assertEqual(self.result("bad", [broken]), "failed")

    def test_good_half(self):
        self.assertEqual(self.result("good", [(1, "no harm", "")]), "passed")
        for broken in ((0, "harm: seen", ""), (1, "", "Traceback"), (2, "", ""), (-6, "", ""),
                       (None, "", "late"), (-11, "no harm", "")):
            self.assertEqual(self.result("good", [broken]), "failed", broken)

    def test_promised_text(self):
        none = (0, "harm: other", "")
        self.assertEqual(self.result("bad", [none] * run.TRIES, 'fails "lost"'), "failed")
        self.assertEqual(self.result("bad", [(0, "harm: 3 lost", "")], 'fails "lost"'), "passed")


RACE = """==================
WARNING: ThreadSanitizer: data race (pid=1)
  Write of size 8 at 0x1 by thread T2:
    #0 {first}
    #1 use a.c:3 (x_bad.so+0x3)

  Previous write of size 8 at 0x1 by thread T1:
    #0 malloc <null> (libtsan.so.2+0x4)
    #1 {second}

SUMMARY: ThreadSanitizer: data race a.c:2 in f
==================
"""


class Sanitizer(unittest.TestCase):
    """Whose code raced: the module's, or Python's while the module called it."""

    def races(self, first, second):
        class Module:
            name = "x_bad"
        text = RACE.format(first=first, second=second)
        return tsan.own_races(text + text.replace("x_bad.so", "other.so"), Module)

    def test_own_code(self):
        own, python = "f a.c:2 (x_bad.so+0x1)", "g o.c:1 (python3.13t+0x2)"
        self.assertEqual(self.races(own, python), ["a.c:2 in f"])
        self.assertEqual(self.races(python, own), ["a.c:2 in f"])
        self.assertEqual(self.races(python, python), [])
        self.assertEqual(tsan.own_races("no report", None), [])

    def test_promises(self):
        names = {m.name for m in modinfo.load_all() if tsan.promises_races(m)}
        self.assertLessEqual({"global_setting_bad", "lost_count_bad", "static_cache_good"}, names)
        self.assertTrue(names.isdisjoint({"critical_return_bad", "single_phase_bad"}))


class Building(unittest.TestCase):
    """A warning fails a build, and a good build is found again."""

    def test_build(self):
        pythons, _ = build.interpreters()
        self.assertTrue(pythons, "no interpreter with headers; see tools/pythons")
        module = modinfo.load_all()[0]
        old = os.environ.get("XDG_CACHE_HOME")
        with tempfile.TemporaryDirectory() as folder:
            os.environ["XDG_CACHE_HOME"] = folder
            try:
                python, compiler = pythons[-1], build.Compiler()
                first, problem = build.build(module, python, compiler)
                self.assertTrue(first, problem)
                stamp = first.stat().st_mtime_ns
                again, _ = build.build(module, python, compiler)
                self.assertEqual((again, again.stat().st_mtime_ns), (first, stamp))
                broken = pathlib.Path(folder) / "warn.c"
                broken.write_text("int f(int a) { char b = a; return b; }\n")
                module.source = broken
                module.text = broken.read_text()
                failed, problem = build.build(module, python, compiler)
                self.assertIsNone(failed)
                self.assertIn("conversion", problem)
            finally:
                os.environ.pop("XDG_CACHE_HOME")
                if old is not None:
                    os.environ["XDG_CACHE_HOME"] = old


if __name__ == "__main__":
    unittest.main()
