#!/usr/bin/env python3
"""Missing headers: stand-ins keep the statements that use their types."""

import os
import pathlib
import sys
import tempfile
import time
import unittest

from support import read_facts, run

MODULE = """\
#include <Python.h>
#include <foo/bar.h>
#include "conf.h"

static foo_lock_t lock;
static foo_t *shared;
FOO_API PyObject *
helper(foo_t *f)
{
    static PyObject *cache;
    if (cache == NULL) {
        cache = PyLong_FromLong(f->count);
    }
    Other *o = (Other *)f->next;
    switch (o->kind) {
    case FOO_A: return NULL;
    case FOO_B: break;
    }
    shared = f;
    f->ops->run(f->inner.x, FOO_MAX);
    return cache;
}
static PyObject *
get(PyObject *m, PyObject *a)
{
    foo_t f;
    foo_lock(&lock);
    foo_init(&f, FOO_FLAG | 3);
    return helper(&f);
}
static PyMethodDef methods[] = {{"get", get, METH_NOARGS, NULL}, {0}};
static PyModuleDef_Slot slots[] = {
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
    {0, NULL},
};
static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, .m_name = "a", .m_methods = methods,
                                 .m_slots = slots};
PyMODINIT_FUNC PyInit_a(void) { return PyModuleDef_Init(&def); }
"""


