#!/usr/bin/env python3
"""Input that cannot be analysed, or only in part: named, never a crash or a hang, exit 2."""

import os
import re
import socket
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from support import EXTCHECK, MODULE, CliTest, bad_module, good_module  # noqa: E402

with open(EXTCHECK, "rb") as program:
    CODE = program.read()
SANITIZED = b"__asan_init" in CODE or b"__tsan_init" in CODE


class NotFiles(CliTest):
    """Each beside a good and a bad file, which must be analysed all the same."""

    def setUp(self):
        super().setUp()
        self.write("good.c", good_module())
        self.write("bad.c", bad_module())

    def check(self, name, reason):
        result = self.expect(2, "good.c", name, "bad.c", timeout=60)
        self.assertIn(f"analysed 2/3 files, 1 failed: {name} ({reason}", result.err)
        self.assertIn("bad.c:3:18:", result.out)
        self.assertIn(name, result.out)

    def test_absent(self):
        self.check("absent.c", "no such file")

    def test_folder(self):
        (self.folder / "dir.c").mkdir()
        self.check("dir.c", "is a folder")

    def test_pipe(self):
        os.mkfifo(self.folder / "pipe.c")
        self.check("pipe.c", "is a pipe")

    def test_device(self):
        self.check("/dev/null", "is a device")

    def test_socket(self):
        with socket.socket(socket.AF_UNIX) as s:
            old = os.getcwd()
            os.chdir(self.folder)
            try:
                s.bind("sock.c")
            finally:
                os.chdir(old)
        self.check("sock.c", "is a device or socket")

    def test_unreadable(self):
        self.write("secret.c", good_module()).chmod(0)
        if os.geteuid() == 0:
            self.skipTest("root can read everything")
        self.check("secret.c", "Permission denied")

    def test_dangling_link(self):
        (self.folder / "link.c").symlink_to("nowhere.c")
        self.check("link.c", "no such file")

    def test_link_to_itself(self):
        (self.folder / "loop.c").symlink_to("loop.c")
        self.check("loop.c", "Too many levels")

    def test_other_kinds(self):
        self.write("notes.txt", "text")
        self.check("notes.txt", "is no C or C++ source")
        self.write("fast.pyx", "cdef int x")
        self.check("fast.pyx", "is Cython source")

    def test_only_a_header(self):
        self.write("spam.h", "int x;\n")
        result = self.expect(2, "spam.h")
        self.assertIn("analysed 0/1 files, 1 failed: spam.h (is a header", result.err)

    def test_header_beside_sources(self):
        self.write("spam.h", "int x;\n")
        result = self.expect(0, "good.c", "spam.h")
        self.assertIn("analysed 1/1 files", result.err)
        self.assertIn("1 header named", result.out)

    def test_doubles_count_once(self):
        (self.folder / "again.c").symlink_to("good.c")
        result = self.expect(0, "good.c", "./good.c", self.folder / "good.c", "again.c")
        self.assertIn("analysed 1/1 files", result.err)

    def test_same_file_under_two_names_is_reported_once(self):
        result = self.expect(1, "--format=concise", "bad.c", "./bad.c")
        lines = result.out.splitlines()
        self.assertEqual(len(lines), len(set(lines)))


