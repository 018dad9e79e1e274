"""What code does with the shim, over two files: which uses of a template's address are found, and
what a process-wide once flag does not excuse. EXTCHECK names the program."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXTCHECK = os.path.abspath(os.environ.get("EXTCHECK") or ROOT / "build/dev/extcheck")
HEADER = """#include "extshim.h"
extern PyTypeObject foo_type;
EXTSHIM_TYPE_EXTERN(foo_type)
int foo_check(PyObject *object);
"""
MODULE = """#include "foo.h"
PyTypeObject foo_type = {
    PyVarObject_HEAD_INIT(NULL, 0) .tp_name = "foo.Foo", .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT};
EXTSHIM_TYPE_DEFINE(foo_type)
static PyObject *
check(PyObject *module, PyObject *object)
{
    return PyBool_FromLong(foo_check(object));
}
static PyMethodDef methods[] = {{"check", check, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static PyModuleDef def = {PyModuleDef_HEAD_INIT, "foo", NULL, -1, methods};
EXTSHIM_MODINIT(foo)
{
    PyObject *module = ExtShim_Module_Create(&def);
    return module && ExtShim_ADD_TYPE(module, foo_type) < 0 ? NULL : module;
}
"""
# The body of foo_check() in the other file.
CLEAN = {
    "type": "return Py_TYPE(object) == ExtShim_TYPE(foo_type);",
    "check": "return ExtShim_CHECK(object, foo_type);",
    "size": "return foo_type.tp_basicsize == Py_TYPE(object)->tp_basicsize;",
}
LEAKS = {
    "static": "static PyTypeObject *type = &foo_type; return Py_TYPE(object) == type;",
    "local": "PyTypeObject *type = &foo_type; return PyType_Ready(type) == 0;",
    "argument": "return PyObject_IsInstance(object, (PyObject *)&foo_type);",
    "copy": "PyTypeObject copy = foo_type; return Py_TYPE(object) == &copy;",
    "part": "return (char *)Py_TYPE(object) == (char *)&foo_type.ob_base;",
    "element": "return Py_TYPE(object) == &(&foo_type)[0];",
    "table": "return Py_TYPE(object) == table[0];",
}
ONCE = """#include "foo.h"
static ExtShim_Once once = EXTSHIM_ONCE_INIT;
static PyObject *cache;
static int squares[8];
static int
fill(void *unused)
{
    for (int i = 0; i < 8; i++) {
        squares[i] = i * i;
    }
    cache = PyDict_New();
    return cache == NULL ? -1 : 0;
}
int
foo_check(PyObject *object)
{
    return ExtShim_Once_Call(&once, fill, NULL) < 0 ? 0 : PyDict_Contains(cache, object) + squares[1];
}
"""


class Uses(unittest.TestCase):
    def analyse(self, other, suffix=".c", flags=()):
        """(verdict for own-gil, {(rule, file)} of blockers)"""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "pyproject.toml").write_text("")
            (root / "foo.h").write_text(HEADER)
            (root / ("module" + suffix)).write_text(MODULE)
            (root / ("other" + suffix)).write_text(other)
            done = subprocess.run(
                [EXTCHECK, "--isolated", "--no-cache", "--target", "own-gil", "--format", "json",
                 "--exit-zero", "--python", "3.14", "module" + suffix, "other" + suffix, "--",
                 f"-I{ROOT / 'shim' / 'include'}", "-DEXTSHIM_CLAIM_OWN_GIL=1", *flags],
                cwd=root, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        found = {(f["rule"], f["file"]) for f in report["findings"]
                 if f["severities"]["own-gil"] in ("blocker", "hazard") and f["rule"] != "INI13"}
        module, = report["modules"]
        return module["verdicts"]["own-gil"]["verdict"], found

    def other(self, body):
        table = "static PyTypeObject *const table[] = {&foo_type};\n" if "table" in body else ""
        return f'#include "foo.h"\n{table}int\nfoo_check(PyObject *object)\n{{\n    {body}\n}}\n'

    def test_clean(self):
        for name, body in CLEAN.items():
            with self.subTest(name):
                self.assertEqual(self.analyse(self.other(body)), ("ready", set()))

    def test_leaks(self):
        for name, body in LEAKS.items():
            with self.subTest(name):
                self.assertEqual(self.analyse(self.other(body)),
                                 ("not-ready", {("TYP28", "other.c")}))

    def test_cxx(self):
        flags = ("-std=c++20",)
        self.assertEqual(self.analyse(self.other(CLEAN["type"]), ".cpp", flags), ("ready", set()))
        self.assertEqual(self.analyse(self.other(LEAKS["static"]), ".cpp", flags),
                         ("not-ready", {("TYP28", "other.cpp")}))

    def test_once_is_for_plain_data(self):
        verdict, found = self.analyse(ONCE)
        self.assertEqual(verdict, "not-ready")
        self.assertEqual({file for _, file in found}, {"other.c"})
        self.assertEqual(len(found), 1, found)


if __name__ == "__main__":
    unittest.main()