class Stubs(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="extcheck-stubs-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name).resolve()
        self.cache = self.folder / "cache"

    def facts(self, text, name="a.c"):
        (self.folder / name).write_text(text, "utf-8")
        done = run(["--isolated", "--dump-facts", "--no-cache", "--python", "3.14", name],
                   cwd=self.folder)
        self.assertEqual(done.returncode, 2, done.stderr)
        return read_facts(done.stdout)

    def have(self, facts, kind, **fields):
        found = [f for f in facts if f.kind == kind and
                 all(f.fields.get(k) == v for k, v in fields.items())]
        self.assertTrue(found, f"no {kind} {fields} in\n" + "\n".join(map(str, facts)))
        return found[0]

    def test_statements_survive(self):
        facts = self.facts(MODULE)
        self.have(facts, "function", name="helper", nparams="1")
        self.have(facts, "call", callee="PyLong_FromLong", func="helper")
        self.have(facts, "access", how="write", var="a.c#helper.cache@10")
        self.have(facts, "access", how="write", var="a.c#shared")
        self.have(facts, "call", origin="indirect", func="helper")
        self.have(facts, "call", callee="foo_lock")
        self.have(facts, "call", callee="foo_init")

    def test_unit_says_that_headers_are_missing(self):
        for unit in (f for f in self.facts(MODULE) if f.kind == "unit"):
            self.assertEqual(unit.fields["status"], "missing-header")
            self.assertIn("foo/bar.h", unit.fields["message"])

    def test_types_of_missing_headers_are_no_mutable_data(self):
        """What a type is that nobody saw is not guessed: it may be a lock."""
        lock = self.have(self.facts(MODULE), "variable", name="lock")
        self.assertEqual(lock.fields["class"], "unseen")
        judged = run(["--isolated", "--no-cache", "--format", "concise", "a.c"], cwd=self.folder)
        self.assertNotIn("'lock'", judged.stdout)
        self.assertIn("'cache'", judged.stdout)
        self.assertEqual(judged.returncode, 2)
        self.assertNotRegex(judged.stdout, r": ready")

    def test_never_ready(self):
        text = MODULE.replace("static PyObject *cache;", "PyObject *cache = NULL;").replace(
            "shared = f;", "")
        (self.folder / "a.c").write_text(text, "utf-8")
        judged = run(["--isolated", "--no-cache", "a.c"], cwd=self.folder)
        self.assertRegex(judged.stdout, r"own-gil +unknown")
        self.assertRegex(judged.stdout, r"free-threaded +unknown")

    def test_declared_later_after_all(self):
        """A name that is unknown at first and declared further down."""
        facts = self.facts("#include <Python.h>\n#include <nowhere.h>\nstatic late_t *early;\n"
                           "typedef struct late { int n; } late_t;\n"
                           "static PyObject *kept;\n"
                           "void set(late_t *l) { kept = PyLong_FromLong(l->n); }\n")
        self.have(facts, "access", how="write", var="a.c#kept")

    def test_names_that_lead_elsewhere(self):
        """No file is made outside of the folder of stand-ins."""
        text = "".join(f'#include "{name}"\n' for name in
                       ("../../../../../../../tmp/extcheck-outside.h", "a/../../b.h", "c//d.h"))
        self.facts(text + MODULE)
        self.assertFalse(os.path.exists("/tmp/extcheck-outside.h"))
        self.assertFalse((self.folder.parent / "b.h").exists())

    def test_cplusplus(self):
        facts = self.facts("#include <Python.h>\n#include <foo.hpp>\nstatic PyObject *kept;\n"
                           "void set(foo_t *f) { foo_t *g = f; kept = PyLong_FromLong(g->n); }\n",
                           "a.cpp")
        self.have(facts, "access", how="write", var="a.cpp#kept")

    def test_tables_with_missing_texts_survive(self):
        facts = self.facts("#include <Python.h>\n#include \"docs.h\"\n"
                           "PyObject *f(PyObject *m, PyObject *a);\n"
                           "static PyMethodDef t[] = {{\"f\", f, METH_O, f_doc}, {0}};\n"
                           "PyObject *g(void) { return (PyObject *)t; }\n")
        self.have(facts, "row", func="func:f")

    def test_macros_for_thread_local_storage(self):
        facts = self.facts("#include <Python.h>\n#include \"conf.h\"\n"
                           "static FOO_TLS int depth;\nstatic FOO_API int plain;\n"
                           "void f(void) { static FOO_THREAD_LOCAL int n = 0; n++; depth++; }\n")
        self.assertEqual(self.have(facts, "variable", name="depth").fields.get("is_tls"), "1")
        self.assertEqual(self.have(facts, "variable", name="n").fields.get("is_tls"), "1")
        self.assertNotIn("is_tls", self.have(facts, "variable", name="plain").fields)

    def test_headers_of_sister_folders_belong_to_the_project(self):
        """Build files stand in every folder of a project: the uppermost one is its root."""
        for name in ("top", "top/sub", "top/lib"):
            (self.folder / name).mkdir()
            (self.folder / name / "meson.build").write_text("", "utf-8")
        (self.folder / "top/lib/kept.h").write_text(
            "static PyObject *keep(void) { static PyObject *kept; return kept; }\n", "utf-8")
        (self.folder / "top/sub/a.c").write_text(
            "#include <Python.h>\n#include \"../lib/kept.h\"\n"
            "PyObject *get(void) { return keep(); }\n", "utf-8")
        done = run(["--isolated", "--dump-facts", "--no-cache", "--python", "3.14", "top/sub/a.c"],
                   cwd=self.folder)
        self.have(read_facts(done.stdout), "variable", name="kept")

    def test_the_cache_notices_an_installed_header(self):
        (self.folder / "a.c").write_text(
            "#include <Python.h>\n#include <maker/made.h>\n#if __has_include(<maker/more.h>)\n"
            "#include <maker/more.h>\nstatic PyObject *more;\n#endif\n", "utf-8")
        system = self.folder / "installed"
        (system / "maker").mkdir(parents=True)

        def judge():
            return run(["--isolated", "--cache-dir", self.cache, "--dump-facts", "a.c"],
                       cwd=self.folder, CPATH=str(system))

        self.assertIn("'maker/made.h' file not found", judge().stderr)
        (system / "maker/made.h").write_text("int made;\n", "utf-8")
        self.assertNotIn("made.h", judge().stderr)
        self.assertNotIn("name=more", judge().stdout)
        (system / "maker/more.h").write_text("int other;\n", "utf-8")
        self.assertIn("name=more", judge().stdout)

    def test_the_cache_notices_the_header(self):
        (self.folder / "a.c").write_text(MODULE, "utf-8")
        command = ["--isolated", "--cache-dir", self.cache, "a.c"]
        first = run(command, cwd=self.folder)
        self.assertEqual((first.returncode, run(command, cwd=self.folder).stdout),
                         (2, first.stdout))
        (self.folder / "conf.h").write_text("#include <foo/bar.h>\n", "utf-8")
        (self.folder / "foo").mkdir()
        (self.folder / "foo/bar.h").write_text("#error changed\n", "utf-8")
        self.assertNotEqual(run(command, cwd=self.folder).stdout, first.stdout)

    def test_nothing_is_left_behind(self):
        before = {p.name for p in pathlib.Path("/dev/shm").glob("extcheck-pch-*")}
        self.facts(MODULE)
        left = {p.name for p in pathlib.Path("/dev/shm").glob("extcheck-pch-*")} - before
        # Those of other runs on this machine go away, one that was left behind stays.
        end = time.monotonic() + 300
        while left and time.monotonic() < end:
            time.sleep(0.2)
            left = {name for name in left if os.path.exists(f"/dev/shm/{name}")}
        self.assertFalse(left)


if __name__ == "__main__":
    sys.exit(unittest.main())
