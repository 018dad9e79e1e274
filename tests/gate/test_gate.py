"""`extcheck gate`: what passes, what is refused, what overrides do, what is written."""

import hashlib
import json
import shutil
import unittest

from support import (BUILD_FT, BUILD_OWN, DECLARE_FT, DECLARE_OWN, EXTCHECK, FIXED_SLOTS, INCLUDE,
                     KINDS, PYTHONS, ROOT, SHIM, GateTest, need, source)

BOTH = ("--supports-own-gil", "--supports-free-threaded")
EXPORTED = """\
#include "extshim_gate.h"

static PyObject *
answer(PyObject *module, PyObject *ignored)
{
    (void)module;
    (void)ignored;
    return PyLong_FromLong(42);
}

static PyMethodDef methods[] = {
    {"answer", answer, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyABIInfo_VAR(abi_info);
static PySlot slots[] = {
    PySlot_STATIC_DATA(Py_mod_abi, &abi_info),
    PySlot_STATIC_DATA(Py_mod_name, "spam"),
    PySlot_STATIC_DATA(Py_mod_methods, methods),
    EXTSHIM_GATE_PYSLOTS PySlot_END,
};

PyMODEXPORT_FUNC
PyModExport_spam(void)
{
    return slots;
}
"""
PORTED = """\
#include <extshim.h>

static PyObject *
answer(PyObject *module, PyObject *ignored)
{
    (void)module;
    (void)ignored;
    return PyLong_FromLong(42);
}

static PyMethodDef methods[] = {
    {"answer", answer, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "spam", NULL, -1, methods, NULL, NULL, NULL, NULL,
};

EXTSHIM_MODINIT(spam)
{
    return ExtShim_Module_Create(&definition);
}
"""


