"""What a module is to declare, in runs without a gate: by options, and by the note of a binary."""

import json
import unittest

from support import BUILD_OWN, DECLARE_OWN, EXTCHECK, INCLUDE, PACKAGE, GateTest, need, source

BOTH = ("--supports-own-gil", "--supports-free-threaded")


class ClaimsTest(GateTest):
    def check(self, code, *arguments, python):
        """The JSON report of a plain run."""
        done = self.expect(code, EXTCHECK, "--isolated", "--python", python.path, "--format",
                           "json", "--cache-dir", "cache", *arguments, "--", f"-I{INCLUDE}")
        return json.loads(done.out)

    def verdicts(self, report, name="spam"):
        (one,) = [m for m in report["modules"] if m["name"] == name]
        return {t: v["verdict"] for t, v in one["verdicts"].items()}

    def rules(self, report):
        return {finding["rule"] for finding in report["findings"]}


class Options(ClaimsTest):
    def test_a_plain_run_judges_with_the_claims(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready"))
        for _ in range(2):  # the second time from the cache
            plain = self.check(1, "spam.c", python=python)
            self.assertLessEqual({"INI12", "INI16"}, self.rules(plain))
            self.assertEqual(self.verdicts(plain)["own-gil"], "not-ready")
            asked = self.check(0, *BOTH, "spam.c", python=python)
            self.assertEqual(self.verdicts(asked)["own-gil"], "ready", asked["modules"])
            self.assertEqual(self.verdicts(asked)["free-threaded"], "ready")

    def test_a_claim_that_does_not_hold_is_found(self):
        (python,) = need("3.13")
        self.write("spam.c", source("shares"))
        report = self.check(1, *BOTH, "spam.c", python=python)
        self.assertIn("INI13", self.rules(report))
        self.assertEqual(self.verdicts(report)["own-gil"], "not-ready")

    def test_the_fix_names_the_option(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready"))
        done = self.expect(1, EXTCHECK, "--isolated", "--python", python.path, "--target",
                           "own-gil", "spam.c", "--", f"-I{INCLUDE}")
        self.assertIn("--supports-own-gil", done.out)


class Notes(ClaimsTest):
    def made(self, python, kind="ready", gate=BOTH, **switches):
        text = source(kind).replace(
            "    return result;", "    Py_XDECREF(PyLong_FromLong(4242));\n    return result;")
        self.write("spam.c", text)
        self.gate(0, python, *gate, **switches)
        return self.compile(python)

    def test_sources_beside_a_binary_are_judged_with_its_claims(self):
        (python,) = need("3.14")
        path = self.made(python)
        report = self.check(0, path, "spam.c", python=python)
        self.assertEqual(self.verdicts(report)["own-gil"], "ready", report)
        self.assertTrue([r for r in report["notes"] if "--supports-own-gil" in r])
        self.check(0, "--write-verdict", "v.json", path, "spam.c", python=python)
        (row,) = json.loads((self.folder / "v.json").read_text())["binaries"]
        self.assertEqual((row["from"], row["verdicts"]["own-gil"]["verdict"]), ("sources", "ready"))

    def test_a_note_without_claims_gives_none(self):
        (python,) = need("3.14")
        report = self.check(1, self.made(python, gate=()), "spam.c", python=python)
        self.assertEqual(self.verdicts(report)["own-gil"], "not-ready")

    def test_a_claim_in_the_note_hides_no_blocker(self):
        (python,) = need("3.14")
        self.made(python)
        path = self.compile(python)
        self.write("spam.c", source("shares"))
        report = self.check(1, path, "spam.c", python=python)
        self.assertEqual(self.verdicts(report)["own-gil"], "not-ready")
        self.assertIn("ELF26", self.rules(report))

    def test_quiet_keeps_the_verdicts_and_not_ready_is_exit_1(self):
        (python,) = need("3.14")
        run = (EXTCHECK, "--isolated")
        path = self.made(python)
        self.assertIn("own-gil ready", self.expect(0, *run, "-q", path).out)
        path = self.made(python, "shares", gate=())
        for quiet in ((), ("-q",), ("-q", "--format", "concise")):
            self.assertIn("not-ready", self.expect(1, *run, *quiet, path).out)
        self.expect(0, *run, "--exit-zero", path)
        self.expect(0, *run, "--target", "port", path)


class Gate(ClaimsTest):
    def test_a_missing_header_is_named(self):
        (python,) = need("3.14")
        self.write("spam.c", '#include "nonexistent_thing.h"\n' + source("ready"))
        done = self.gate(2, python, "--supports-own-gil")
        self.assertIn("spam.c: 'nonexistent_thing.h' file not found at line 1", done.err)
        self.assertNotIn("(no init function)'", done.err)
        self.assertFalse((self.folder / "out/extcheck_note_spam.c").exists())
        self.assertIn("nonexistent_thing.h", self.gate(0, python).err)

    def test_a_python_without_the_slots_is_named(self):
        old, new = need("3.11", "3.14")
        self.write("spam.c", source("ready"))
        done = self.gate(0, old, *BOTH)
        self.assertIn("Python 3.11 has no slot for an own GIL or for the GIL", done.err)
        self.assertNotIn("no slot", self.gate(0, old).err)
        command = ("-m", "extcheck_build", "gate", "--module", "spam", "--output-dir", "out", *BOTH,
                   "spam.c")
        for python, named in ((old, True), (new, False)):  # the package without a checker
            done = self.expect(0, python.path, *command, PYTHONPATH=PACKAGE, PATH="/usr/bin:/bin")
            self.assertEqual("has no slot for an own GIL or for the GIL" in done.err, named, done)
        self.assertNotIn("no slot", self.gate(0, new, *BOTH).err)

    def test_single_phase_cannot_declare(self):
        (python,) = need("3.14")
        self.write("spam.c", "#include <Python.h>\nstatic struct PyModuleDef d = "
                             "{PyModuleDef_HEAD_INIT, \"spam\", NULL, -1, NULL, NULL, NULL, NULL, "
                             "NULL};\nPyMODINIT_FUNC PyInit_spam(void)\n{\n"
                             "    return PyModule_Create(&d);\n}\n")
        done = self.gate(0, python, **{BUILD_OWN: "1", DECLARE_OWN: "1"})
        self.assertIn("no slot to declare it with", done.err)
        self.assertIn("declares no own-GIL support", done.err)
        record = self.record()
        self.assertFalse(record["claims"]["own-gil"])
        self.assertEqual(record["override"], [BUILD_OWN])
        command = ("-m", "extcheck_build", "gate", "--module", "spam", "--output-dir", "out",
                   "--supports-own-gil", "spam.c")
        env = {"PYTHONPATH": PACKAGE, "PATH": "/usr/bin:/bin", BUILD_OWN: "1", DECLARE_OWN: "1"}
        # The package: it has the word of a verdict file; with neither, it claims nothing at all.
        self.expect(1, EXTCHECK, "--isolated", "-q", "--write-verdict", "extcheck-verdict.json",
                    "spam.c", "--", f"-I{INCLUDE}")
        for verdict in (True, False):
            done = self.expect(0, python.path, *command, **env)
            self.assertIn("no slot to declare it with", done.err)
            self.assertFalse(self.record()["claims"]["own-gil"])
            self.assertEqual(self.record()["override"], [BUILD_OWN])
            self.assertEqual(self.record()["checker"] is not None, verdict)
            (self.folder / "extcheck-verdict.json").unlink(missing_ok=True)


if __name__ == "__main__":
    unittest.main()