class Broken(CliTest):
    def setUp(self):
        super().setUp()
        self.write("bad.c", bad_module())

    def in_part(self, name, text, reason, *arguments):
        """What survives is judged, the verdict cannot be ready."""
        self.write(name, text)
        result = self.expect(2, name, "bad.c", *arguments)
        self.assertIn(name, result.err)
        self.assertRegex(result.err, reason)
        self.assertIn("bad.c:3:18:", result.out)
        self.assertNotRegex(result.out, r"(?m)^eggs +\S+ +ready")
        return result

    def test_missing_header(self):
        self.in_part("eggs.c", '#include "nowhere/at_all.h"\n' + good_module(),
                     r"'nowhere/at_all\.h' file not found at line 1; pass its folder: -- -I DIR")

    def test_missing_header_hides_no_blocker(self):
        self.write("eggs.c", '#include "nowhere.h"\n' + bad_module("eggs"))
        result = self.expect(2, "eggs.c")
        self.assertIn("eggs.c:4:18:", result.out)
        self.assertRegex(result.out, r"eggs +own-gil +not-ready")

    def test_syntax_error(self):
        self.in_part("eggs.c", good_module() + "\nint f( { ] ;\n", r"eggs\.c")

    def test_cplusplus_as_c(self):
        self.in_part("eggs.c", "#include <Python.h>\ntemplate <class T> struct box { T x; };\n"
                     "namespace a { class b {}; }\n" + good_module(), r"eggs\.c")

    def test_one_name_for_one_file(self):
        """A file that is given and included as well has the name that was given, whatever the
        style, so its findings are one each."""
        self.write("src/part.c", "#include <Python.h>\nstatic PyObject *kept;\n"
                   "PyObject *part_get(PyObject *o)\n"
                   "{ if (!kept) { kept = PyList_New(0); } return kept; }\n")
        self.write("src/eggs.c", good_module().replace(
            "static PyObject *\nget", '#include "part.c"\nstatic PyObject *\nget', 1).replace(
            "return PyDict_New()", "return part_get(ignored)"))
        for prefix, folder in (("src/", "."), ("./src/", "."), ("../src/", "src"), ("", "src")):
            result = self.run_cli("--format=concise", f"{prefix}eggs.c", f"{prefix}part.c",
                                  cwd=self.folder / folder)
            found = [line.split(" ")[0] for line in result.out.splitlines() if "'kept'" in line]
            self.assertEqual(found, [f"{prefix}part.c:2:18:"], (prefix, result))

    def test_recursive_include(self):
        self.in_part("eggs.c", '#include "eggs.c"\n' + good_module(), r"eggs\.c")

    def test_only_noise(self):
        self.write("noise.c", os.urandom(20000))
        self.assertIn("noise.c", self.expect(2, "noise.c", "bad.c", timeout=60).err)

    def test_error_directive(self):
        self.in_part("eggs.c", "#error not today\n" + good_module(), "not today")

    def test_deep_nesting(self):
        self.write("eggs.c", good_module() + "\nint x = " + "(" * 20000 + "1" + ")" * 20000 + ";\n")
        result = self.run_cli("eggs.c", "bad.c", timeout=100)
        self.assertEqual(result.code, 2, result)
        self.assertIn("bad.c:3:18:", result.out)