class Answers(GateTest):
    def test_ready_passes_and_the_module_declares_it(self):
        for python in need("3.13", "3.13t", "3.14"):
            with self.subTest(python=str(python)):
                self.write("spam.c", source("ready"))
                self.gate(0, python, *BOTH)
                record = self.record()
                self.assertEqual(record["claims"], {"own-gil": True, "gil-not-used": True})
                self.assertEqual(record["flavour"],
                                 "free-threaded" if python.free_threaded else "gil")
                self.assertEqual(record["override"], [])
                self.compile(python)
                own, gil = self.imported(python)
                self.assertTrue(own)
                self.assertEqual(gil, not python.free_threaded)

    def test_nothing_is_claimed_that_was_not_asked_for(self):
        gil, threaded = need("3.13", "3.13t")
        self.write("spam.c", source("ready"))
        for python in (gil, threaded):
            self.gate(0, python)
            self.assertEqual(self.record()["claims"], {"own-gil": False, "gil-not-used": False})
            self.compile(python)
            self.assertEqual(self.imported(python), (False, True))

    def test_not_ready_is_refused_and_the_message_says_why(self):
        (python,) = need("3.13")
        self.write("spam.c", source("shares"))
        said = self.gate(1, python, *BOTH).err
        self.assertIn("not-ready for own-gil", said)
        self.assertIn("spam.c:2: blocker", said)
        self.assertIn("GLB07", said)
        self.assertIn(f"{BUILD_OWN}=1", said)
        self.assertFalse(list((self.folder / "out").glob("extcheck_*")))

    def test_a_refusal_removes_what_an_earlier_run_wrote(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready"))
        self.gate(0, python, *BOTH)
        self.assertEqual(len(list((self.folder / "out").iterdir())), 3)
        self.write("spam.c", source("shares"))
        self.gate(1, python, *BOTH)
        self.assertEqual(list((self.folder / "out").iterdir()), [])

    def test_warnings_pass_are_said_and_recorded(self):
        (python,) = need("3.13t")
        self.write("spam.c", source("shares"))
        said = self.gate(0, python, "--supports-free-threaded").err
        self.assertIn("warning: module 'spam' is ready-with-warnings for free-threaded", said)
        self.assertIn("GLB07", said)
        record = self.record()
        self.assertEqual(record["verdicts"]["free-threaded"]["verdict"], "ready-with-warnings")
        self.assertTrue(record["claims"]["gil-not-used"])

    def test_runs_with_gil_builds_and_declares_the_gil_as_used(self):
        (python,) = need("3.13t")
        self.write("spam.c", source("ready", slots=""))
        self.gate(0, python, "--supports-free-threaded")
        record = self.record()
        self.assertEqual(record["verdicts"]["free-threaded"]["verdict"], "runs-with-gil")
        self.assertFalse(record["claims"]["gil-not-used"])

    def test_unknown_is_refused(self):
        (python,) = need("3.13t")
        self.write("spam.h", "int spam_elsewhere(void);\n")
        self.write("spam.c", source("ready").replace(
            "extshim_gate.h\"", "extshim_gate.h\"\n#include \"spam.h\"", 1).replace(
            "PyLong_FromLong(42)", "PyLong_FromLong(spam_elsewhere())"))
        said = self.gate(1, python, *BOTH).err
        self.assertIn("unknown for free-threaded", said)
        self.assertIn("spam_elsewhere", said)

    def test_a_module_that_is_not_in_the_files_is_unknown(self):
        gil, threaded = need("3.13", "3.13t")
        self.write("spam.c", source("ready", name="eggs"))
        self.assertIn("there is a module 'eggs'", self.gate(1, gil, *BOTH).err)
        self.gate(1, threaded)
        self.gate(0, gil)
        self.assertEqual(self.record()["verdicts"]["own-gil"]["verdict"], "unknown")

    def test_old_pythons_have_nothing_to_declare(self):
        (python,) = need("3.11")
        self.write("spam.c", source("shares"))
        self.gate(0, python, *BOTH)
        self.assertEqual(self.record()["claims"], {"own-gil": False, "gil-not-used": False})
        self.compile(python)

    def test_reports_cannot_hide_findings_from_the_gate(self):
        (python,) = need("3.13")
        self.write("spam.c", source("shares"))
        self.write("extcheck.toml", 'ignore = ["GLB07", "INI13"]\nconfidence = "high"\n'
                                    '[per-file-ignores]\n"*.c" = ["GLB"]\n')
        done = self.run_program(EXTCHECK, "gate", "--python", python.path, "--module", "spam",
                                "--output-dir", "out", *BOTH, "spam.c", "--", f"-I{INCLUDE}")
        self.assertEqual(done.code, 1, done)
        self.assertIn("GLB07", done.err)

    def test_accepted_findings_pass_as_warnings(self):
        (python,) = need("3.13")
        text = source("shares").replace("static PyObject *cache;", "static PyObject *cache; "
                                        "/* extcheck: ignore[GLB07] reviewed */")
        self.write("spam.c", text)
        said = self.gate(0, python, "--supports-own-gil").err
        self.assertIn("ready-with-warnings", said)
        self.assertEqual(self.record()["verdicts"]["own-gil"]["verdict"], "ready-with-warnings")


class Overrides(GateTest):
    def test_own_gil(self):
        (python,) = need("3.13")
        self.write("spam.c", source("shares"))
        said = self.gate(0, python, *BOTH, **{BUILD_OWN: 1}).err
        self.assertIn("UNSAFE", said)
        self.assertIn(DECLARE_OWN, said)
        self.assertEqual(self.record()["override"], [BUILD_OWN])
        self.assertFalse(self.record()["claims"]["own-gil"])
        self.compile(python)
        self.assertEqual(self.imported(python)[0], False)
        self.gate(0, python, *BOTH, **{BUILD_OWN: 1, DECLARE_OWN: 1})
        self.assertEqual(self.record()["override"], [BUILD_OWN, DECLARE_OWN])
        self.assertTrue(self.record()["claims"]["own-gil"])
        self.compile(python)
        self.assertEqual(self.imported(python)[0], True)

    def test_free_threaded(self):
        (python,) = need("3.13t")
        self.write("spam.c", source("detached"))
        self.gate(1, python, "--supports-free-threaded")
        said = self.gate(0, python, "--supports-free-threaded", **{BUILD_FT: 1}).err
        self.assertIn("UNSAFE", said)
        self.assertEqual(self.record()["override"], [BUILD_FT])
        self.compile(python)
        self.assertEqual(self.imported(python)[1], True)
        self.gate(0, python, "--supports-free-threaded", **{BUILD_FT: 1, DECLARE_FT: 1})
        self.assertEqual(self.record()["override"], [BUILD_FT, DECLARE_FT])
        self.compile(python)
        self.assertEqual(self.imported(python)[1], False)

    def test_only_the_text_1_is_a_switch(self):
        gil, threaded = need("3.13", "3.13t")
        self.write("spam.c", source("detached"))
        for value in ("", "0", "yes", "true", "01", "1 ", " 1", "2", "on"):
            self.gate(1, gil, *BOTH, **{BUILD_OWN: value})
            self.gate(1, threaded, *BOTH, **{BUILD_FT: value})

    def test_declaring_needs_the_other_switch_too(self):
        (python,) = need("3.13t")
        self.write("spam.c", source("detached"))
        self.gate(1, python, "--supports-free-threaded", **{DECLARE_FT: 1})

    def test_a_source_that_declares_by_itself_is_not_covered(self):
        gil, threaded = need("3.13", "3.13t")
        self.write("spam.c", source("detached", slots=FIXED_SLOTS))
        said = self.gate(1, gil, **{BUILD_OWN: 1}).err
        self.assertIn("declares Py_MOD_PER_INTERPRETER_GIL_SUPPORTED by itself", said)
        said = self.gate(1, threaded, **{BUILD_FT: 1, BUILD_OWN: 1, DECLARE_OWN: 1}).err
        self.assertIn("declares Py_MOD_GIL_NOT_USED by itself", said)
        self.gate(0, threaded, **{BUILD_FT: 1, BUILD_OWN: 1, DECLARE_OWN: 1, DECLARE_FT: 1})

    def test_nor_is_one_with_the_shim_beside_it(self):
        """Its files, and this one, speak of the macros that take the gate's answer."""
        (python,) = need("3.13")
        self.write("spam.c", "/* no EXTSHIM_MODINIT here */\n"
                   + source("shares", slots=FIXED_SLOTS))
        shutil.copytree(SHIM / "src", self.folder / "extshim")
        files = ["spam.c", *sorted(map(str, (self.folder / "extshim").glob("*.c")))]
        said = self.gate(1, python, *BOTH, files=files, **{BUILD_OWN: 1}).err
        self.assertIn("declares Py_MOD_PER_INTERPRETER_GIL_SUPPORTED by itself", said)

    def test_a_declared_own_gil_is_judged_without_being_asked(self):
        (python,) = need("3.13")
        self.write("spam.c", source("shares", slots=FIXED_SLOTS))
        said = self.gate(1, python).err
        self.assertIn("not-ready for own-gil", said)
        self.assertIn("declare Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED in the source", said)
        self.write("spam.c", source("ready", slots=FIXED_SLOTS))
        self.gate(0, python)
        self.assertTrue(self.record()["claims"]["own-gil"])


class Flavour(GateTest):
    def gate_as(self, code, *arguments):
        (python,) = need("3.13")
        return self.expect(code, EXTCHECK, "gate", "--isolated", "--python", python.path,
                           "--module", "spam", "--output-dir", "out", *arguments, "spam.c", "--",
                           f"-I{INCLUDE}")

    def test_from_the_soabi_of_a_cross_build(self):
        self.write("spam.c", source("ready"))
        for soabi, flavour in (("cpython-313t-aarch64-linux-gnu", "free-threaded"),
                               (".cpython-314td-x86_64-linux-gnu.so", "free-threaded"),
                               ("cpython-313-aarch64-linux-gnu", "gil"), ("cp315t", "free-threaded"),
                               ("cpython-313d-x86_64-linux-gnu", "gil"),
                               ("abi3", "gil"), ("abi3t", "free-threaded")):
            with self.subTest(soabi=soabi):
                self.gate_as(0, "--soabi", soabi, "--supports-free-threaded")
                self.assertEqual(self.record()["flavour"], flavour)
                self.assertEqual(self.record()["abi"], soabi)

    def test_the_version_in_the_soabi_decides_what_can_be_declared(self):
        self.write("spam.c", source("ready"))
        self.gate_as(0, "--soabi", "cpython-312-x86_64-linux-gnu", *BOTH)
        self.assertEqual(self.record()["claims"], {"own-gil": True, "gil-not-used": False})
        self.gate_as(0, "--soabi", "cpython-311-x86_64-linux-gnu", *BOTH)
        self.assertEqual(self.record()["claims"], {"own-gil": False, "gil-not-used": False})

    def test_contradictions_and_nonsense(self):
        self.write("spam.c", source("ready"))
        self.assertIn("contradicts", self.gate_as(2, "--soabi", "cpython-313t-x86_64-linux-gnu",
                                                  "--flavour", "gil").err)
        self.assertIn("--soabi", self.gate_as(2, "--soabi", "pypy39-pp73-x86_64").err)
        self.assertIn("--flavour", self.gate_as(2, "--flavour", "nogil").err)
        self.assertIn("--module", self.expect(2, EXTCHECK, "gate", "spam.c").err)
        self.assertIn("name the module's sources", self.expect(
            2, EXTCHECK, "gate", "--module", "spam", "--output-dir", "out").err)

    def test_abi3_in_a_free_threaded_build_is_refused(self):
        (python,) = need("3.13t")
        self.write("spam.c", source("ready"))
        said = self.gate(1, python, "--supports-free-threaded",
                         flags=["-DPy_LIMITED_API=0x030d0000"]).err
        self.assertIn("not-ready for free-threaded", said)

    def test_abi3_with_the_gil_passes(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready"))
        self.gate_as(0, "--soabi", "abi3", "--supports-own-gil", "spam.c")
        self.compile(python, "-DPy_LIMITED_API=0x030d0000", target="spam.abi3.so")
        self.assertEqual(self.imported(python)[0], True)


    def test_abi3t_is_judged_as_free_threaded_and_serves_both(self):
        (python,) = need("3.15")
        self.write("spam.c", EXPORTED)
        for kind, text, code in (("ready", EXPORTED, 0), ("detached", EXPORTED.replace(
                "    return PyLong_FromLong(42);", "    PyObject *result;\n" + KINDS["detached"][1]
                + "\n    return result;"), 1)):
            with self.subTest(kind=kind):
                self.write("spam.c", text)
                said = self.expect(code, EXTCHECK, "gate", "--isolated", "--python", python.path,
                                   "--module", "spam", "--output-dir", "out", "--soabi", "abi3t",
                                   *BOTH, "spam.c", "--", f"-I{INCLUDE}",
                                   "-DPy_TARGET_ABI3T=0x030f0000").err
                if code:
                    self.assertIn("not-ready for free-threaded", said)
                    continue
                path = self.compile(python, "-DPy_TARGET_ABI3T=0x030f0000",
                                    target="spam.abi3t.so")
                self.assertEqual(self.imported(python)[0], True)
                report = json.loads(self.expect(0, EXTCHECK, "--isolated", "--format", "json",
                                                path).out)
                self.assertEqual(report["findings"], [])


class Headers(GateTest):
    """extshim_gate.h compares what was answered with the headers that are used."""

    def compile_only(self, python, *flags):
        return self.run_program("gcc", "-fsyntax-only", *python.flags, f"-I{INCLUDE}", *flags,
                                "spam.c")

    def test_an_answer_for_the_other_build_is_an_error(self):
        gil, threaded = need("3.13", "3.13t")
        self.write("spam.c", source("ready"))
        for python, flavour in ((gil, 1), (threaded, 0)):
            done = self.compile_only(python, f"-DEXTSHIM_GATE_FLAVOUR={flavour}")
            self.assertNotEqual(done.code, 0)
            self.assertIn("run the gate for this interpreter", done.err)
        for python, flavour in ((gil, 0), (threaded, 1)):
            done = self.compile_only(python, f"-DEXTSHIM_GATE_FLAVOUR={flavour}")
            self.assertEqual(done.code, 0, done)

    def test_the_note_compares_too(self):
        gil, threaded = need("3.13", "3.13t")
        self.write("spam.c", source("ready", slots=FIXED_SLOTS))
        self.gate(0, gil)
        done = self.run_program("gcc", "-fsyntax-only", *threaded.flags, f"-I{INCLUDE}",
                                "out/extcheck_note_spam.c")
        self.assertIn("#error", done.err)

    def test_without_an_answer_free_threaded_is_refused(self):
        gil, threaded = need("3.13", "3.13t")
        self.write("spam.c", source("ready"))
        self.assertEqual(self.compile_only(gil).code, 0)
        for flags in ([], [f"-D{BUILD_FT}=0"], [f"-D{BUILD_FT}=2"], [f"-D{BUILD_FT}=yes"],
                      [f"-D{BUILD_FT}="]):
            done = self.compile_only(threaded, *flags)
            self.assertNotEqual(done.code, 0, flags)
            self.assertIn(f"-D{BUILD_FT}=1", done.err)
        self.assertEqual(self.compile_only(threaded, f"-D{BUILD_FT}=1").code, 0)

    def test_without_an_answer_nothing_is_claimed(self):
        self.write("claims.c", '#include "extshim_gate.h"\n'
                               "int claims = EXTSHIM_CLAIM_OWN_GIL * 10 + "
                               "EXTSHIM_CLAIM_GIL_NOT_USED;\n")
        gil, threaded = need("3.13", "3.13t")
        cases = [(gil, [], "0 * 10 + 0"), (gil, [f"-D{DECLARE_OWN}=1"], "0 * 10 + 0"),
                 (gil, [f"-D{BUILD_OWN}=1"], "0 * 10 + 0"),
                 (gil, [f"-D{BUILD_OWN}=1", f"-D{DECLARE_OWN}=1"], "1 * 10 + 0"),
                 (threaded, [f"-D{BUILD_FT}=1"], "0 * 10 + 0"),
                 (threaded, [f"-D{BUILD_FT}=1", f"-D{DECLARE_FT}=1"], "0 * 10 + 1")]
        for python, flags, expected in cases:
            done = self.expect(0, "gcc", "-E", *python.flags, f"-I{INCLUDE}", *flags, "claims.c")
            self.assertIn(f"claims = {expected};", done.out, flags)

    def test_every_version_and_compiler(self):
        self.write("spam.c", source("ready"))
        for python in PYTHONS.values():
            flags = ["-DEXTSHIM_GATE_FLAVOUR=%d" % python.free_threaded, "-Wall", "-Wextra",
                     "-Werror"]
            flags += [f.replace("-I", "-isystem") for f in python.flags]
            for command in (["gcc", "-std=c99"], ["gcc", "-std=c17"], ["clang-14", "-std=c11"],
                            ["g++", "-x", "c++", "-std=c++11"], ["g++", "-x", "c++", "-std=c++20"],
                            ["clang++-14", "-x", "c++", "-std=c++17"]):
                with self.subTest(python=str(python), command=command):
                    if "++" in command[0] and python.minor in ((3, 12), (3, 13)):
                        flags = flags + ["-Wno-missing-field-initializers"]
                    self.expect(0, *command, "-fsyntax-only", f"-I{INCLUDE}", *flags, "spam.c")


class Shim(GateTest):
    """A single-phase module that was ported with the shim claims what the gate answers."""

    def setUp(self):
        super().setUp()
        self.write("spam.c", PORTED)
        shutil.copytree(ROOT / "shim" / "src", self.folder / "extshim")
        self.files = ["spam.c", *sorted(str(path.relative_to(self.folder)) for path in
                                        (self.folder / "extshim").glob("*.c"))]

    def shim_objects(self, python):
        """The library, which does not look at the claims."""
        folder = self.folder / f"objects-{python}"
        folder.mkdir()
        flags = [flag.replace("-I", "-isystem") for flag in python.flags]
        self.expect(0, "gcc", "-c", "-fPIC", "-O1", *flags, f"-I{INCLUDE}",
                    *sorted((self.folder / "extshim").glob("*.c")), cwd=folder)
        return sorted(folder.glob("*.o"))

    def test_claims_follow_the_answer(self):
        for name in ("3.13", "3.13t", "3.14", "3.15"):
            with self.subTest(python=name):
                (python,) = need(name)
                objects = self.shim_objects(python)
                self.gate(0, python, *BOTH, files=self.files)
                self.assertEqual(self.record()["claims"], {"own-gil": True, "gil-not-used": True})
                path = self.compile(python, link=objects)
                self.assertEqual(self.imported(python), (True, not python.free_threaded))
                report = json.loads(self.expect(0, EXTCHECK, "--isolated", "--format", "json",
                                                path).out)
                self.assertEqual(report["findings"], [])
                self.gate(0, python, files=self.files)
                self.compile(python, link=objects)
                self.assertEqual(self.imported(python), (False, True))


class Sources(GateTest):
    def test_the_note_names_sources_and_project_headers(self):
        (python,) = need("3.13")
        self.write("include/deep.h", "#define DEEP 1\n")
        self.write("src/spam.h", '#include "deep.h"\n')
        self.write("src/spam.c", source("ready").replace(
            "extshim_gate.h\"", "extshim_gate.h\"\n#include \"spam.h\"", 1))
        self.gate(0, python, files=["src/spam.c"], flags=["-Iinclude"])
        names = [name for name, _ in self.record()["sources"]]
        self.assertEqual(names, ["include/deep.h", "src/spam.c", "src/spam.h"])
        for name, digest in self.record()["sources"]:
            self.assertEqual(digest, hashlib.sha256((self.folder / name).read_bytes()).hexdigest())

    def test_all_files_given_are_named_also_those_that_nothing_reaches(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready"))
        self.write("unused.h", "#define UNUSED 1\n")
        self.write("unused.c", '#include "unused.h"\nint spam_unused(void) { return UNUSED; }\n')
        self.gate(0, python, files=["spam.c", "unused.c"])
        names = [name for name, _ in self.record()["sources"]]
        self.assertEqual(names, ["spam.c", "unused.c", "unused.h"])
        self.write("eggs.c", source("ready", name="eggs"))
        self.expect(0, EXTCHECK, "--isolated", "-q", "--write-verdict", "verdict.json", *BOTH,
                    "spam.c", "eggs.c", "unused.c", "--", f"-I{INCLUDE}")
        content = json.loads((self.folder / "verdict.json").read_text())
        named = {m["module"]: [name for name, _ in m["sources"]] for m in content["modules"]}
        self.assertEqual(named, {"spam": ["spam.c", "unused.c", "unused.h"],
                                 "eggs": ["eggs.c", "unused.c", "unused.h"]})

    def test_the_header_of_the_gate_is_no_source(self):
        (python,) = need("3.13")
        self.write("spam.c", '#include "out/extcheck_gate_spam.h"\n' + source("ready"))
        self.gate(0, python, *BOTH)
        self.assertEqual([name for name, _ in self.record()["sources"]], ["spam.c"])
        self.gate(0, python, *BOTH)
        self.assertEqual(self.record()["claims"], {"own-gil": True, "gil-not-used": True})

    def test_no_path_of_this_machine_is_recorded(self):
        (python,) = need("3.13")
        self.write("project/spam.c", source("ready"))
        self.write("generated/more.c", "int spam_more(void) { return 1; }\n")
        self.gate(0, python, "--root", "project", files=["project/spam.c", "generated/more.c"])
        text = (self.folder / "out/extcheck_record_spam.json").read_text()
        self.assertNotIn(str(self.folder), text)

    def test_unchanged_answers_leave_the_files_alone(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready"))
        self.gate(0, python, *BOTH)
        before = {p.name: p.stat().st_mtime_ns for p in (self.folder / "out").iterdir()}
        self.gate(0, python, *BOTH)
        after = {p.name: p.stat().st_mtime_ns for p in (self.folder / "out").iterdir()}
        self.assertEqual(before, after)

    def test_a_database_that_names_the_header_of_the_gate(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready"))
        header = str(self.folder / "out/extcheck_gate_spam.h")
        command = ["cc", *python.flags, f"-I{INCLUDE}", "-include", header, "-c", "spam.c"]
        self.write("compile_commands.json", json.dumps(
            [{"directory": str(self.folder), "file": "spam.c", "arguments": command}]))
        for _ in range(2):  # the second finds the first one's header
            self.expect(0, EXTCHECK, "gate", "--isolated", "--python", python.path, "--module",
                        "spam", "--output-dir", "out", *BOTH, "-p", ".", "spam.c")
            self.assertEqual(self.record()["claims"], {"own-gil": True, "gil-not-used": True})

    def test_a_folder_that_cannot_be_made(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready"))
        self.write("out", "a file")
        self.assertIn("cannot write out/", self.gate(2, python).err)


if __name__ == "__main__":
    unittest.main()
