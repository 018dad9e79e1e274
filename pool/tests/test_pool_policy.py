#!/usr/bin/env python3
"""The policy: modules built here by the gate, then cases/policy.py in every interpreter."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

import pooltest

EXTCHECK = os.environ.get("EXTCHECK")
SHIM = pooltest.ROOT / "shim"
TESTMODS = pooltest.ROOT / "testmods"
LIMIT = 240  # seconds
SWITCHES = {f"UNSAFE_EXTCHECK_{word}": "1"
            for word in ("BUILD_OWN_GIL", "DECLARE_OWN_GIL", "BUILD_FREE_THREADED",
                         "DECLARE_GIL_NOT_USED")}

# Two modules in one binary; with -DNOTES each has a note that the cases fill in.
SPAM = r"""
#include <Python.h>
#ifdef NOTES
#include "extshim_note.h"
enum { PAYLOAD = 3000 };
#define NOTE(name)                                                                                 \
    static const struct {                                                                          \
        unsigned int owner_size, payload_size, type;                                               \
        char owner[12], payload[PAYLOAD];                                                          \
    } note_##name EXTSHIM_NOTE_PLACE = {9, PAYLOAD, EXTSHIM_NOTE_TYPE, "extcheck", "NOTE OF " #name}
NOTE(spam);
NOTE(other);
#endif
static PyObject *
answer(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(42);
}
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static PyModuleDef_Slot slots[] = {
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
    {0, NULL}};
#define MODULE(name)                                                                               \
    static struct PyModuleDef def_##name = {                                                       \
        PyModuleDef_HEAD_INIT, #name, NULL, 0, methods, slots, NULL, NULL, NULL};                  \
    PyMODINIT_FUNC PyInit_##name(void) { return PyModuleDef_Init(&def_##name); }
MODULE(spam)
MODULE(other)
"""


def stamp(*texts):
    status = os.stat(EXTCHECK)
    seen = [str(status.st_mtime_ns), str(status.st_size), pathlib.Path(__file__).read_text("utf-8")]
    return hashlib.sha256("\0".join([*seen, *texts]).encode()).hexdigest()


class Modules:
    """What one interpreter's cases import, built once."""

    def __init__(self, name, python):
        self.python = python
        self.facts = pooltest.pool_build.probe(python)
        self.flags = pooltest.pool_build.include_flags(python, self.facts)
        self.folder = pooltest.BUILD / "policy" / name
        sources = [*TESTMODS.glob("shim_cache_*/*.c"), *SHIM.glob("src/*.[ch]"),
                   *SHIM.glob("include/**/*.h")]
        texts = [path.read_text("utf-8") for path in sorted(sources)]
        record = self.folder / "stamp"
        now = stamp(name, *texts)
        if record.exists() and record.read_text("utf-8") == now:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.make()
        record.write_text(now, "utf-8")

    def run(self, *command, code=0, **env):
        done = subprocess.run([str(word) for word in command], cwd=self.folder, timeout=LIMIT,
                              env={**os.environ, **env}, capture_output=True, text=True,
                              check=False)
        if done.returncode != code:
            raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def compile(self, target, *sources):
        free = ["-DPy_GIL_DISABLED=1"] if self.facts["free"] else []
        self.run("gcc", "-shared", "-fPIC", "-O0", "-pthread", *free, *self.flags,
                 f"-I{SHIM / 'include'}", *sources, "-o", f"{target}{self.facts['suffix']}")

    def make(self):
        (self.folder / "spam.c").write_text(SPAM, "utf-8")
        self.compile("plain", "spam.c")
        self.compile("noted", "-DNOTES", "spam.c")
        self.gated("shim_cache_good", *sorted((SHIM / "src").glob("*.c")))
        self.gated("shim_cache_bad", **SWITCHES)
        (self.folder / "rows").mkdir()
        built = self.folder / "rows" / f"spam{self.facts['suffix']}"
        shutil.copyfile(self.folder / f"plain{self.facts['suffix']}", built)
        headers = [flag.replace("-isystem", "-I") for flag in self.flags]
        self.run(EXTCHECK, "--isolated", "-q", "--python", self.python, "--write-verdict",
                 "rows.json", built, "spam.c", "--", *headers)

    def gated(self, name, *more, **switches):
        source = TESTMODS / name / f"{name}.c"
        gate = (EXTCHECK, "gate", "--isolated", "--python", self.python, "--soabi",
                self.facts["suffix"].split(".")[1], "--module", name, "--output-dir", "gate",
                "--supports-own-gil", "--supports-free-threaded", source, "--",
                f"-I{SHIM / 'include'}")
        if switches:
            refused = self.run(*gate, code=1).stderr
            (self.folder / f"{name}.refused").write_text(refused, "utf-8")
        self.run(*gate, **switches)
        self.compile(name, "-include", f"gate/extcheck_gate_{name}.h", source,
                     f"gate/extcheck_note_{name}.c", *more)


class Policy(unittest.TestCase):
    def run_cases(self, version):
        python = pooltest.interpreters()[version]
        folder = pooltest.built(version, python)
        modules = Modules(version, python)
        self.assertIn("GLB07", (modules.folder / "shim_cache_bad.refused").read_text("utf-8"))
        env = pooltest.environment(folder, POLICY_MODULES=str(modules.folder))
        env.pop("UNSAFE_EXTPOOL_LOAD", None)
        done = subprocess.run([python, "-X", "faulthandler",
                               pooltest.HERE / "cases" / "policy.py"], env=env,
                              capture_output=True, text=True, timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-8000:])
        self.assertRegex(done.stderr, r"Ran [1-9]\d* tests? in .*\n\nOK")

    def test_3_13(self):
        self.run_cases("3.13")

    def test_3_13t(self):
        self.run_cases("3.13t")

    def test_3_14(self):
        self.run_cases("3.14")

    def test_3_15(self):
        self.run_cases("3.15")


if __name__ == "__main__":
    if not EXTCHECK:
        sys.exit("set EXTCHECK to the checker's binary")
    EXTCHECK = os.path.abspath(EXTCHECK)
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=2)