class Unusual(CliTest):
    """Strange, but it can be parsed: judged normally."""

    def test_empty(self):
        self.write("empty.c", "")
        self.write("blank.c", "\n\n")
        self.assertIn("analysed 2/2 files", self.expect(0, "empty.c", "blank.c").err)

    def test_invalid_utf8(self):
        text = bad_module().encode().replace(b"static PyObject *cache;",
                                             b"static PyObject *cache; /* \xff\xfe caf\xe9 */")
        self.write("bad.c", text)
        for name in ("full", "json", "sarif", "junit"):
            result = self.expect(1, "--format", name, "bad.c")
            self.assertIn("cache", result.out)

    def test_nul_bytes(self):
        self.write("bad.c", bad_module().encode().replace(b"cache;\n", b"cache; /* \0 */\n", 1))
        self.assertIn("bad.c:3:18:", self.run_cli("bad.c").out)

    def test_windows_line_ends(self):
        self.write("bad.c", bad_module().replace("\n", "\r\n").encode())
        self.assertIn("bad.c:3:18:", self.expect(1, "bad.c").out)

    def test_names_with_spaces_and_more(self):
        for name in ("with space.c", "gr\u00fc\u00df.c", "quo'te\".c", "per%cent.c", "-dash.c",
                     "semi;colon.c"):
            with self.subTest(name):
                self.write(name, bad_module())
                given = "./" + name if name.startswith("-") else name
                self.assertIn("analysed 1/1", self.expect(1, given).err)

    def test_two_megabytes(self):
        lines = [f"static int f{i}(int x) {{ return x + {i}; }}\nint g{i}(void) "
                 f"{{ return f{i}({i}); }}\n" for i in range(28000)]
        path = self.write("eggs.c", good_module() + "".join(lines))
        self.assertGreater(path.stat().st_size, 2_000_000)
        result = self.expect(0, "eggs.c", timeout=120)
        self.assertIn("analysed 1/1 files", result.err)

    def test_a_thousand_files(self):
        for i in range(1000):
            self.write(f"f{i:04}.c", f"int f{i}(void)\n{{\n    return {i};\n}}\n")
        self.write("bad.c", bad_module())
        names = [f"f{i:04}.c" for i in range(1000)]
        result = self.expect(1, *names[:500], "bad.c", *names[500:], timeout=240)
        self.assertIn("analysed 1001/1001 files", result.err)
        self.assertIn("bad.c:3:18:", result.out)

    HELPER = """\
        #include <Python.h>
        static PyObject *cache;
        PyObject *
        helper(PyObject *module, PyObject *ignored)
        {
            if (cache == NULL) {
                cache = PyDict_New();
            }
            return Py_NewRef(cache);
        }
        """

    def test_cxx_named_as_c(self):
        for text in ("class Foo { public: static PyObject *cache; };\n"
                     "PyObject *Foo::cache = nullptr;\n"
                     'extern "C" PyObject *g(PyObject *, PyObject *)\n'
                     "{ Foo::cache = PyList_New(0); return Foo::cache; }\n",
                     "#include <vector>\nclass A { public: static PyObject *c; };\n"
                     "PyObject *A::c = 0;\nextern \"C\" PyObject *g(PyObject *, PyObject *)\n"
                     "{ A::c = PyList_New(0); return A::c; }\n"):
            self.write("cx.c", "#include <Python.h>\n" + text)
            self.write("cx.cpp", "#include <Python.h>\n" + text)
            result = self.expect(2, "--format=concise", "cx.c")
            self.assertIn("in part: cx.c (this is C++, not C", result.err)
            wanted = self.rules_in(self.expect(1, "--format=concise", "cx.cpp"))
            self.assertIn("GLB07", wanted)
            self.assertEqual(self.rules_in(result), wanted)
            self.assertEqual(wanted, self.rules_in(
                self.expect(1, "--format=concise", "cx.c", "--", "-x", "c++")))

    def test_members_under_two_spellings_are_one(self):
        """The class's own enum is `M` in its header and `K::M` where the function is defined."""
        self.write("k.h", "class K { public: enum M { A, B };\n"
                   "bool f(double v, int *b) const { return g(v, b, A); }\n"
                   "private: bool g(double v, int *b, M m) const; };\n")
        self.write("k.cc", '#include <Python.h>\n#include "k.h"\n'
                   "bool K::g(double v, int *b, K::M m) const { return v > *b + m; }\n")
        source = MODULE % {"name": "eggs", "globals": '#include "k.h"\n',
                           "body": "    int b = 1;\n    return PyBool_FromLong(K().f(1.0, &b));"}
        self.write("eggs.cc", re.sub(r"\.m_\w+ = ", "", source.replace(
            ".m_methods", "NULL, 0, .m_methods")))
        self.assertRegex(self.expect(0, "eggs.cc", "k.cc").out, r"own-gil +ready ")
        self.assertIn("g() is called, but no given file defines it",
                      self.run_cli("eggs.cc").out)

    def test_lambdas_are_defined_where_they_stand(self):
        source = MODULE % {
            "name": "eggs",
            "globals": "static long total;\nstatic long run(void (*f)(long *), long *to)\n"
                       "{ f(to); return *to; }\ntemplate <class F> static long twice(F f)\n"
                       "{ return f(1) + f(2); }\n",
            "body": "    auto plain = [](long n) { return n + total++; };\n    long one = 0;\n"
                    "    one = run([](long *to) { *to = 1; }, &one) + twice(plain) + plain(3);\n"
                    "    return PyLong_FromLong(one);"}
        self.write("eggs.cc", re.sub(r"\.m_\w+ = ", "", source.replace(
            ".m_methods", "NULL, 0, .m_methods")))
        done = self.expect(1, "eggs.cc")
        self.assertIn("GLB11", done.out)  # what stands in them is read
        self.assertRegex(done.out, r"own-gil +ready-with-warnings ")
        self.assertNotIn("is called, but", done.out)

    def test_missing_functions_are_named(self):
        names = [f"gone_{i}" for i in range(30)]
        self.write("all.h", "".join(f"int {name}(void);\n" for name in names))
        self.write("eggs.c", good_module().replace(
            "#include <Python.h>", '#include <Python.h>\n#include "all.h"').replace(
            "return PyDict_New();", f"return PyLong_FromLong({'() + '.join(names)}());"))
        for style in ("concise", "full"):
            out = self.expect(0, f"--format={style}", "eggs.c").out
            self.assertIn("gone_0() is called, but no given file defines it", out)
            self.assertEqual(out.count("is called, but"), 20, out)

    def test_helper_beside_a_good_module(self):
        self.write("helper.c", self.HELPER)
        self.write("eggs.c", good_module())
        alone = self.expect(1, "--format=concise", "helper.c")
        beside = self.expect(1, "--format=concise", "helper.c", "eggs.c")
        self.assertEqual(self.rules_in(beside), self.rules_in(alone))
        self.assertIn("eggs: own-gil: ready", beside.out)
        self.assertIn("(other files): own-gil: not-ready", beside.out)
        # A third file whose module is lost makes nothing the good module's fault.
        self.write("broken.c", "#include <Python.h>\n"
                   "PyObject *helper(PyObject *m, PyObject *a);\n"
                   "static PyMethodDef t[] = {{\"h\", helper, METH_NOARGS, 0}, {0}};\n"
                   "int f( {\nINIT(foo) { return t; }\n")
        third = self.expect(2, "--format=concise", "helper.c", "broken.c", "eggs.c")
        self.assertEqual(self.rules_in(third), self.rules_in(alone))
        self.assertIn("eggs: own-gil: unknown", third.out)

    def test_files_beside_a_module_have_one_row(self):
        # Which files belong to the module is another set in each flavour.
        self.write("eggs.c", good_module().replace(
            "#include <Python.h>", "#include <Python.h>\nint own(PyObject *o);").replace(
            "return PyDict_New();", "\n#ifdef Py_GIL_DISABLED\nown(NULL);\n#endif\n"
            "return PyDict_New();"))
        self.write("a.c", "#include <Python.h>\nstatic PyObject *kept;\n"
                   "int own(PyObject *o) { kept = o; return 0; }\n"
                   "PyObject *take(PyObject *m, PyObject *o) { kept = o; return o; }\n")
        self.write("b.c", self.HELPER)
        out = self.run_cli("--format=full", "eggs.c", "a.c", "b.c").out
        self.assertEqual(out.count("(other files)"), 1, out)

    def test_table_lost_with_a_header(self):
        self.write("helper.c", self.HELPER)
        self.write("eggs.c", good_module().replace(
            "#include <Python.h>", '#include <Python.h>\n#include "docs.h"\n'
            "PyObject *helper(PyObject *module, PyObject *ignored);").replace(
            '{"get", get, METH_NOARGS, NULL}',
            'LOST_ROW(get, DOC +) {"h", helper, METH_NOARGS, h_doc}'))
        result = self.expect(2, "--format=concise", "helper.c", "eggs.c")
        self.assertIn("GLB07", self.rules_in(result))

    def test_timeout(self):
        # Doubles with every level: no parser gets through.
        macro = "#define A0 x+x\n" + "".join(f"#define A{i + 1} A{i}+A{i}\n" for i in range(40))
        self.write("slow.c", macro + "int x; int f(void) { return A40; }\n")
        self.write("bad.c", bad_module())
        result = self.expect(2, "--timeout", "2", "slow.c", "bad.c", timeout=60)
        self.assertRegex(result.err, r"analysed 1/2 files, 1 failed: slow\.c \(.*2")
        self.assertIn("bad.c:3:18:", result.out)

    @unittest.skipIf(SANITIZED, "the sanitizers reserve more addresses than any limit leaves")
    def test_memory(self):
        # One worker: what the file that is given up took must not be missed by the next ones.
        self.write("endless.c", '#include "/dev/zero"\nint x;\n')
        self.write("bad.c", bad_module())
        self.write("eggs.c", good_module())
        result = self.expect(2, "-j1", "--memory", "1000", "endless.c", "bad.c", "eggs.c")
        self.assertRegex(result.err, r"analysed 2/3 files, 1 failed: endless\.c \(.*memory.*1000")
        self.assertIn("bad.c:3:18:", result.out)


if __name__ == "__main__":
    unittest.main()
